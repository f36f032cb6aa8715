"""libvirt's events on two hosts, as our own code tells them; and metadata while a job runs."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab import pace
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.listening import listening

_SET_METADATA = """
import sys, time
from host_agent.errors import EvidenceError
from host_agent.hypervisor import Hypervisor
hypervisor = Hypervisor.open("qemu:///system")
(domain,) = [domain for domain in hypervisor.domains() if domain.name == sys.argv[1]]
started = time.monotonic()
try:
    domain.set_metadata(
        "<x xmlns='urn:lab'>" + sys.argv[2] + "</x>", "lab", "urn:lab", live=True, persistent=True
    )
    print("written", end=" ")
except EvidenceError as error:
    print(error.missing.reason, end=" ")
print(int(time.monotonic() - started))
"""


def set_metadata(host: Host, name: str, text: str) -> tuple[str, int]:
    """Write metadata; returns ``written`` or why not, and the seconds that it took."""
    what, seconds = host.python("-c", _SET_METADATA, name, text).rsplit(maxsplit=1)
    return what, int(seconds)


@contextmanager
def slow_migration(guest: Guest, to: Host) -> Iterator[None]:
    """A live migration that takes minutes, and is aborted at the end."""
    process = guest.moving(to, 1)
    try:
        yield
    finally:
        guest.host.virsh("domjobabort", guest.name)
        output, _ = process.communicate(timeout=pace.stretched(60))
        assert process.returncode, output


@pytest.fixture
def traveller(host_a: Host) -> Iterator[Guest]:
    guest = host_a.guest(GuestOptions(name="traveller")).start().wait_ready()
    yield guest
    guest.remove()


def test_a_live_migration(host_a: Host, host_b: Host, traveller: Guest) -> None:
    assert set_metadata(host_a, "traveller", "before") == ("written", 0)
    with listening(host_a) as source, listening(host_b) as destination:
        traveller.migrate(host_b)
        arrived = destination.wait("arrived", "traveller")
        departed = source.wait("departed", "traveller")
    arriving = destination.wait("arriving", "traveller")
    suspended = source.wait("suspended", "traveller", "migrated")
    # The hosts of the lab have one clock.
    assert arriving.time < suspended.time < arrived.time < departed.time
    life = {"arriving", "arrived", "started", "resumed", "suspended", "stopped", "departed"}
    assert [event.kind for event in source.of("traveller") if event.kind in life] == [
        "suspended",
        "departed",
    ]
    assert [event.kind for event in destination.of("traveller") if event.kind in life] == [
        "arriving",
        "arrived",
    ]
    assert "urn:lab" in host_b.virsh("dumpxml", "traveller")
    assert "urn:lab" in host_b.virsh("dumpxml", "--inactive", "traveller")


def test_a_migration_that_is_given_up(host_a: Host, host_b: Host, traveller: Guest) -> None:
    with listening(host_a) as source, listening(host_b) as destination:
        with slow_migration(traveller, host_b):
            destination.wait("arriving", "traveller")
            assert set_metadata(host_a, "traveller", "during") == ("busy", 0)
            assert set_metadata(host_b, "traveller", "during") == ("busy", 0)
        destination.wait("stopped", "traveller", "failed")
        assert set_metadata(host_a, "traveller", "after") == ("written", 0)
        source.wait("metadata changed", "traveller", "urn:lab")
    assert not {"arrived", "departed"} & {
        event.kind for event in source.of("traveller") + destination.of("traveller")
    }
    assert host_a.virsh("domstate", "--reason", "traveller").startswith("running")


def test_channel_reboot_and_device(host_a: Host, traveller: Guest) -> None:
    with listening(host_a) as source:
        traveller.stop_agent()
        closed = source.wait("channel closed", "traveller")
        traveller.start_agent()
        opened = source.wait("channel opened", "traveller")
        _, _, rest = traveller.xml().partition("name='org.samemachine.guest.0'")
        assert f"<alias name='{closed.detail}'/>" in rest.partition("</channel>")[0]
        assert opened.detail == closed.detail
        host_a.run("qemu-img", "create", "-q", "/tmp/more.raw", "1M")
        host_a.virsh("attach-disk", "traveller", "/tmp/more.raw", "vdc", "--targetbus", "virtio")
        assert source.wait("device added", "traveller").detail == "virtio-disk2"
        host_a.virsh("detach-disk", "traveller", "vdc")
        assert source.wait("device removed", "traveller").detail == "virtio-disk2"
        traveller.reboot()
        source.wait("rebooted", "traveller")
        host_a.virsh("suspend", "traveller")
        source.wait("suspended", "traveller", "paused")
        host_a.virsh("resume", "traveller")
        source.wait("resumed", "traveller", "unpaused")
        traveller.destroy()
        source.wait("stopped", "traveller", "destroyed")


def test_a_libvirtd_that_ends_closes_the_connection(host_a: Host, traveller: Guest) -> None:
    with listening(host_a) as source:
        host_a.stop_libvirtd()
        try:
            assert "libvirtd ended" in source.wait("closed").detail
        finally:
            host_a.start_libvirtd()
