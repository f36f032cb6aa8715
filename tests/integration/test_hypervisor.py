"""Events, metadata and refusals against libvirt's own test driver."""

import contextlib
import queue
import subprocess
import sys
import time
from collections.abc import Iterator
from uuid import UUID

import pytest

from host_agent.domain.event import DomainEvent, EventKind
from host_agent.errors import EvidenceError
from host_agent.hypervisor import Domain, Hypervisor
from host_agent.hypervisor.calls import MonitorCalls
from host_agent.missing import Reason

URI = "test:///default"
NAMESPACE = "urn:samemachine:test"
ELEMENT = f"<x xmlns='{NAMESPACE}'>one</x>"


@pytest.fixture
def hypervisor() -> Iterator[Hypervisor]:
    opened = Hypervisor.open(URI)
    yield opened
    opened.close()


@pytest.fixture
def domain(hypervisor: Hypervisor) -> Domain:
    (domain,) = hypervisor.domains()
    return domain


def life(hypervisor: Hypervisor, domain: Domain, *calls: str) -> None:
    raw = hypervisor.look_up(domain.uuid)
    for call in calls:
        getattr(raw, call)()


def pass_events(hypervisor: Hypervisor, domain: Domain) -> None:
    """Make two events, and wait until libvirt's thread has told of them."""
    events: queue.Queue[DomainEvent] = queue.Queue()
    with contextlib.closing(hypervisor.subscribe(events.put)):
        life(hypervisor, domain, "suspend", "resume")
        assert [events.get(timeout=10).kind for _ in range(2)] == ["suspended", "resumed"]


def test_events(hypervisor: Hypervisor, domain: Domain) -> None:
    events: queue.Queue[DomainEvent] = queue.Queue()
    subscription = hypervisor.subscribe(events.put)
    before = time.time()
    life(hypervisor, domain, "suspend", "resume", "destroy", "create", "shutdown", "create")
    domain.set_metadata(ELEMENT, "x", NAMESPACE, live=True, persistent=True)
    told = [events.get(timeout=10) for _ in range(7)]
    assert [(event.kind, event.detail) for event in told] == [
        (EventKind.SUSPENDED, "paused"),
        (EventKind.RESUMED, "unpaused"),
        (EventKind.STOPPED, "destroyed"),
        (EventKind.STARTED, "booted"),
        (EventKind.STOPPED, "shutdown"),
        (EventKind.STARTED, "booted"),
        (EventKind.METADATA_CHANGED, NAMESPACE),
    ]
    assert {(event.uuid, event.name) for event in told} == {(domain.uuid, "test")}
    assert before <= told[0].time <= told[-1].time <= time.time()
    subscription.close()
    pass_events(hypervisor, domain)
    assert events.empty()


def test_a_connection_closes_its_subscriptions(hypervisor: Hypervisor, domain: Domain) -> None:
    told: list[object] = []
    closed = Hypervisor.open(URI)
    closed.subscribe(told.append)
    closed.on_close(told.append)
    closed.close()
    pass_events(hypervisor, domain)
    assert told == []


def test_states_and_their_reasons(hypervisor: Hypervisor, domain: Domain) -> None:
    life(hypervisor, domain, "suspend")
    assert domain.state() == ("paused", "paused")
    life(hypervisor, domain, "resume")
    assert domain.state() == ("running", "unpaused")
    life(hypervisor, domain, "destroy")
    assert domain.state() == ("shut off", "destroyed")
    life(hypervisor, domain, "create")
    assert domain.state() == ("running", "booted")


def test_metadata(hypervisor: Hypervisor, domain: Domain) -> None:
    domain.set_metadata(ELEMENT, "x", NAMESPACE, live=True, persistent=True)
    for inactive in (False, True):
        assert NAMESPACE in domain.xml(inactive=inactive)
    domain.remove_metadata(NAMESPACE, live=True, persistent=True)
    # That it is not there any more is no error.
    domain.remove_metadata(NAMESPACE, live=True, persistent=True)
    assert NAMESPACE not in domain.xml(inactive=False)
    with pytest.raises(EvidenceError):
        domain.set_metadata("no XML", "x", NAMESPACE, live=True, persistent=True)


def test_a_read_only_connection_writes_nothing(domain: Domain, hypervisor: Hypervisor) -> None:
    hypervisor.read_only = True
    with pytest.raises(EvidenceError, match="read-write") as refused:
        domain.set_metadata(ELEMENT, "x", NAMESPACE, live=True, persistent=True)
    assert refused.value.missing.reason is Reason.DENIED


def test_a_domain_by_its_uuid(hypervisor: Hypervisor, domain: Domain) -> None:
    found = hypervisor.domain(domain.uuid)
    assert found is not None
    assert found.name == "test"
    assert hypervisor.domain(UUID(int=7)) is None


def test_what_the_driver_can_not_compare(hypervisor: Hypervisor) -> None:
    with pytest.raises(EvidenceError) as refused:
        hypervisor.incompatible_cpu("<cpu/>", None, "x86_64", None, "kvm")
    assert refused.value.missing.reason is Reason.UNSUPPORTED


def test_one_call_a_domain_waits_for_qemu() -> None:
    calls, first, second = MonitorCalls(), UUID(int=1), UUID(int=2)
    go: queue.Queue[None] = queue.Queue()
    with pytest.raises(Exception, match="no return"):
        calls.call(first, go.get, 0.05)
    assert (calls.stuck(first), calls.stuck(second)) == (True, False)
    assert calls.call(second, lambda: "asked", 5) == "asked"
    with pytest.raises(EvidenceError) as refused:
        calls.call(first, lambda: "asked", 0.05)
    assert refused.value.missing.reason is Reason.HUNG
    go.put(None)
    # It has returned at last, and the domain may be asked again.
    assert calls.call(first, lambda: "asked", 5) == "asked"
    assert not calls.stuck(first)


def migrate(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "host_agent", "migrate", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_migrate_refuses_what_runs_there_already() -> None:
    for more in ((), ("--dry-run",), ("--format", "json")):
        done = migrate("test", URI, "-c", URI, *more)
        assert done.returncode == 2, done
        assert "runs on" in done.stdout
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nope", URI, "-c", URI), 2, "no domain 'nope'"),
        (("test", "test:///gone.xml", "-c", URI), 4, "test:///gone.xml"),
        (("test", URI, "-c", URI, "--xml", "/dev/null"), 2, "can't be used"),
        (("test", URI, "-c", URI, "--copy-storage", "some"), 2, "inc"),
        (("test",), 2, "DEST-URI"),
    ],
)
def test_migrate_usage(arguments: tuple[str, ...], code: int, words: str) -> None:
    done = migrate(*arguments)
    assert done.returncode == code, done
    assert words in done.stderr
    assert "Traceback" not in done.stderr
