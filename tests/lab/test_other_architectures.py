"""Guests of i386 and of riscv64 with UEFI: verified by what their machines show."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests import architectures
from tests.lab.asking import audit
from tests.lab.foreign_guest import ForeignOptions
from tests.lab.guest import Guest
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.test_arm64 import SLOW, restarted
from tests.lab.test_rehearsal import rehearsed

pytestmark = [pytest.mark.long("architectures"), pytest.mark.timeout(600)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the table."""

    name: str
    host: str
    architecture: str
    uefi: bool = False


ROWS = (
    Row(name="i686, BIOS", host="hosta", architecture="i686"),
    Row(name="riscv64, UEFI", host="hostj", architecture="riscv64", uefi=True),
)


@pytest.fixture(scope="module", params=ROWS, ids=lambda row: row.architecture)
def booted(request: pytest.FixtureRequest, lab: Lab) -> Iterator[tuple[Row, Host, Guest]]:
    row: Row = request.param
    host = lab.host(row.host)
    options = ForeignOptions(
        name=f"on-{row.architecture}", architecture=row.architecture, uefi=row.uefi
    )
    guest = host.guest(options).start().wait_ready(SLOW)
    yield row, host, guest
    guest.remove()


def test_it_is_verified(booted: tuple[Row, Host, Guest]) -> None:
    row, host, guest = booted
    result = audit(host, guest.name)
    domain = result.domains[guest.name]
    assert (result.exit_code, domain["verdict"], domain["depth"]) == (0, "verified", "guest"), (
        domain["findings"]
    )
    for check in ("machine-type-live", "product", "exact", "identity", "running-qemu"):
        assert result.outcome(guest.name, check) == "pass", result.finding(guest.name, check)
    architectures.hold(row.name, "audit", architectures.of_audit(result, guest.name))


def test_a_rehearsal_gives_what_it_has(booted: tuple[Row, Host, Guest]) -> None:
    _, host, guest = booted
    form = rehearsed(host, guest.name)
    assert (form["exit_code"], form["guest"]["differences"]) == (0, []), form["guest"]
    assert form["changes"] == []


def test_it_is_verified_again_after_a_restart(booted: tuple[Row, Host, Guest]) -> None:
    row, host, guest = booted
    restarted(host, guest, row.name)
