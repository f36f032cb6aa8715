"""Many hosts side by side: dead ones, one that hangs, and a run that is broken off and goes on.

The hosts are libvirt's own test driver's, and a socket that accepts and says nothing.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from host_agent.case.results import Audited
from host_agent.hosts import children
from host_agent.hosts.run_journal import default_directory
from host_agent.hosts.target import Target
from tests import json_output
from tests.checkout import CHECKOUT
from tests.integration import answering_host

SAMEMACHINE = [sys.executable, "-m", "host_agent"]
# What runs in the background ignores SIGINT, and so would it.
HEEDING = ["env", "--default-signal=INT,HUP,TERM", *SAMEMACHINE]
HEALTHY, DOMAINS = 17, 50
LONG = 600
"""Seconds: longer than any test."""


def node(file: Path, host: int, domains: int = DOMAINS) -> str:
    rows = "".join(
        f"<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"
        f"<name>vm{number}</name><uuid>{UUID(int=1000 * host + number + 1)}</uuid>"
        "<memory>8192</memory><os><type arch='x86_64'>hvm</type></os>"
        "<test:runstate>1</test:runstate></domain>"
        for number in range(domains)
    )
    file.write_text(f"<node>{rows}</node>", encoding="utf-8")
    return f"test://{file}"


@contextmanager
def silent(path: Path) -> Iterator[str]:
    """A libvirtd that hangs: the kernel lets everybody in."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(50)
        yield f"qemu+unix:///system?socket={path}"


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[str]:
    with silent(tmp_path / "silent") as uri:
        yield uri


def inventory(tmp_path: Path, uris: dict[str, str], more: str = "") -> Path:
    """Write one whose hosts may take long; ``more`` is of the first."""
    file = tmp_path / "hosts.toml"
    hosts = [f'[hosts.{name}]\nuri = "{uri}"\n' for name, uri in uris.items()]
    hosts.insert(1, more)
    file.write_text(f"timeout = {LONG}\n{''.join(hosts)}", encoding="utf-8")
    return file


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [*SAMEMACHINE, *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_twenty_hosts_of_which_two_are_dead_and_one_hangs(tmp_path: Path, hanging: str) -> None:
    uris = {f"node{one}": node(tmp_path / f"{one}.xml", one) for one in range(HEALTHY)}
    dead = {f"dead{one}": f"qemu+unix:///system?socket=/nowhere/{one}" for one in range(2)}
    # The one that hangs comes first, and is waited for by nobody; the others may be slow.
    file = inventory(tmp_path, {"hung": hanging, **dead, **uris}, "timeout = 5\n")
    done = run("audit", "--inventory", str(file), "--format", "json")
    assert done.returncode == 4, done.stderr
    document = json_output.read(done.stdout)
    assert [one["uri"] for one in document["hosts"]] == list(uris.values())
    for host in document["hosts"]:
        # As its libvirt lists them, whichever was done first.
        assert [one["name"] for one in host["domains"]] == sorted(
            f"vm{number}" for number in range(DOMAINS)
        )
    assert set(document["unreachable"]) == {hanging, *dead.values()}
    assert f"hung ({hanging}): given up, for it gave no sign of life" in done.stderr
    assert "Failed to connect socket to '/nowhere/1'" in done.stderr
    # What one host says, and of whom, is the same alone.
    alone = run("audit", "-c", uris["node3"], "--format", "json")
    (host,) = json_output.read(alone.stdout)["hosts"]
    theirs = document["hosts"][3]
    assert host["domains"] == theirs["domains"]
    text = run("audit", "--inventory", str(file), "--group", "node3", "--group", "node4")
    assert (text.returncode, text.stdout.count("| 50 domains in ")) == (3, 2)


def test_guests_that_answer_on_hosts_side_by_side(tmp_path: Path) -> None:
    hosts, guests = 4, 10
    with ExitStack() as stack:
        targets = []
        for one in range(hosts):
            folder = tmp_path / str(one)
            folder.mkdir()
            serving = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.bench.guests", str(folder), str(guests)],
                    cwd=CHECKOUT,
                    env={**os.environ, "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'proto'}"},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
            stack.callback(serving.terminate)
            assert serving.stdout is not None
            assert serving.stdout.readline() == b"ready\n"
            targets.append(Target(name=f"node{one}", uri=str(folder)))
        # gRPC is loaded before the fork, and asked after it.
        said = list(
            children.each(
                partial(answering_host.audit, guests),
                targets,
                at_once=3,
                seconds=LONG,
                modules=["tests.integration.answering_host"],
            )
        )
    ends = [(one.name, fact) for one, fact in said if isinstance(fact, children.End)]
    assert sorted(ends) == [(one.name, children.End()) for one in targets]
    found = [fact for _, fact in said if isinstance(fact, Audited)]
    assert len(found) == hosts * guests
    assert {one.verdict.depth for one in found} == {"guest"}


def kept() -> set[Path]:
    """What runs have kept of hosts that were done."""
    return set(default_directory().glob("*/*.host"))


def until_kept(before: set[Path], number: int) -> None:
    """Wait until so many more hosts are done and kept."""
    until = time.monotonic() + 60
    while len(kept() - before) < number:
        assert time.monotonic() < until
        time.sleep(0.05)


def marked(mark: str) -> list[int]:
    """The processes that have a mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_is_broken_off_goes_on(tmp_path: Path, how: signal.Signals) -> None:
    uris = {f"node{one}": node(tmp_path / f"{one}.xml", one, 5) for one in range(3)}
    mark = f"SAMEMACHINE_TEST={uuid4()}"
    before = kept()
    with silent(tmp_path / "silent") as hanging:
        file = inventory(tmp_path, {"hung": hanging, **uris})
        words = ["audit", "--inventory", str(file), "--format", "jsonl"]
        with subprocess.Popen(
            [*HEEDING, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **dict([mark.split("=")])},
        ) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(15)]
            assert len(marked(mark)) > 2
            until_kept(before, 3)
            process.send_signal(how)
            rest, errors = process.communicate(timeout=60)
    assert all(json_output.read(line)["kind"] == "domain" for line in lines)
    assert rest == ""
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert "interrupted: 3 of 4 hosts are done; the same with --resume goes on" in errors
    # Whatever ended it, nothing stays behind.
    until = time.monotonic() + 60
    while marked(mark) and time.monotonic() < until:
        time.sleep(0.05)
    assert marked(mark) == []
    # Those that were done are not there to be asked again.
    for one in range(3):
        (tmp_path / f"{one}.xml").unlink()
    done = run(*words, "--resume")
    assert "3 of 4 hosts were done by the run of " in done.stderr
    assert done.returncode == 4
    *domains, end = [json_output.read(line) for line in done.stdout.splitlines()]
    assert len(domains) == 15
    assert [one["uri"] for one in end["hosts"]] == list(uris.values())
    assert end["unreachable"] == [hanging]
    # Without it they are asked, and not there.
    assert len(json_output.read(run(*words).stdout.splitlines()[-1])["unreachable"]) == 4


def test_what_was_done_is_printed_when_it_is_interrupted(tmp_path: Path, hanging: str) -> None:
    uris = {f"node{one}": node(tmp_path / f"{one}.xml", one, 5) for one in range(3)}
    file = inventory(tmp_path, {"hung": hanging, **uris})
    before = kept()
    with subprocess.Popen(
        [*HEEDING, "audit", "--inventory", str(file), "--host-jobs", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until_kept(before, 3)
        process.send_signal(signal.SIGINT)
        page, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert page.count("| 5 domains in ") == 3
    assert "exit 130" in page


@pytest.mark.parametrize("command", ["verify", "baseline"])
def test_domains_of_many_hosts_are_verified(tmp_path: Path, command: str) -> None:
    uris = {f"node{one}": node(tmp_path / f"{one}.xml", one, 5) for one in range(3)}
    file = inventory(tmp_path, uris)
    ledger = str(tmp_path / "ledger.sqlite")
    words = [command, "--all", "--inventory", str(file), "--ledger", ledger, "--format", "json"]
    document = json_output.read(run(*words).stdout)
    assert [one["name"] for one in document["domains"]] == [f"vm{n}" for n in range(5)] * 3


def test_what_ansible_printed_is_taken_as_it_is(tmp_path: Path) -> None:
    uri = node(tmp_path / "1.xml", 1, 2)
    listed = '{"a": {"hosts": ["n1"]}, "_meta": {"hostvars": {"n1": {"samemachine_uri": "%s"}}}}'
    (tmp_path / "hosts.json").write_text(listed % uri, encoding="utf-8")
    for name in ("-", str(tmp_path / "hosts.json")):
        done = subprocess.run(
            [*SAMEMACHINE, "audit", "--inventory", name, "--format", "json"],
            input=listed % uri,
            capture_output=True,
            text=True,
            check=False,
        )
        assert [one["uri"] for one in json_output.read(done.stdout)["hosts"]] == [uri]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--inventory", "/nowhere"], "/nowhere: there is no such file"),
        (["--group", "a"], "--group is of an inventory: --inventory FILE"),
    ],
)
def test_what_is_no_inventory(words: list[str], sentence: str) -> None:
    done = run("audit", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr


def test_without_ansible_it_says_what_lacks(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("[kvm]\nnode1\n", encoding="utf-8")
    done = subprocess.run(
        [*SAMEMACHINE, "audit", "--inventory", str(tmp_path / "hosts")],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no ansible-inventory here: apt install ansible-core" in done.stderr


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("echo 'no vault secrets found' >&2; exit 5", "ansible-inventory says: no vault secrets"),
        ("echo a warning", "is no JSON"),
        ("printf '{\"a\\377\": []}'", "is no JSON"),
        ("echo []", "ansible-inventory --list prints no such thing"),
    ],
)
def test_what_ansible_makes_nothing_of(tmp_path: Path, script: str, sentence: str) -> None:
    program = tmp_path / "ansible-inventory"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    (tmp_path / "hosts").touch()
    done = subprocess.run(
        [*SAMEMACHINE, "audit", "--inventory", str(tmp_path / "hosts")],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
