"""``baseline``, ``verify``, ``why`` and ``serve`` on libvirt's own test driver: no QEMU, no root.

Its domains can give no evidence, so what they show is how commands end: see the unit tests for
verdicts, and the lab for real guests.
"""

import contextlib
import itertools
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from host_agent.cli import cli
from host_agent.domain.definition import parse
from host_agent.errors import UsageError
from host_agent.evidence.baseline import NAMESPACE
from host_agent.evidence.baseline_element import from_element, to_element
from host_agent.hypervisor import Hypervisor
from host_agent.records.ledger import Ledger
from host_agent.verify.verifier import write
from tests import json_output
from tests.integration.ledger_entries import entry
from tests.unit.host_agent.shared.cases import BASELINE

SAMEMACHINE = [sys.executable, "-m", "host_agent"]
URI = "test:///default"
NOWHERE = "qemu+unix:///system?socket=/nowhere/libvirt-sock"
UUID = "7c1f0000-0000-4000-8000-00000000000"
LIMIT = 60.0
STATES = {"running": 1, "paused": 3, "off": 5}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of one who keeps nothing elsewhere."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "TZ": "UTC", "SAMEMACHINE_LEDGER": str(tmp_path / "ledger.sqlite")}


class Command:
    """``samemachine`` in one environment."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def __call__(self, *arguments: object) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [*SAMEMACHINE, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
            env=self.environment,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done


@pytest.fixture
def run(environment: dict[str, str]) -> Command:
    return Command(environment)


@pytest.fixture
def node(tmp_path: Path) -> str:
    """A host with a domain that runs, one that is paused and two that are off."""
    damaged = f"<baseline xmlns='{NAMESPACE}' version='1'/>"
    rows = (
        ("vm1", "running", damaged),
        ("vm2", "paused", ""),
        ("vm3", "off", ""),
        ("vm4", "off", ""),
    )
    domains = "".join(
        f"<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"
        f"<name>{name}</name><uuid>{UUID}{number}</uuid><memory>65536</memory>"
        f"<os><type>hvm</type></os><metadata>{metadata}</metadata>"
        f"<test:runstate>{STATES[state]}</test:runstate></domain>"
        for number, (name, state, metadata) in enumerate(rows, 1)
    )
    file = tmp_path / "node.xml"
    file.write_text(f"<node>{domains}</node>", encoding="utf-8")
    return f"test://{file}"


# How they are called.


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("verify",), "name the domains, or say --all"),
        (("baseline",), "name the domains, or say --all"),
        (("verify", "vm1", "--all"), "name the domains, or say --all"),
        (("baseline", "vm1", "--all"), "name the domains, or say --all"),
        (("why",), "Missing argument 'DOMAIN'"),
        (("why", "a", "b"), "unexpected extra argument"),
        (("verify", "--arrived-since", "soon"), "'soon' is no time; such as 2h"),
        (("verify", "--arrived-since", "@9999999999"), "is still to come"),
        (("verify", "--all", "--wait", "-1"), "not in the range"),
        (("verify", "--all", "--max-mismatch", "-1"), "not in the range"),
        (("verify", "--all", "--ledger", "mysql://u:hush@h/d"), "the ledger is kept in SQLite or"),
        (("serve", "--ledger", "mysql://u:hush@h/d"), "the ledger is kept in SQLite or"),
        (("serve", "--jobs", "0"), "not in the range"),
        (("serve", "--exec", "page 'me"), "--exec \"page 'me\": No closing quotation"),
        (("serve", "vm1"), "unexpected extra argument"),
        (("verify", "nope", "-c", URI), "no domain 'nope'; there are: test"),
        (("baseline", "nope", "-c", URI), "no domain 'nope'; there are: test"),
        (("why", "nope", "-c", URI), "no domain 'nope'; there are: test"),
        (("verify", "-c", URI, "--arrived-since", "2h"), "only on the host itself"),
    ],
)  # fmt: skip
def test_usage(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    arguments: tuple[str, ...],
    sentence: str,
) -> None:
    # In this process, for there are many; that it exits with 2 is seen below.
    monkeypatch.setattr(os, "environ", environment)
    result = CliRunner().invoke(cli, arguments)
    if isinstance(result.exception, SystemExit):
        assert result.exit_code == 2
        assert sentence in result.output
    else:
        assert isinstance(result.exception, UsageError)
        assert sentence in str(result.exception)
    assert "hush" not in result.output


@pytest.mark.parametrize(
    "arguments", [("verify",), ("why",), ("baseline", "nope", "-c", URI), ("serve", "--exec", "'")]
)
def test_usage_exits_with_2(run: Command, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr


@pytest.mark.parametrize("command", ["baseline", "verify", "why", "serve"])
def test_help_names_examples_and_exit_codes(command: str) -> None:
    shown = CliRunner().invoke(cli, (command, "--help")).output
    assert "Examples:" in shown
    assert "Exit codes:" in shown
    assert max(map(len, shown.splitlines())) <= 100


@pytest.mark.parametrize(
    "arguments", [("baseline", "--all"), ("verify", "--all"), ("verify", "vm1"), ("why", "vm1")]
)
def test_a_libvirt_that_is_not_there(run: Command, arguments: tuple[str, ...]) -> None:
    done = run(*arguments, "-c", NOWHERE)
    assert done.returncode == 4
    assert "is libvirtd running there" in done.stderr


def test_one_that_is_not_there_does_not_hide_the_other(run: Command) -> None:
    done = run("verify", "--all", "-c", NOWHERE, "-c", URI)
    assert done.returncode == 4
    assert "test UNVERIFIED" in done.stdout
    done = run("baseline", "--all", "-c", URI, "-c", NOWHERE)
    assert done.returncode == 4
    assert "test FAILED" in done.stdout
    done = run("why", "test", "-c", NOWHERE, "-c", URI)
    assert done.returncode == 3
    assert "test UNVERIFIED" in done.stdout


# What they find.


def test_verify_says_why_nothing_can_be_verified(run: Command) -> None:
    done = run("verify", "test", "-c", URI)
    assert done.returncode == 3, done.stderr
    assert done.stdout.startswith("test UNVERIFIED  on ")
    assert "no baseline was taken" in done.stdout
    assert 'Ticket: "test: cannot tell whether the hardware changed: no baseline' in done.stdout


def test_baseline_says_why_none_can_be_taken(run: Command) -> None:
    done = run("baseline", "test", "-c", URI)
    assert done.returncode == 3, done.stderr
    assert "test FAILED  no baseline: libvirt's TEST driver runs no QEMU" in done.stdout


def test_all_are_those_that_run(run: Command, node: str) -> None:
    done = run("verify", "--all", "-c", node, "--format", "json")
    document = json_output.read(done.stdout)
    assert document["exit_code"] == done.returncode == 3
    assert {domain["name"] for domain in document["domains"]} == {"vm1", "vm2"}


def test_each_by_name_or_uuid_once(run: Command, node: str) -> None:
    done = run("verify", "vm3", f"{UUID}1", "vm1", "-c", node)
    assert done.returncode == 3
    words = [line.split("  ")[0] for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert words == ["vm3 NOT RUNNING", "vm1 UNVERIFIED"]


def test_a_damaged_baseline_is_said(run: Command, node: str) -> None:
    for command in ("verify", "why"):
        done = run(command, "vm1", "-c", node)
        assert done.returncode == 3
        assert "the baseline can't be used: it is of domain " in done.stdout


def test_a_domain_that_is_off_gives_no_baseline(run: Command, node: str) -> None:
    done = run("baseline", "vm3", "vm4", "-c", node)
    assert done.returncode == 3
    assert done.stdout.count("no baseline: the domain is not running") == 2


def test_nothing_to_verify(run: Command, tmp_path: Path) -> None:
    (tmp_path / "empty.xml").write_text("<node/>", encoding="utf-8")
    done = run("verify", "--all", "-c", f"test://{tmp_path}/empty.xml")
    assert (done.returncode, done.stdout) == (0, "nothing to verify\n")


def test_verdicts_are_remembered(run: Command, node: str, environment: dict[str, str]) -> None:
    run("verify", "vm1", "vm2", "-c", node)
    ledger = Ledger(environment["SAMEMACHINE_LEDGER"])
    assert {(one.name, one.verdict) for one in ledger.history()} == {
        ("vm1", "unverified"),
        ("vm2", "unverified"),
    }
    shown = run("why", "vm1", "-c", node).stdout
    assert "WHEN" in shown
    assert "unverified" in shown


def test_json(run: Command) -> None:
    done = run("baseline", "test", "-c", URI, "--format", "json")
    document = json_output.read(done.stdout)
    assert document["exit_code"] == done.returncode == 3
    assert document["domains"][0]["name"] == "test"
    done = run("why", "test", "-c", URI, "--format", "json")
    document = json_output.read(done.stdout)
    assert document["exit_code"] == done.returncode == 3
    assert document["domain"]["verdict"] == "unverified"
    assert document["ticket"].startswith("test: cannot tell")


def test_files_are_whole(run: Command, tmp_path: Path) -> None:
    bundle, out = tmp_path / "bundle.json", tmp_path / "out"
    done = run("why", "test", "-c", URI, "--bundle", bundle, "--output", out)
    assert (done.returncode, done.stdout) == (3, "")
    assert json_output.read(bundle.read_text(encoding="utf-8"))["name"] == "test"
    assert out.read_text(encoding="utf-8").startswith("test UNVERIFIED")
    assert run("verify", "test", "-c", URI, "--output", out).returncode == 3
    assert "Ticket" in out.read_text(encoding="utf-8")
    done = run("why", "test", "-c", URI, "--bundle", tmp_path / "none" / "file")
    assert done.returncode == 2
    assert "can't be written" in done.stderr


@pytest.mark.parametrize("command", ["verify", "baseline", "why"])
def test_a_reader_that_has_had_enough_is_no_error(
    environment: dict[str, str], command: str
) -> None:
    done = subprocess.run(
        f"{' '.join(SAMEMACHINE)} {command} test -c {URI} | head -c 1",
        shell=True,
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert "Traceback" not in done.stderr


def test_libvirt_gives_back_what_it_was_given() -> None:
    hypervisor = Hypervisor.open(URI)
    try:
        (domain,) = hypervisor.domains()
        written = replace(BASELINE, uuid=domain.uuid, host="nœud-17")
        for persistent in (False, True):
            assert write(domain, to_element(written), persistent=persistent) is None
            metadata = parse(domain.xml(inactive=persistent)).metadata
            read = from_element(metadata[NAMESPACE], domain.uuid)
            assert (read.host, read.taken) == (written.host, written.taken)
    finally:
        hypervisor.close()


# History that can't be written, and history of what is gone.


@pytest.mark.parametrize(
    ("command", "ledger"),
    [
        ("verify", "/dev/null/l.sqlite"), ("verify", "/etc/passwd"), ("verify", "/proc/l.sqlite"),
        ("baseline", "/dev/null/l.sqlite"), ("why", "/dev/null/l.sqlite"),
    ],
)  # fmt: skip
def test_without_a_ledger_there_is_still_a_verdict(run: Command, command: str, ledger: str) -> None:
    done = run(command, "test", "-c", URI, "--ledger", ledger)
    assert done.returncode == 3
    assert done.stdout.startswith("test ")
    assert "samemachine: no history: " in done.stderr


def test_one_that_gets_locked_meanwhile(run: Command, environment: dict[str, str]) -> None:
    file = environment["SAMEMACHINE_LEDGER"]
    Ledger(file).prepare()
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        done = run("verify", "test", "-c", URI)
    assert done.returncode == 3
    assert done.stdout.startswith("test UNVERIFIED")
    assert "no history: " in done.stderr + done.stdout


@pytest.mark.parametrize("command", ["verify", "baseline", "why"])
def test_where_it_went(run: Command, environment: dict[str, str], command: str) -> None:
    ledger = Ledger(environment["SAMEMACHINE_LEDGER"])
    ledger.append(entry(name="gone", title=None, occasion="departure", verdict="left"))
    done = run(command, "gone", "-c", URI)
    assert done.returncode == (3 if command == "why" else 2)
    assert "gone: it left node17 by live migration at 2023-11-14 22:13:20" in (
        done.stdout + done.stderr
    )


def test_why_with_a_libvirt_that_is_dead_has_its_history(
    run: Command, environment: dict[str, str]
) -> None:
    Ledger(environment["SAMEMACHINE_LEDGER"]).append(entry(name="vm1", title=None))
    done = run("why", "vm1", "-c", NOWHERE)
    assert done.returncode == 4
    assert "vm1: it was on node17 at 2023-11-14 22:13:20 (mismatch)" in done.stdout
    assert "is libvirtd running there" in done.stderr


# The daemon.


class Serving:
    """A daemon, and what it says."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.said: list[str] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._changed:
                self.said.append(line.rstrip())
                self._changed.notify_all()

    def wait(self, words: str, times: int = 1) -> None:
        """Wait until it has said this."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: sum(words in line for line in self.said) >= times, LIMIT
            ), self.said

    def end(self, number: signal.Signals) -> None:
        """It ends as it should when it is sent this."""
        self.process.send_signal(number)
        assert self.process.wait(LIMIT) == 0
        self._reader.join(LIMIT)
        assert not [line for line in self.said if "Traceback" in line]


@contextlib.contextmanager
def serving(environment: dict[str, str], *arguments: str) -> Iterator[Serving]:
    # What runs in the background of a shell ignores these signals.
    defaults = ["env", "--default-signal=INT,HUP,TERM"]
    with subprocess.Popen(
        [*defaults, *SAMEMACHINE, "serve", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        serving = Serving(process)
        try:
            yield serving
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_when_asked(environment: dict[str, str], number: signal.Signals) -> None:
    with serving(environment, "-c", URI) as daemon:
        daemon.wait(f"watching {URI}")
        daemon.end(number)


def test_serve_catches_up_and_tells(environment: dict[str, str], node: str, tmp_path: Path) -> None:
    told = tmp_path / "told"
    script = tmp_path / "page me"
    script.write_text(
        f'#!/bin/sh\necho "$@" "$SAMEMACHINE_OCCASION" "$SAMEMACHINE_DOMAIN" >>{told}\n',
        encoding="utf-8",
    )
    script.chmod(0o755)
    environment["SAMEMACHINE_SECRET"] = "hush"
    with serving(environment, "-c", node, "--exec", f"'{script}' now") as daemon:
        daemon.wait("vm1 UNVERIFIED")
        daemon.wait("vm2 UNVERIFIED")
        for _ in itertools.takewhile(
            lambda _: not told.exists() or len(told.read_text().splitlines()) < 2, range(600)
        ):
            time.sleep(0.05)
        daemon.end(signal.SIGTERM)
    assert sorted(told.read_text(encoding="utf-8").splitlines()) == [
        f"now unverified vm1 {UUID}1 audit vm1",
        f"now unverified vm2 {UUID}2 audit vm2",
    ]
    history = Ledger(environment["SAMEMACHINE_LEDGER"]).history()
    assert {(one.name, one.verdict) for one in history} == {
        ("vm1", "unverified"),
        ("vm2", "unverified"),
    }


def test_a_command_that_fails_is_said(environment: dict[str, str], tmp_path: Path) -> None:
    for command, words in ((f"{tmp_path}/none", "No such file"), ("false", "exited 1")):
        # One that was verified is not again.
        environment["SAMEMACHINE_LEDGER"] += "1"
        with serving(environment, "-c", URI, "--exec", command) as daemon:
            daemon.wait(words)
            daemon.end(signal.SIGTERM)


def test_serve_without_a_ledger_still_tells(environment: dict[str, str]) -> None:
    with serving(environment, "-c", URI, "--ledger", "/dev/null/l.sqlite") as daemon:
        daemon.wait("no history: ")
        daemon.wait("UNVERIFIED")
        daemon.end(signal.SIGTERM)
        # A disk stays full for longer than one domain's verdict.
        assert sum("no history" in line for line in daemon.said) <= 3


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_prometheus_asks_serve(environment: dict[str, str], node: str) -> None:
    pytest.importorskip("prometheus_client")
    port = free_port()
    with serving(environment, "-c", node, "--metrics", str(port)) as daemon:
        daemon.wait("vm1 UNVERIFIED")
        daemon.wait("vm2 UNVERIFIED")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            told = answer.read().decode("utf-8").splitlines()
        with serving(environment, "-c", node, "--metrics", str(port)) as second:
            second.wait("Address already in use")
        daemon.end(signal.SIGTERM)
    value = {line.rpartition(" ")[0]: line.rpartition(" ")[2] for line in told}
    for number in (1, 2):
        (name,) = [
            one
            for one in value
            if one.startswith("samemachine_domain_verdict{")
            and f'domain="vm{number}"' in one
            and 'verdict="unverified"' in one
        ]
        assert value[name] == "1.0"
    assert value[f'samemachine_host_reachable{{connection="{node}"}}'] == "1.0"
    # One that never ran was not looked at.
    assert not any('domain="vm3"' in one for one in value)


@pytest.mark.parametrize("address", ["x", "0"])
def test_where_serve_can_not_be_asked(run: Command, address: str) -> None:
    done = run("serve", "-c", URI, "--metrics", address)
    assert done.returncode == 2
    assert "PORT, ADDRESS:PORT or [IPV6]:PORT is meant" in done.stderr


def test_serve_keeps_trying_and_ends_at_once(environment: dict[str, str]) -> None:
    with serving(environment, "-c", NOWHERE) as daemon:
        daemon.wait("next try in", 2)
        daemon.end(signal.SIGTERM)
        assert [line for line in daemon.said if "next try in 1 s" in line]
        assert [line for line in daemon.said if "next try in 2 s" in line]
