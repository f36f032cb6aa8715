"""After a live migration the same guest agent answers, and shows the destination's tables."""

from collections.abc import Iterator

import pytest

from tests.lab.asking import audit
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host


@pytest.fixture
def traveller(host_a: Host) -> Iterator[Guest]:
    guest = host_a.guest(GuestOptions(name="traveller")).start().wait_ready(240)
    yield guest
    guest.remove()


def test_a_guest_is_verified_on_its_new_host(host_a: Host, host_b: Host, traveller: Guest) -> None:
    started = traveller.run("systemctl", "show", "--property=MainPID", "samemachine-guest")
    before = audit(host_a, "traveller").domains["traveller"]
    traveller.migrate(host_b)
    after = audit(host_b, "traveller").domains["traveller"]
    assert (after["verdict"], after["depth"]) == ("verified", "guest")
    guest_before, guest_after = before["evidence"]["guest"], after["evidence"]["guest"]
    assert guest_after["boot_id"] == guest_before["boot_id"]
    assert guest_after["booted"]["sha256"] == guest_before["booted"]["sha256"]
    assert guest_after["live"]["sha256"] != guest_before["live"]["sha256"]
    assert traveller.run("systemctl", "show", "--property=MainPID", "samemachine-guest") == started
    traveller.migrate(host_a)
    back = audit(host_a, "traveller").domains["traveller"]
    assert back["evidence"]["guest"]["live"]["sha256"] == guest_before["live"]["sha256"]
