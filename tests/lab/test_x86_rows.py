"""The table's rows of x86_64: each firmware's guest audited, moved, started again and raised."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests import architectures
from tests.lab import pace
from tests.lab.asking import audit
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.test_architectures_moved import moved, told
from tests.lab.test_before_and_after import verify
from tests.lab.test_nvram import STORE
from tests.lab.test_rehearsal import rehearsed
from tests.lab.test_upgrade import machines, upgrade

pytestmark = [pytest.mark.long("architectures"), pytest.mark.timeout(600)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the table."""

    name: str
    family: str = "pc-q35"
    uefi: bool = False
    keyed: bool = False
    """Whether its store has keys, so that secure boot is on."""


ROWS = (
    Row(name="x86_64, BIOS", family="pc-i440fx"),
    Row(name="x86_64, BIOS, PCI Express"),
    Row(name="x86_64, UEFI", uefi=True),
    Row(name="x86_64, UEFI with secure boot", uefi=True, keyed=True),
)


@pytest.fixture(params=ROWS, ids=lambda row: row.name)
def booted(request: pytest.FixtureRequest, host_a: Host) -> Iterator[tuple[Row, Guest]]:
    row: Row = request.param
    number = ROWS.index(row)
    options = GuestOptions(name=f"row-{number}", machine=f"{row.family}-7.1", uefi=row.uefi)
    guest = host_a.guest(options).start()
    if row.keyed:
        # Its store is there as soon as it has been started.
        guest.destroy()
        keys = ("--enroll-generate", "ours", "--microsoft-kek", "2011", "--microsoft-db", "uefi11")
        store = STORE.format(guest.name)
        host_a.python("-m", "virt.firmware.vars", "--inplace", store, *keys)
        guest.start()
    yield row, guest.wait_ready()
    guest.remove()


def test_it_is_verified_raised_started_and_moved(
    host_a: Host, host_b: Host, booted: tuple[Row, Guest]
) -> None:
    row, guest = booted
    result = audit(host_a, guest.name)
    domain = result.domains[guest.name]
    assert (domain["verdict"], domain["depth"]) == ("verified", "guest"), told(domain)
    architectures.hold(row.name, "audit", architectures.of_audit(result, guest.name))
    secure = result.finding(guest.name, "secure-boot")["sentence"]
    assert ("secure boot is on" in secure) is row.keyed, secure

    form = rehearsed(host_a, guest.name)
    assert (form["exit_code"], form["guest"]["differences"]) == (0, []), form["guest"]
    architectures.hold(row.name, "rehearsal", "yes")

    guest.stop_agent()
    try:
        alone = audit(host_a, guest.name, "--timeout", pace.words(4))
    finally:
        guest.start_agent()
    assert alone.domains[guest.name]["depth"] == "memory", told(alone.domains[guest.name])
    architectures.hold(row.name, "memory", architectures.of_memory(alone, guest.name))

    slow = pace.words(60)
    waits = ("--wait", slow, "--shutdown-timeout", slow)
    code, raised = upgrade(host_a, guest.name, "--to", f"{row.family}-7.2", *waits)
    assert (code, raised["outcome"]) == (0, "applied"), raised["after"]
    assert machines(host_a, guest.name) == (f"{row.family}-7.2", f"{row.family}-7.2")
    architectures.hold(row.name, "raise", raised["after"]["verdict"])

    assert host_a.samemachine("baseline", guest.name).returncode == 0
    guest.destroy()
    guest.start().wait_ready()
    code, domains = verify(host_a, guest.name, "--wait", pace.words(20))
    again = domains[guest.name]
    assert (code, again["verdict"], again["occasion"]) == (0, "verified", "restart"), told(again)
    architectures.hold(row.name, "restart", again["verdict"])

    architectures.hold(row.name, "migration", moved(guest, host_b)["verdict"])
