"""Domains that can't be looked at cost no other its plan."""

from dataclasses import replace
from types import SimpleNamespace
from uuid import UUID

from host_agent.case.results import Failed
from host_agent.errors import LibvirtError, LibvirtTimeoutError
from host_agent.migrate.facts import End
from host_agent.plan.facts import Kind, Site, Subject
from host_agent.plan.hop import Stop
from host_agent.plan.sources import Collector

XML = (
    "<domain type='kvm'><name>good</name><uuid>00000000-0000-0000-0000-000000000001</uuid>"
    "<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os></domain>"
)


class Domain:
    """A domain whose libvirt gives it this XML, or fails."""

    def __init__(self, xml: str | LibvirtError) -> None:
        self.name, self.uuid = "vm", UUID(int=1)
        self.answer, self.asked = xml, 0

    def is_active(self) -> bool:
        self.asked += 1
        if isinstance(self.answer, LibvirtError):
            raise self.answer
        return True

    def is_persistent(self) -> bool:
        return True

    def xml(self, *, inactive: bool) -> str:
        assert isinstance(self.answer, str)
        return self.answer

    def state(self) -> tuple[str, str]:
        return "running", "booted"

    def snapshots_xml(self, _: float) -> tuple[str, ...]:
        return ("<broken",)


class Stopped(Domain):
    """One that does not run."""

    def is_active(self) -> bool:
        return False

    def saved_xml(self, _: float) -> None:
        return None


def stop(name: str) -> Stop:
    end = End(name=name, uuid=name, qemu="7.2.22")
    return Stop(site=Site(name=name, kind=Kind.HOST, end=end, offers={}))


def collect(collector: Collector, where: Stop, domain: Domain) -> Subject | Failed:
    return collector.collect(where, domain, False)  # type: ignore[arg-type]


def test_one_broken_domain() -> None:
    collector, here = Collector(), stop("node1")
    for broken in ("<domain", LibvirtError("no domain with matching name")):
        found = collect(collector, here, Domain(broken))
        assert isinstance(found, Failed)
    found = collect(collector, here, Domain(XML))
    assert isinstance(found, Subject)
    # What is not to be had of it is that piece alone.
    assert not isinstance(found.snapshots, tuple)


def test_a_domain_that_runs_is_taken_with_its_command_line() -> None:
    asked: list[str] = []

    def arguments(xml: str) -> tuple[str, ...]:
        asked.append(xml)
        return ("qemu", "-device", "e1000")

    here = replace(stop("node1"), host=SimpleNamespace(arguments=arguments))  # type: ignore[arg-type]
    found = collect(Collector(), here, Domain(XML))
    assert isinstance(found, Subject)
    assert (found.arguments, asked) == (("qemu", "-device", "e1000"), [XML])
    stopped = collect(Collector(), here, Stopped(XML))
    assert isinstance(stopped, Subject)
    assert (stopped.arguments, asked) == (None, [XML])


def test_a_libvirt_that_hangs_is_waited_for_once() -> None:
    collector, here = Collector(), stop("node1")
    hung = LibvirtTimeoutError("libvirt did not answer within 30 s")
    first, second = Domain(hung), Domain(hung)
    for domain in (first, second):
        found = collect(collector, here, domain)
        assert isinstance(found, Failed)
        assert "did not answer" in found.error
    assert (first.asked, second.asked) == (1, 0)
    # Another host's is another libvirt.
    assert isinstance(collect(collector, stop("node3"), Domain(XML)), Subject)
