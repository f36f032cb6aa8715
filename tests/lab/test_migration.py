"""After a live migration the same guest agent answers, and shows the destination's tables."""

from collections.abc import Iterator

import pytest

from tests.lab.asking import audit
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host


@pytest.fixture
def traveller(host_a: Host) -> Iterator[Guest]:
    guest = host_a.guest(GuestOptions(name="traveller")).start().wait_ready()
    yield guest
    guest.remove()


@pytest.mark.long("verdicts")
def test_a_guest_is_verified_on_its_new_host(host_a: Host, host_b: Host, traveller: Guest) -> None:
    started = traveller.agent_pid()
    before = audit(host_a, "traveller").domains["traveller"]
    traveller.migrate(host_b)
    moved = audit(host_b, "traveller")
    after = moved.domains["traveller"]
    assert (after["verdict"], after["depth"]) == ("verified", "guest")
    guest_before, guest_after = before["evidence"]["guest"], after["evidence"]["guest"]
    assert guest_after["boot_id"] == guest_before["boot_id"]
    assert guest_after["booted"]["sha256"] == guest_before["booted"]["sha256"]
    assert guest_after["live"]["sha256"] != guest_before["live"]["sha256"]
    assert traveller.agent_pid() == started
    # Its machine is now another one than it booted as, byte for byte that of the new host's QEMU.
    assert moved.outcome("traveller", "exact") == "pass", moved.finding("traveller", "exact")
    forecast = moved.finding("traveller", "next-boot")
    assert forecast["outcome"] == "warn"
    assert "type 4 Processor: Processor Family 0x01 -> 0xfe" in forecast["sentence"]
    traveller.migrate(host_a)
    back = audit(host_a, "traveller").domains["traveller"]
    assert back["evidence"]["guest"]["live"]["sha256"] == guest_before["live"]["sha256"]


def test_the_forecast_comes_true(host_a: Host, host_b: Host, traveller: Guest) -> None:
    traveller.migrate(host_b)
    forecast = audit(host_b, "traveller").domains["traveller"]["evidence"]["guest"]
    boot_id = forecast["boot_id"]
    traveller.reboot()
    traveller.wait_rebooted(boot_id)
    result = audit(host_b, "traveller")
    now = result.domains["traveller"]["evidence"]["guest"]
    assert now["live"]["sha256"] == forecast["live"]["sha256"]
    assert now["booted"]["sha256"] != forecast["booted"]["sha256"]
    for check in ("exact", "next-boot", "next-start"):
        assert result.outcome("traveller", check) == "pass", result.finding("traveller", check)
