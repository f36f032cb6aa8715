"""``samemachine plan`` over libvirt's own test driver, atlases and releases: no QEMU, no root."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host_agent.atlas import atlas
from tests import json_output
from tests.fingerprint_builder import atlas as made
from tests.fingerprint_builder import machine

SAMEMACHINE = [sys.executable, "-m", "host_agent"]
DEFAULT = "test:///default"


def domain(number: int, name: str, type_: str, more: str = "") -> str:
    return (
        f"<domain type='test'><name>{name}</name>"
        f"<uuid>00000000-0000-0000-0000-{number:012}</uuid><memory>8192</memory><vcpu>1</vcpu>"
        f"<os><type arch='x86_64' machine='{type_}'>hvm</type></os>"
        f"<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>{more}</devices></domain>"
    )


SHARED_FOLDER = "<filesystem type='mount'><source dir='/srv'/><target dir='share'/></filesystem>"


def node(folder: Path, *domains: str) -> str:
    file = folder / "node.xml"
    file.write_text(f"<node>{''.join(domains)}</node>", encoding="utf-8")
    return f"test://{file}"


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    return node(
        tmp_path_factory.mktemp("node"),
        domain(1, "relic", "pc-i440fx-2.1"),
        domain(2, "now", "pc-i440fx-7.2"),
        domain(3, "old", "pc-i440fx-2.8"),
        domain(4, "folder", "pc-q35-7.2", SHARED_FOLDER),
    )


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [*SAMEMACHINE, "plan", *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def answers(document: dict[str, Any], hop: int = 0) -> dict[str, tuple[str, str | None]]:
    return {
        one["name"]: (one["answer"], one.get("raise_to"))
        for one in document["hops"][hop]["domains"]
    }


def planned(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = run(*arguments, "--format", "json")
    document = json_output.read(done.stdout)
    assert document["exit_code"] == done.returncode
    return done.returncode, document


def test_a_release(uri: str) -> None:
    code, document = planned("-c", uri, "--to", "debian:trixie")
    assert code == 1
    assert answers(document) == {
        "folder": ("restart", None),
        "now": ("live", None),
        "old": ("live", None),
        "relic": ("raise", "pc-i440fx-10.0"),
    }
    # Nobody knows which types libvirt's test driver would have.
    (relic,) = (one for one in document["hops"][0]["domains"] if one["name"] == "relic")
    (told,) = (one for one in relic["findings"] if one["check"] == "plan-raise")
    assert "whether" in told["sentence"]
    assert "has it is not known" in told["sentence"]


@pytest.mark.parametrize("name", ["trixie", "debian:13", "debian:trixie", "Trixie"])
def test_a_release_has_several_names(uri: str, name: str) -> None:
    code, document = planned("now", "-c", uri, "--to", name)
    assert (code, document["hops"][0]["target"]["name"]) == (0, "debian:trixie")


def test_a_type_that_was_raised_counts_on_the_next_hop(uri: str) -> None:
    code, document = planned("-c", uri, "--to", "trixie,forky", "--on", "2026-11-25")
    assert code == 1
    second = answers(document, 1)
    # Gone in QEMU 11, and raised on the way there.
    assert second["old"] == ("raise", "pc-i440fx-10.0")
    assert second["relic"] == ("live", None)
    assert document["hops"][1]["paths"][0]["supported"] is True
    assert document["hops"][1]["guests_will_see"]


def test_a_release_that_is_known_by_its_sources_alone(uri: str) -> None:
    code, document = planned("now", "-c", uri, "--to", "noble")
    assert document["hops"][0]["target"]["name"] == "ubuntu:noble"
    assert answers(document)["now"] == ("live", None)
    assert any("there is no atlas of" in line for line in document["hops"][0]["not_checked"])
    assert code == 0


def test_a_type_that_nothing_is_known_of_is_not_judged(tmp_path: Path) -> None:
    uri = node(tmp_path, domain(1, "strange", "pc-i440fx-jammy"))
    code, document = planned("-c", uri, "--to", "ubuntu:noble")
    answer, raised = answers(document)["strange"]
    # The data has this release's newest type of the family and those of QEMU, and says so.
    assert (answer, raised, code) in {("live", None, 0), ("cannot tell", None, 3)}


def test_an_atlas(uri: str, tmp_path: Path) -> None:
    file = tmp_path / "there.json"
    there = made(machine("pc-i440fx-7.2", alias="pc"), machine("pc-i440fx-10.0"))
    file.write_text(atlas.to_text(there), encoding="utf-8")
    code, document = planned("now", "old", "-c", uri, "--to", str(file))
    assert code == 1
    assert document["hops"][0]["target"]["kind"] == "atlas"
    assert answers(document) == {"now": ("live", None), "old": ("raise", "pc-i440fx-10.0")}


def test_a_host_that_can_not_be_asked_is_told(uri: str) -> None:
    code, document = planned("-c", uri, "--to", DEFAULT)
    assert code == 3
    assert set(answers(document).values()) == {("cannot tell", None)}


def test_several_hosts_and_one_that_is_gone(uri: str, tmp_path: Path) -> None:
    other = node(tmp_path, domain(9, "elsewhere", "pc-q35-7.2"))
    done = run(
        "now",
        "elsewhere",
        "-c",
        uri,
        "-c",
        other,
        "-c",
        "test:///gone.xml",
        "--to",
        "trixie",
        "--format",
        "json",
    )
    assert done.returncode == 4
    assert "test:///gone.xml" in done.stderr
    assert answers(json_output.read(done.stdout)) == {
        "now": ("live", None),
        "elsewhere": ("live", None),
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--to", "nowhere"), "no file, no libvirt URI and no release that is known"),
        (("--to", "trixie,"), "a target that is empty"),
        (("--to", "arch:rolling 2026-07"), "are not known"),
        (("ghost", "--to", "trixie"), "has no domain 'ghost'"),
        ((), "--to"),
        (("--to", "trixie", "--atlas", __file__), "of a host that is a target"),
        (("--to", __file__), "no whole JSON"),
        (("--to", "trixie", "--on", "yesterday"), "yesterday"),
    ],
)
def test_usage(arguments: tuple[str, ...], words: str) -> None:
    done = run("-c", DEFAULT, *arguments)
    assert done.returncode == 2
    assert words in done.stderr


@pytest.fixture
def silent() -> Iterator[str]:
    """Somebody who takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"qemu+tcp://127.0.0.1:{server.getsockname()[1]}/system"


def test_a_target_that_hangs_ends_in_time(silent: str) -> None:
    done = run("-c", DEFAULT, "--to", silent)
    assert done.returncode == 4
    assert "did not answer within 30 s" in done.stderr


def test_a_target_that_is_not_there() -> None:
    done = run("-c", DEFAULT, "--to", "test:///gone.xml")
    assert done.returncode == 4
    assert "test:///gone.xml" in done.stderr


def test_forms(uri: str, tmp_path: Path) -> None:
    page = tmp_path / "plan.html"
    done = run("-c", uri, "--to", "trixie", "--format", "html", "--output", str(page))
    assert (done.returncode, done.stdout) == (1, "")
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    told = run("-c", uri, "--to", "trixie").stdout
    assert "live 2 | restart 1 | raise type first 1   exit 1" in told
    assert "-> samemachine upgrade relic --to pc-i440fx-10.0   # " in told
    assert "NOT CHECKED" in told


def test_snapshots_are_seen() -> None:
    """The test driver forgets everything with its process, so this one is asked in ours."""
    program = """
import sys, libvirt
from datetime import date
from host_agent.plan import subject
from tests import json_output
from host_agent.hypervisor import Hypervisor
hypervisor = Hypervisor.open("test:///default")
(domain,) = hypervisor.domains()
raw = hypervisor.raw.lookupByName("test")
raw.snapshotCreateXML("<domainsnapshot><name>s1</name></domainsnapshot>", 0)
found = subject.collect(domain, local=False)
print([(one.name, one.memory) for one in found.snapshots], found.saved)
raw.managedSave(0)
found = subject.collect(domain, local=False)
print(found.active, found.saved.sentence)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines() == [
        "[('s1', True)] None",
        "None libvirt does not show what was saved",
    ]


def special(number: int, name: str, *, vcpus: int = 1, os: str = "", cpu: str = "") -> str:
    return (
        f"<domain type='test'><name>{name}</name>"
        f"<uuid>00000000-0000-0000-0001-{number:012}</uuid><memory>8192</memory>"
        f"<vcpu>{vcpus}</vcpu><os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type>{os}</os>{cpu}"
        "<devices><emulator>/usr/bin/qemu-system-x86_64</emulator></devices></domain>"
    )


_FLASH = "<loader readonly='yes' type='pflash'>/usr/share/{}</loader><nvram>/own_VARS.fd</nvram>"
_THREADS = (
    "<cpu mode='custom' match='exact' check='full'><model>Skylake-Server</model>"
    "<topology sockets='1' dies='1' cores='2' threads='2'/></cpu>"
)


def test_what_a_release_is_known_to_refuse(tmp_path: Path) -> None:
    """Images of 2 MB, more vCPUs than the type may have, threads; and what can't be told."""
    uri = node(
        tmp_path,
        special(1, "large", os=_FLASH.format("OVMF/OVMF_CODE_4M.fd")),
        special(2, "small", os=_FLASH.format("OVMF/OVMF_CODE.fd")),
        special(3, "secure", os=_FLASH.format("OVMF/OVMF_CODE.secboot.fd")),
        special(4, "foreign", os=_FLASH.format("edk2/ovmf/OVMF_CODE.fd")),
        special(5, "many", vcpus=512),
        special(6, "threads", vcpus=4, cpu=_THREADS),
    )
    done = run("--connect", uri, "--to", "debian:trixie", "--format", "json")
    document = json_output.read(done.stdout)
    assert done.returncode == 1
    assert {name: answer for name, (answer, _) in answers(document).items()} == {
        "large": "live",
        "small": "cannot",
        "secure": "cannot",
        "foreign": "live",
        "many": "cannot",
        "threads": "restart",
    }
    (hop,) = document["hops"]
    assert (
        "foreign: whether debian:trixie has /usr/share/edk2/ovmf/OVMF_CODE.fd"
        in (hop["not_checked"])
    )
    # noble's QEMU 8.2 says nothing of threads.
    noble = json_output.read(
        run("--connect", uri, "--to", "ubuntu:noble", "--format", "json").stdout
    )
    assert {name: answer for name, (answer, _) in answers(noble).items()} == {
        "large": "live",
        "small": "cannot",
        "secure": "cannot",
        "foreign": "live",
        "many": "cannot",
        "threads": "live",
    }


@pytest.mark.parametrize(
    ("release", "answer", "said"),
    [
        # RHEL 8 has a few of QEMU's types, and which is not written anywhere.
        ("rhel:8.9", "cannot tell", "not established"),
        # Here the list is QEMU's, and whole in that.
        ("rhel:9.8", "cannot tell", "not established"),
        ("noble", "live", None),
    ],
)
def test_a_list_that_is_not_whole(
    release: str, answer: str, said: str | None, tmp_path: Path
) -> None:
    moved = special(1, "moved").replace("pc-q35-7.2", "pc-i440fx-4.2")
    uri = node(tmp_path, moved)
    done = run("--connect", uri, "--to", release, "--format", "json")
    (domain,) = json_output.read(done.stdout)["hops"][0]["domains"]
    assert domain["answer"] == answer
    told = " ".join(finding["sentence"] for finding in domain["findings"])
    assert said is None or said in told


def test_whose_recovery_key_is_asked_for_is_not_known_where_nothing_is_rehearsed(
    tmp_path: Path,
) -> None:
    flash = _FLASH.format("OVMF/OVMF_CODE_4M.fd")
    tpm = "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm></devices>"
    sealing = special(1, "sealing", os=flash).replace("</devices>", tpm)
    uri = node(tmp_path, sealing, special(2, "plain", os=flash), special(3, "bios"))
    plan = "--connect", uri, "--to", "debian:trixie"
    text = run(*plan, "--rehearse").stdout
    assert text.startswith(
        "of 1 of 2 UEFI guests it is not known whether they will ask for the recovery key at their "
        "first stop and start: sealing\n"
    )
    (hop,) = json_output.read(run(*plan, "--rehearse", "--format", "json").stdout)["hops"]
    assert hop["recovery_keys"] == {"guests": 2, "will_ask": [], "not_known": ["sealing"]}
    told = {one["name"]: one["tpm"] for one in hop["domains"]}
    assert told["plain"] is told["bios"] is None
    assert told["sealing"]["unknown"]
    (hop,) = json_output.read(run(*plan, "--format", "json").stdout)["hops"]
    assert hop["recovery_keys"] is None
    assert any("opens at the first stop and start there" in one for one in hop["not_checked"])
