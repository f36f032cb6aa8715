"""``samemachine probe`` and ``samemachine diff``: files, pipes, terminals and exit codes."""

import contextlib
import gzip
import json
import lzma
import os
import pty
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from host_agent.atlas import atlas
from host_agent.atlas import files as atlas_files
from host_agent.errors import UsageError
from host_agent.qemu.atlas_probe import survey
from tests.integration.scripted_qemu import BAD, TYPES, write, write_bad_at

SAMEMACHINE = [sys.executable, "-m", "host_agent"]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")


def run(*arguments: object, **more: Any) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [*SAMEMACHINE, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **more,
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def qemu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("qemu"))


@pytest.fixture(scope="module")
def text(qemu: Path) -> str:
    """The atlas of a QEMU that behaves."""
    return atlas.to_text(survey(str(qemu)))


@pytest.fixture
def here(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "here.json"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("name", ["a.json", "a.json.xz", "a.json.gz"])
def test_a_file_that_diff_reads(tmp_path: Path, qemu: Path, text: str, name: str) -> None:
    file = tmp_path / name
    done = run("probe", "--qemu", qemu, "--output", file)
    assert done.returncode == 0
    assert done.stderr == ""
    assert TYPES[0] in done.stdout
    assert list(tmp_path.iterdir()) == [file]
    assert atlas_files.read(file).machines == atlas.from_text(text).machines


def test_json_goes_to_standard_output_or_to_the_file(tmp_path: Path, qemu: Path) -> None:
    done = run("probe", "--qemu", qemu, "--format", "json")
    assert [machine["name"] for machine in json.loads(done.stdout)["machines"]] == list(TYPES)
    assert done.stderr == ""
    file = tmp_path / "a.json"
    done = run("probe", TYPES[1], "--qemu", qemu, "--format", "json", "--output", file)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (machine,) = atlas_files.read(file).machines
    assert machine.name == TYPES[1]


def test_a_type_that_is_not_there(qemu: Path) -> None:
    done = run("probe", "pc-q35-99.0", "--qemu", qemu)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no machine type 'pc-q35-99.0'" in done.stderr
    assert "-machine help lists them" in done.stderr


def test_some_types_not_probed(tmp_path: Path) -> None:
    bad, file = write_bad_at(tmp_path, "sys.exit('qemu: no')"), tmp_path / "a.json"
    assert run("probe", "--qemu", bad, "--output", file).returncode == 3
    machines = json.loads(file.read_text(encoding="utf-8"))["machines"]
    assert [machine["name"] for machine in machines if "error" in machine] == [BAD]
    # What could not be probed is not compared, and said.
    done = run("diff", file, file)
    assert done.returncode == 0
    assert f"NOT COMPARED  {BAD}" in done.stdout


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("probe", "none/file.json"), ("diff", "none/file.json"), ("diff", "/proc/file.json"),
        ("diff", "here.json/file.json"),
    ],
)  # fmt: skip
def test_a_folder_that_can_not_be_written(
    tmp_path: Path, qemu: Path, here: Path, command: str, place: str
) -> None:
    rest = ("--qemu", qemu) if command == "probe" else (here, here)
    done = run(command, *rest, "--output", tmp_path / place)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"samemachine: {tmp_path / place} can't be written: ")
    assert list(tmp_path.iterdir()) == [here]


@needs_root
@pytest.mark.parametrize("command", ["probe", "diff"])
def test_a_full_disk(tmp_path: Path, qemu: Path, here: Path, command: str) -> None:
    rest = ("--qemu", qemu) if command == "probe" else (here, here, "--format", "json")
    script = """
        mount -t tmpfs -o size=8k none "$0" || exit 99
        echo keep >"$0/a.json"; head -c 4096 /dev/zero >"$0/full"
        "$@" --output "$0/a.json"; echo $? $(cat "$0/a.json") $(ls -A "$0")
    """
    full = tmp_path / "full"
    full.mkdir()
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, full, *SAMEMACHINE, command, *rest],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == "2 keep a.json full\n"
    assert done.stderr == f"samemachine: {full}/a.json can't be written: No space left on device\n"


def test_a_full_standard_output(qemu: Path) -> None:
    with Path("/dev/full").open("w", encoding="ascii") as full:
        done = subprocess.run(
            [*SAMEMACHINE, "probe", "--qemu", qemu, "--format", "json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 2
    assert done.stderr.endswith("can't be written: No space left on device\n")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["/dev/null", "/dev/stdout", "pipe"])
def test_what_is_no_file_stays_what_it_is(tmp_path: Path, here: Path, name: str) -> None:
    place = tmp_path / name
    if name == "pipe":
        os.mkfifo(place)
        # Somebody reads, or opening it for writing waits.
        reader = os.open(place, os.O_RDONLY | os.O_NONBLOCK)
    before = os.lstat(place)
    done = run("diff", here, here, "--output", place)
    assert (done.returncode, done.stderr) == (0, "")
    assert stat.S_IFMT(os.lstat(place).st_mode) == stat.S_IFMT(before.st_mode)
    assert os.lstat(place).st_ino == before.st_ino
    if name == "pipe":
        assert b"no difference" in os.read(reader, 65536)
        os.close(reader)
    assert ("no difference" in done.stdout) == (name == "/dev/stdout")


def test_a_reader_that_has_had_enough(qemu: Path, here: Path) -> None:
    probe, diff = ("probe", "--qemu", qemu), ("diff", here, "debian:bookworm")
    for rest, form in ((probe, "json"), (probe, "text"), (diff, "json"), (diff, "text")):
        started = subprocess.Popen(
            [*SAMEMACHINE, *rest, "--format", form], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert started.stdout is not None
        assert started.stderr is not None
        started.stdout.close()
        assert started.stderr.read() == b""
        started.stderr.close()
        assert started.wait(60) not in {0, 2}


def on_a_terminal(command: list[str]) -> tuple[str, str]:
    """Return what a command writes to a terminal by standard error, and what to a pipe."""
    ours, theirs = pty.openpty()
    started = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=theirs, env={**os.environ, "TERM": "xterm"}
    )
    os.close(theirs)
    shown = b""
    # Linux says EIO where the other end of a terminal is closed.
    with contextlib.suppress(OSError):
        while data := os.read(ours, 65536):
            shown += data
    os.close(ours)
    assert started.stdout is not None
    printed = started.stdout.read()
    started.stdout.close()
    assert started.wait(60) == 0
    return shown.decode(), printed.decode()


def test_a_bar_is_drawn_where_somebody_watches(qemu: Path) -> None:
    command = [*SAMEMACHINE, "probe", "--qemu", str(qemu), "--format", "json"]
    shown, printed = on_a_terminal(command)
    assert f"probing {qemu}"[:40] in shown
    assert "3/3" in shown
    assert len(json.loads(printed)["machines"]) == 3


def test_an_atlas_equals_itself(here: Path, qemu: Path) -> None:
    for pair in ((here, here), (here, "live"), ("live", here)):
        done = run("diff", *pair, "--qemu", qemu)
        assert (done.returncode, done.stderr) == (0, "")
        assert "no difference that a guest could see" in done.stdout
    document = json.loads(run("diff", here, here, "--format", "json").stdout)
    assert (document["exit_code"], document["differences"]) == (0, [])
    assert document["equal"] == list(TYPES)


def test_another_product_is_a_difference(tmp_path: Path, here: Path) -> None:
    other = write(
        tmp_path,
        "qemu = Qemu()",
        f"if qemu.type == {BAD!r}:\n    qemu.files['etc/smbios/smbios-tables'] = smbios('Other')",
        "qemu.serve()",
    )
    done = run("diff", here, "live", "--qemu", other)
    assert done.returncode == 1
    assert "Other" in done.stdout
    assert run("diff", here, "live", "--qemu", other, "--type", TYPES[0]).returncode == 0
    output = tmp_path / "diff.json"
    done = run("diff", here, "live", "--qemu", other, "--format", "json", "--output", output)
    assert (done.returncode, done.stdout) == (1, "")
    document = json.loads(output.read_text(encoding="utf-8"))
    assert document["exit_code"] == 1
    assert document["differing"] == [BAD]


def newer(text: str) -> bytes:
    return json.dumps({**json.loads(text), "samemachine_atlas": 2}).encode()


def without(key: str) -> Callable[[str], bytes]:
    return lambda text: json.dumps(
        {name: value for name, value in json.loads(text).items() if name != key}
    ).encode()


def damaged(text: str) -> bytes:
    form = json.loads(text)
    form["blobs"] = dict.fromkeys(form["blobs"], "AAAA")
    return json.dumps(form).encode()


FILES: dict[str, tuple[Callable[[str], bytes], str]] = {
    "nothing in it": (lambda text: b"", "no whole JSON"),
    "cut": (lambda text: text.encode()[:-99], "no whole JSON"),
    "cut xz": (lambda text: lzma.compress(text.encode())[:-99], "cut short"),
    "cut gzip": (lambda text: gzip.compress(text.encode())[:-99], "cut short"),
    "damaged xz": (lambda text: lzma.compress(text.encode())[:99] + bytes(999), "damaged"),
    "a bomb": (lambda text: lzma.compress(bytes(300 << 20), preset=0), "unpacks to more than"),
    "a gzip bomb": (lambda text: gzip.compress(bytes(300 << 20), 1), "unpacks to more than"),
    "no text": (lambda text: b"\x7fELF\xff" * 99, "is no text"),
    "deep": (lambda text: b"[" * 99999, "no whole JSON"),
    "other JSON": (lambda text: b'{"schema": 1}', "no atlas (make one with samemachine probe"),
    "newer": (newer, "schema 2, this samemachine reads up to 1; update samemachine"),
    "no machines": (without("machines"), "something is missing"),
    "no blobs": (without("blobs"), "something is missing|no object"),
    "damaged blobs": (damaged, "damaged"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_no_atlas(tmp_path: Path, text: str, case: str) -> None:
    make, said = FILES[case]
    file = tmp_path / "file"
    file.write_bytes(make(text))
    with pytest.raises(UsageError, match=f"^{file} ") as caught:
        atlas_files.read(file)
    assert any(one in str(caught.value) for one in said.split("|")), caught.value
    assert str(caught.value).isprintable()


def test_a_file_that_is_huge(tmp_path: Path, here: Path) -> None:
    file = tmp_path / "file"
    with file.open("wb") as sparse:
        sparse.truncate(1 << 40)
    done = run("diff", file, here)
    assert done.returncode == 2
    assert f"{file} is larger than" in done.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("newer.json", "schema 2, this samemachine reads up to 1; update samemachine"),
        ("none.json", "none.json can't be read: No such file or directory"),
        (".", ". can't be read: Is a directory"),
        ("debian:sid", "no shipped atlas 'debian:sid'; there are: debian:bookworm"),
        ("debian:trixie:vax", "debian:trixie:aarch64"),
        ("debian:trixie:aarch64", "is of x86_64, debian:trixie:aarch64 of aarch64"),
    ],
)
def test_an_atlas_that_can_not_be_had(here: Path, text: str, name: str, said: str) -> None:
    (here.parent / "newer.json").write_bytes(newer(text))
    done = run("diff", here, name, cwd=here.parent)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert said in line


def test_live_without_a_qemu(here: Path) -> None:
    done = run("diff", here, "live", "--qemu", "/none/qemu-system-x86_64")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "samemachine: there is no /none/qemu-system-x86_64 here\n"


def test_a_type_that_neither_has(here: Path) -> None:
    done = run("diff", here, here, "--type", "pc-q35-2.1")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"has a machine type 'pc-q35-2.1'; near it: {TYPES[1]}" in done.stderr


def test_what_is_shipped_can_be_compared() -> None:
    done = run("diff", "debian:bookworm", "debian:trixie")
    assert done.returncode == 1
    assert "SMBIOS type 4 Processor" in done.stdout
    assert run("diff", "debian:bookworm", "debian:bookworm:x86_64").returncode == 0


@pytest.mark.parametrize("command", ["probe", "diff"])
def test_help_has_examples_and_exit_codes(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert "Examples:" in done.stdout
    assert "Exit codes:" in done.stdout


def test_acpi_code_is_compared_line_by_line() -> None:
    two = "debian:bookworm", "debian:trixie", "--type", "pc-q35-7.2"
    done = run("diff", *two, "--acpi")
    assert done.returncode == 1, done.stderr
    assert "\n--- old DSDT\n+++ new DSDT\n" in done.stdout
    assert "\n-            Acquire (\\_SB.PCI0.BLCK, 0xFFFF)\n" in done.stdout
    assert "DSDT" not in run("diff", *two).stdout.rpartition("COMPARED")[2]


@pytest.mark.parametrize("more", [(), ("--type", "pc-q35-7.2", "--format", "json")])
def test_acpi_code_is_shown_of_one_type_as_text(more: tuple[str, ...]) -> None:
    done = run("diff", "debian:bookworm", "debian:trixie", "--acpi", *more)
    assert done.returncode == 2
    assert "--acpi shows one machine type" in done.stderr
