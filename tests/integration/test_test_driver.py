"""The command against libvirt's own test driver: no QEMU, no root."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import json_output

SAMEMACHINE = [sys.executable, "-m", "host_agent"]
URI = "test:///default"


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*SAMEMACHINE, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def test_it_says_that_nothing_can_be_asked() -> None:
    done = run("audit", "-c", URI)
    assert done.returncode == 3
    assert "nothing can be asked" in done.stdout
    # libvirt's own library may warn there, of a host name that does not resolve for example.
    assert "samemachine" not in done.stderr
    assert "Traceback" not in done.stderr


def test_json() -> None:
    done = run("audit", "-c", URI, "--format", "json")
    document = json_output.read(done.stdout)
    assert document["exit_code"] == done.returncode == 3
    (domain,) = document["hosts"][0]["domains"]
    assert (domain["name"], domain["depth"]) == ("test", None)


def test_show() -> None:
    done = run("show", "test", "-c", URI)
    assert done.returncode == 3
    assert "UNVERIFIED" in done.stdout


def test_several_hosts_of_which_one_is_gone() -> None:
    done = run("audit", "-c", "test:///nonexistent.xml", "-c", URI)
    assert done.returncode == 4
    assert "test:///nonexistent.xml" in done.stderr
    assert "nothing can be asked" in done.stdout


def test_a_domain_that_is_not_there() -> None:
    done = run("audit", "nope", "-c", URI)
    assert done.returncode == 2
    assert "no domain 'nope'; there are: test" in done.stderr


@pytest.mark.parametrize("arguments", [("audit", "--nope"), ("nope",), ("audit", "--jobs", "0")])
def test_usage(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "--help" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [(), ("audit",), ("show",)])
def test_help_has_examples(command: tuple[str, ...]) -> None:
    done = run(*command, "--help")
    assert done.returncode == 0
    assert "Examples:" in done.stdout


def test_output_to_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    file = tmp_path / "audit.json"
    assert run("audit", "-c", URI, "--format", "json", "--output", str(file)).returncode == 3
    assert json_output.read(file.read_text(encoding="utf-8"))["schema"] == 1
    assert list(tmp_path.iterdir()) == [file]
    done = run("audit", "-c", URI, "--output", str(tmp_path / "none" / "file"))
    assert done.returncode == 2
    assert "can't be written" in done.stderr


def test_a_full_disk_is_said() -> None:
    with Path("/dev/full").open("w", encoding="ascii") as full:
        done = subprocess.run(
            [*SAMEMACHINE, "audit", "-c", URI],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode not in {0, 3}
    assert "Traceback" not in done.stderr
    assert "No space left" in done.stderr


def test_a_reader_that_has_had_enough_is_no_error() -> None:
    done = subprocess.run(
        f"{' '.join(SAMEMACHINE)} audit -c {URI} | head -c 1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr


WAIVER = """[[waive]]
check = "{check}"
reason = "ticket 4711"
until = 2099-12-31
"""


def test_a_file_of_waivers(tmp_path: Path) -> None:
    file = tmp_path / "waivers.toml"
    file.write_text(WAIVER.format(check="alias"), encoding="utf-8")
    done = run("audit", "-c", URI, "--waive", str(file))
    assert (done.returncode, "nothing can be asked" in done.stdout) == (3, True)
    file.write_text(WAIVER.format(check="allias"), encoding="utf-8")
    done = run("audit", "-c", URI, "--waive", str(file))
    assert done.returncode == 2
    assert "waiver 1: no check 'allias'" in done.stderr
    file.write_bytes(b"\xff")
    assert run("audit", "-c", URI, "--waive", str(file)).returncode == 2
    assert run("audit", "-c", URI, "--waive", str(tmp_path / "none")).returncode == 2


def test_what_was_asked_is_told(tmp_path: Path) -> None:
    done = run("audit", "-c", URI, "--debug", "--format", "json")
    told = [line for line in done.stderr.splitlines() if line.startswith("samemachine: +")]
    assert any("test:///default: libvirt Hypervisor." in line for line in told)
    assert any("test: libvirt Domain.look" in line for line in told)
    assert json_output.read(done.stdout)["exit_code"] == 3


def test_quiet_says_what_is_wrong_and_no_more(tmp_path: Path) -> None:
    assert "UNVERIFIED" in run("audit", "-c", URI, "--quiet").stdout
    file = tmp_path / "node.xml"
    off = "<test:runstate xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>5</test:runstate>"
    file.write_text(
        "<node><domain type='test'><name>off</name><memory>8192</memory>"
        f"<os><type>hvm</type></os>{off}</domain></node>",
        encoding="utf-8",
    )
    uri = f"test://{file}"
    assert "not running 1" in run("audit", "-c", uri).stdout
    done = run("audit", "-c", uri, "-q")
    assert (done.returncode, done.stdout) == (0, "")
    done = run("audit", "-c", uri, "-q", "--format", "json")
    assert json_output.read(done.stdout)["exit_code"] == done.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("audit", "--format", "nagios", "-c", URI), "SAMEMACHINE UNKNOWN - 1 unverified"),
        (("audit", "--format=nagios", "nope", "-c", URI), "has no domain 'nope'"),
        (("audit", "--format=nagios", "--jobs", "0"), "Invalid value for '--jobs'"),
        (("audit", "--format", "nagios", "-c", "test:///gone"), "1 not reachable"),
        (("verify", "--format", "nagios"), "name the domains, or say --all"),
        (("verify", "--format", "nagios", "nope", "-c", URI), "has no domain 'nope'"),
    ],
)
def test_a_plugin_of_nagios_knows_no_other_exit_code(
    arguments: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    done = run(*arguments, *(("--ledger", str(tmp_path / "l")) if "verify" in arguments else ()))
    assert done.returncode == 3
    assert done.stdout.startswith("SAMEMACHINE UNKNOWN - ")
    assert words in done.stdout.splitlines()[0]


def test_metrics_for_a_textfile_are_for_everybody_to_read(tmp_path: Path) -> None:
    pytest.importorskip("prometheus_client")
    file = tmp_path / "samemachine.prom"
    done = run("audit", "-c", URI, "--format", "prometheus", "--output", str(file))
    assert done.returncode == 3
    assert file.stat().st_mode & 0o004
    assert "samemachine_domain_info{" in file.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == [file]
