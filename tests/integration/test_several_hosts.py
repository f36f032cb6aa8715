"""Domains of several hosts, by libvirt's own test driver: found where they are, and told twice."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from host_agent.records.ledger import Ledger
from tests import json_output
from tests.integration.ledger_entries import entry

SAMEMACHINE = [sys.executable, "-m", "host_agent"]
UUID = "7c1f0000-0000-4000-8000-00000000000"
NOVA = "http://openstack.org/xmlns/libvirt/nova/1.1"
NOWHERE = "qemu+unix:///system?socket=/nowhere/libvirt-sock"
STATES = {"running": 1, "paused": 3, "off": 5}


def domain(name: str, number: int, state: str, title: str) -> str:
    metadata = f"<n:i xmlns:n='{NOVA}'><n:name>{title}</n:name></n:i>" if title else ""
    return (
        f"<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"
        f"<name>{name}</name><uuid>{UUID}{number}</uuid><metadata>{metadata}</metadata>"
        f"<memory>65536</memory><os><type>hvm</type></os>"
        f"<test:runstate>{STATES[state]}</test:runstate></domain>"
    )


Rows = list[tuple[str, int, str, str]]
A: Rows = [("vm1", 1, "running", ""), ("moved", 2, "off", ""), ("i-3", 3, "running", "web")]
B: Rows = [("vm4", 4, "running", ""), ("moved", 2, "running", ""), ("i-5", 5, "running", "db")]
TWICE: Rows = [("copy", 1, "paused", ""), ("i-3", 3, "off", "web")]


@pytest.fixture
def host(tmp_path: Path) -> Callable[[str, Rows], str]:
    """Makes hosts; returns the URI."""

    def make(name: str, rows: Rows) -> str:
        file = tmp_path / f"{name}.xml"
        file.write_text(f"<node>{''.join(domain(*row) for row in rows)}</node>", encoding="utf-8")
        return f"test://{file}"

    return make


@pytest.fixture
def uris(host: Callable[[str, Rows], str]) -> list[str]:
    return ["-c", host("a", A), "-c", host("b", B)]


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def run(ledger: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    environment = {**os.environ, "SAMEMACHINE_LEDGER": str(ledger)}

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [*SAMEMACHINE, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=environment,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize("command", ["audit", "show", "verify", "baseline", "why"])
@pytest.mark.parametrize(
    ("name", "found"), [("vm4", "vm4"), ("vm1", "vm1"), ("db", "i-5"), (f"{UUID}5", "i-5")]
)
def test_a_name_is_looked_for_everywhere(
    run: Run, uris: list[str], command: str, name: str, found: str
) -> None:
    done = run(command, name, *uris, "--format", "json")
    # Such a domain can give no evidence.
    assert done.returncode == 3, done.stderr
    document = json_output.read(done.stdout)
    if command == "why":
        assert document["domain"]["name"] == found
        return
    listed = document.get("hosts") or [document]
    assert [one["name"] for host in listed for one in host["domains"]] == [found]


@pytest.mark.parametrize("command", ["audit", "verify", "baseline"])
def test_names_of_several_hosts(run: Run, uris: list[str], command: str) -> None:
    done = run(command, "vm4", "web", *uris, "--format", "json")
    document = json_output.read(done.stdout)
    listed = document.get("hosts") or [document]
    assert [one["name"] for host in listed for one in host["domains"]] == ["i-3", "vm4"]


@pytest.mark.parametrize("command", ["audit", "show", "verify", "baseline", "why"])
def test_a_name_that_no_host_has(run: Run, uris: list[str], command: str) -> None:
    done = run(command, "nope", *uris)
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no domain 'nope' on" in done.stderr
    assert all(uri in done.stderr for uri in uris[1::2])
    # Nothing is begun where one of the names is wrong.
    if command not in {"show", "why"}:
        assert run(command, "vm1", "nope", *uris).returncode == 2


@pytest.mark.parametrize("command", ["audit", "verify", "why"])
def test_it_may_be_where_libvirt_can_not_be_reached(
    run: Run, uris: list[str], command: str
) -> None:
    done = run(command, "nope", *uris, "-c", NOWHERE)
    assert (done.returncode, done.stdout) == (4, "")
    assert "it may be where libvirt can't be reached" in done.stderr
    done = run(command, "vm1", *uris, "-c", NOWHERE)
    assert done.returncode == (3 if command == "why" else 4)
    assert "vm1" in done.stdout


@pytest.mark.parametrize("command", ["verify", "why"])
def test_a_definition_that_stayed_behind_is_no_second_domain(
    run: Run, uris: list[str], command: str
) -> None:
    done = run(command, "moved", *uris, "--format", "json")
    document = json_output.read(done.stdout)
    domains = [document["domain"]] if command == "why" else document["domains"]
    assert [one["state"] for one in domains] == ["running"]
    assert (
        len(json_output.read(run("audit", "moved", *uris, "--format", "json").stdout)["hosts"]) == 2
    )


def test_where_it_went(run: Run, uris: list[str], ledger: Path) -> None:
    Ledger(str(ledger)).append(
        entry(name="gone", title=None, occasion="departure", verdict="left"),
        entry(name="vm4", title=None, occasion="departure", verdict="left"),
    )
    done = run("verify", "vm4", "gone", *uris)
    assert done.returncode == 2
    assert "gone: it left node17 by live migration" in done.stderr
    assert "vm4" not in done.stderr


@pytest.mark.parametrize("command", ["audit", "verify"])
def test_one_uuid_on_two_hosts(run: Run, host: Callable[[str, Rows], str], command: str) -> None:
    uris = ["-c", host("a", A), "-c", host("b", TWICE)]
    done = run(command, "vm1", f"{UUID}3", *uris, "--format", "json")
    document = json_output.read(done.stdout)
    assert document["exit_code"] == done.returncode == 1
    listed = document.get("hosts") or [document]
    domains = {one["name"]: one for host in listed for one in host["domains"]}
    # By its name it is asked for on one host only, by its UUID on both; it is off on the other.
    (finding,) = (one for one in domains["vm1"]["findings"] if one["check"] == "identity")
    assert finding["outcome"] == "fail"
    assert "(running) and on" in finding["sentence"]
    assert "as copy (paused) at once" in finding["sentence"]
    assert finding["remedy"] == "look at both: one UUID must not run twice"
    others = {one["verdict"] for host in listed for one in host["domains"] if one["name"] == "i-3"}
    assert others <= {"unverified", None}


def test_all_domains_of_both(run: Run, host: Callable[[str, Rows], str]) -> None:
    uris = ["-c", host("a", A), "-c", host("b", TWICE)]
    done = run("audit", *uris)
    assert done.returncode == 1
    assert done.stdout.count("MISMATCH") == 2
    assert "one UUID must not run twice" in done.stdout
    # One connection twice is one host.
    assert run("audit", *uris[:2], *uris[:2]).returncode == 3
    done = run("why", "vm1", *uris)
    assert done.returncode == 1
    assert 'Ticket: "vm1: the domain runs on' in done.stdout
    done = run("baseline", f"{UUID}1", *uris)
    assert done.returncode == 3
