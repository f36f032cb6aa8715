"""Domains that get our channel: at the next start, at once where that is harmless, or never."""

from collections.abc import Callable, Iterator

import pytest

from host_agent.guest.enroll_plan import changed
from tests.lab import pace
from tests.lab.asking import audit
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host

_QEMU_AGENT = """<channel type='unix'><source mode='bind'/>
      <target type='virtio' name='org.qemu.guest_agent.0'/></channel>"""
_NOVA = """<metadata><nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1">
  <nova:name>shop-db-1</nova:name></nova:instance></metadata><memory"""
OURS = "org.samemachine.guest.0"


def inactive(host: Host, name: str) -> str:
    return host.virsh("dumpxml", "--inactive", name)


@pytest.fixture(scope="module")
def guest(host_a: Host) -> Iterator[Guest]:
    """One without our channel; the qemu-guest-agent's has a controller with free ports."""
    made = host_a.guest(GuestOptions(name="newcomer", channel=False, system=True)).start()
    made.wait_ready()
    yield made
    made.remove()


def test_a_dry_run_changes_nothing(host_a: Host, guest: Guest) -> None:
    before = inactive(host_a, "newcomer"), guest.xml()
    done = host_a.samemachine("enroll", "newcomer", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "1 would be" in done.stdout
    assert (inactive(host_a, "newcomer"), guest.xml()) == before
    # Nobody is there who could be asked.
    assert host_a.samemachine("enroll", "newcomer").returncode == 2


def test_live_needs_no_new_hardware_where_a_port_is_free(host_a: Host, guest: Guest) -> None:
    before = inactive(host_a, "newcomer")
    seen = audit(host_a, "newcomer")
    assert seen.domains["newcomer"]["depth"] == "memory"
    devices = guest.run("ls", "/sys/bus/pci/devices", "/sys/bus/virtio/devices")
    done = host_a.samemachine("enroll", "newcomer", "--live", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = changed(before, inactive(host_a, "newcomer"))
    # The channel, and nothing else of the definition.
    elements = {line.split("<")[1].split()[0].strip(">/") for line in lines}
    assert (
        {"channel", "target", "address"} <= elements <= {"channel", "source", "target", "address"}
    )
    assert all(line.startswith("+") for line in lines)
    assert guest.run("ls", "/sys/bus/pci/devices", "/sys/bus/virtio/devices") == devices
    guest.control_agent("start")
    guest.wait_ready()
    assert host_a.samemachine("verify", "newcomer", "--wait", pace.words(60)).returncode in {0, 3}
    seen = audit(host_a, "newcomer", "--timeout", pace.words(60))
    assert (seen.exit_code, seen.domains["newcomer"]["depth"]) == (0, "guest"), seen.domains
    again = host_a.samemachine("enroll", "newcomer", "--live", "--yes")
    assert (again.returncode, "is enrolled already" in again.stdout) == (0, True)


def test_it_is_taken_away_again_at_once(host_a: Host, guest: Guest) -> None:
    before = inactive(host_a, "newcomer")
    done = host_a.samemachine("enroll", "newcomer", "--remove", "--live", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert OURS not in inactive(host_a, "newcomer") + guest.xml()
    assert all(line.startswith("-") for line in changed(before, inactive(host_a, "newcomer")))
    assert audit(host_a, "newcomer").domains["newcomer"]["depth"] == "memory"
    again = host_a.samemachine("enroll", "newcomer", "--remove", "--yes")
    assert (again.returncode, "is not enrolled" in again.stdout) == (0, True)


def test_at_the_next_start_the_guest_answers_and_is_verified(host_a: Host, guest: Guest) -> None:
    done = host_a.samemachine("enroll", "newcomer", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "next full stop and start" in done.stdout
    assert OURS not in guest.xml()
    guest.destroy()
    guest.start().wait_ready()
    guest._until(guest.channel_open, 60)
    assert host_a.samemachine("baseline", "newcomer", "--timeout", pace.words(60)).returncode == 0
    verified = host_a.samemachine("verify", "newcomer", "--wait", pace.words(60))
    assert verified.returncode == 0, verified.stdout
    assert "VERIFIED" in verified.stdout


@pytest.fixture
def bare(host_a: Host) -> Iterator[Callable[..., Guest]]:
    """Guests that need no more than their firmware."""
    made = []

    def make(name: str, old: str = "", new: str = "") -> Guest:
        def edit(xml: str) -> str:
            return (
                xml.replace(_QEMU_AGENT, "").replace(old, new, 1)
                if old
                else xml.replace(_QEMU_AGENT, "")
            )

        made.append(host_a.guest(GuestOptions(name=name, channel=False, agent=False, edit=edit)))
        return made[-1]

    yield make
    for one in made:
        host_a.run("virsh", "managedsave-remove", one.name, check=False)
        one.remove()


def test_live_is_refused_where_it_would_plug_in_a_controller(
    host_a: Host, bare: Callable[..., Guest]
) -> None:
    guest = bare("portless").start()
    before = guest.xml()
    done = host_a.samemachine("enroll", "portless", "--live", "--yes")
    assert done.returncode == 2
    assert "would change the very machine" in done.stdout
    assert guest.xml() == before
    assert OURS not in inactive(host_a, "portless")
    later = host_a.samemachine("enroll", "portless", "--yes")
    assert later.returncode == 0
    assert "a new PCI device" in later.stdout
    assert "+     <controller type='virtio-serial' index='0'>" in later.stdout


def test_a_saved_guest_and_another_owners_are_left(
    host_a: Host, bare: Callable[..., Guest]
) -> None:
    bare("saved").start()
    host_a.virsh("managedsave", "saved")
    bare("novas", "<memory", _NOVA)
    before = {name: inactive(host_a, name) for name in ("saved", "novas")}
    saved = host_a.samemachine("enroll", "saved", "--yes")
    assert saved.returncode == 2
    assert "virsh managedsave-remove saved" in saved.stdout
    foreign = host_a.samemachine("enroll", "novas", "--yes")
    assert foreign.returncode == 2
    assert "Nova manages this domain" in foreign.stdout
    assert {name: inactive(host_a, name) for name in before} == before
