"""``samemachine types`` and ``samemachine path``: options, files and exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest
from lxml import etree

from tests import json_output

SAMEMACHINE = [sys.executable, "-m", "host_agent"]


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [*SAMEMACHINE, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("jammy", "noble", "--on", "2026-11-25"), 0, "YES  jammy (22.04 LTS) -> noble"),
        (("jammy", "noble", "--on", "2024-04-24"), 1, "noble is not released before 2024-04-25"),
        (("noble", "jammy"), 1, "backward"),
        (("bullseye", "trixie", "--cold", "--on", "2026-08-01"), 1, "bullseye -> bookworm"),
        (("noble", "nonesuch"), 3, "NOT KNOWN"),
        (("rhel:9.4", "rhel:10.0"), 3, "no support policy"),
        (("--matrix", "--on", "2026-11-25"), 0, "9 resolute (26.04 LTS)"),
        (("--matrix", "--distribution", "debian", "--on", "2025-01-01"), 0, "bookworm (12)"),
        (("--matrix", "--from", "debian:buster"), 0, "buster (10)"),
    ],
)
def test_paths(arguments: tuple[str, ...], code: int, said: str) -> None:
    done = run("path", *arguments)
    assert (done.returncode, done.stderr) == (code, "")
    assert said in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("path",), "say FROM and TO"),
        (("path", "jammy"), "say FROM and TO"),
        (("path", "jammy", "noble", "--from", "focal"), "or --matrix"),
        (("path", "jammy", "noble", "--matrix"), "--matrix takes no FROM"),
        (("path", "jammy", "noble", "--format", "svg"), "is for --matrix"),
        (("path", "--matrix", "--from", "nonesuch"), "no release 'nonesuch' is known"),
        (("path", "--matrix", "--on", "1990-01-01"), "no release of ubuntu was supported"),
        (("path", "jammy", "noble", "--on", "yesterday"), "--on"),
        (("types", "--release", "nobel"), "did you mean noble"),
        (("types", "--release", "noble", "--atlas", "x"), "choose one"),
        (("types", "--atlas", "debian:nonesuch"), "there is no shipped atlas"),
        (("types", "--host", "test:///default"), "lists no machine types"),
    ],
)
def test_usage(arguments: tuple[str, ...], said: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize("form", ["svg", "html"])
def test_a_page_is_a_whole_file(tmp_path: Path, form: str) -> None:
    file = tmp_path / f"paths.{form}"
    assert run("path", "--matrix", "--format", form, "--output", file).returncode == 0
    etree.fromstring(file.read_bytes())


def test_the_types_of_a_release() -> None:
    done = run("types", "--release", "noble", "--format", "json")
    (document,) = json_output.read(done.stdout)["lists"]
    assert {"pc-q35-noble-v2", "pc-i440fx-8.2"} <= {one["name"] for one in document["types"]}
    # A shipped atlas is complete, so it is taken where there is one.
    assert "QEMU 10.0." in run("types", "--release", "debian:trixie").stdout.splitlines()[0]
    arm = run("types", "--release", "trixie", "--arch", "aarch64")
    assert "virt-10.0" in arm.stdout
    assert run("types", "--atlas", "debian:bookworm").stdout.count("pc-q35-7.2") == 1


def test_a_host_is_not_there() -> None:
    done = run("types", "--host", "test:///nonexistent.xml")
    assert done.returncode == 4


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("arm64", "virt-8.2"), ("aarch64", "virt-8.2"), ("ppc64el", "pseries-noble"),
        ("ppc64le", "pseries-noble"), ("ppc64", "pseries-noble"), ("amd64", "pc-q35-noble-v2"),
        ("i386", "pc-q35-noble-v2"), ("s390x", "s390-ccw-virtio-noble"),
    ],
)  # fmt: skip
def test_every_word_for_an_architecture(word: str, said: str) -> None:
    done = run("types", "--release", "noble", "--arch", word)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"\n{said} " in done.stdout


def test_a_word_for_none() -> None:
    done = run("types", "--release", "noble", "--arch", "risky")
    assert done.returncode == 2
    assert "'risky' is no architecture that libvirt or QEMU knows" in done.stderr
