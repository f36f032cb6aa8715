"""Guests of other architectures, moved live and booted again there: the same machine."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests import architectures
from tests.lab import pace
from tests.lab.asking import audit
from tests.lab.foreign_guest import ForeignOptions
from tests.lab.guest import Guest
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.test_arm64 import SLOW
from tests.lab.test_before_and_after import finding, verify
from tests.lab.test_refused import migrate, plan
from tests.lab.test_rehearsal import rehearsed

pytestmark = [pytest.mark.long("architectures"), pytest.mark.timeout(600)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the table, and where its guest moves."""

    name: str
    architecture: str
    uefi: bool = False
    here: str = "hosti"
    there: str = "hostj"

    def options(self) -> ForeignOptions:
        """Return a guest of it."""
        name = f"moves-{self.architecture}{'-uefi' * self.uefi}"
        return ForeignOptions(name=name, architecture=self.architecture, uefi=self.uefi)


# From QEMU 7.2 to 10.0.
NEWER = (
    Row(name="s390x", architecture="s390x"),
    Row(name="ppc64le", architecture="ppc64le"),
    Row(name="i686, BIOS", architecture="i686", here="hosta", there="hostb"),
)
# No other version takes what these send, so from one host to another of the same kind.
WITHIN = (
    Row(name="aarch64, UEFI", architecture="aarch64", uefi=True, there="hostk"),
    Row(name="aarch64, no firmware", architecture="aarch64", there="hostk"),
    Row(name="riscv64, UEFI", architecture="riscv64", uefi=True, here="hostj", there="hostl"),
)
# What a machine without SMBIOS names itself by.
SOURCES = {"s390x": "/proc/sysinfo", "ppc64le": "its device tree"}


def told(domain: dict[str, Any]) -> list[Any]:
    return [one for one in domain["findings"] if one["outcome"] in {"fail", "warn", "unknown"}]


@pytest.fixture
def foreign(request: pytest.FixtureRequest, lab: Lab) -> Iterator[tuple[Row, Guest, Host]]:
    row: Row = request.param
    guest = lab.host(row.here).guest(row.options())
    yield row, guest, lab.host(row.there)
    guest.remove()


def moved(guest: Guest, to: Host) -> dict[str, Any]:
    """Move a guest that was verified, and return how it is verified there."""
    here, name = guest.host, guest.name
    agent = guest.agent_pid()
    assert here.samemachine("baseline", name).returncode == 0
    guest.migrate(to)
    code, domains = verify(to, name, "--wait", pace.words(20))
    there: dict[str, Any] = domains[name]
    assert (code, there["verdict"], there["occasion"]) == (0, "verified", "arrival"), told(there)
    for check in ("same-boot", "same-smbios", "same-virtio", "same-network", "same-block"):
        assert finding(there, check)["outcome"] == "pass", finding(there, check)
    assert guest.agent_pid() == agent
    return there


def starts(guest: Guest, row: Row) -> None:
    """Start it and see that it is verified before it moves."""
    guest.start().wait_ready(SLOW)
    before = audit(guest.host, guest.name)
    domain = before.domains[guest.name]
    assert (before.exit_code, domain["verdict"], domain["depth"]) == (0, "verified", "guest"), told(
        domain
    )
    if row.architecture in SOURCES:
        said = before.finding(guest.name, "identity")
        assert said["outcome"] == "pass"
        assert f"UUID and name in {SOURCES[row.architecture]}" in said["sentence"]
        assert before.outcome(guest.name, "machine-type") == "unknown"
        architectures.hold(row.name, "audit", architectures.of_audit(before, guest.name))
        # What a rehearsal runs is a firmware that leaves its guest tables.
        assert "are not rehearsed" in rehearsed(guest.host, guest.name)["now"]["unknown"]
        architectures.hold(row.name, "rehearsal", "none")


@pytest.mark.parametrize("foreign", NEWER, ids=lambda row: row.name, indirect=True)
def test_it_is_the_same_after_a_live_migration_and_a_restart(
    foreign: tuple[Row, Guest, Host],
) -> None:
    row, guest, to = foreign
    starts(guest, row)
    architectures.hold(row.name, "migration", moved(guest, to)["verdict"])
    # A stop and start: after a reset commands wait long for the agent that was reset.
    guest.destroy()
    guest.start().wait_ready(SLOW)
    code, domains = verify(to, guest.name, "--wait", pace.words(20))
    again = domains[guest.name]
    assert (code, again["verdict"], again["occasion"]) == (0, "verified", "restart"), told(again)
    architectures.hold(row.name, "restart", again["verdict"])


@pytest.mark.parametrize("foreign", WITHIN, ids=lambda row: row.name, indirect=True)
def test_it_is_the_same_after_a_live_migration_within_one_version(
    foreign: tuple[Row, Guest, Host],
) -> None:
    row, guest, to = foreign
    starts(guest, row)
    verdict = moved(guest, to)["verdict"]
    architectures.hold(row.name, "migration", f"{verdict}, within one version of QEMU")


def test_what_another_version_refuses_is_told_before(many_a: Host, many_b: Host) -> None:
    guest = many_a.guest(ForeignOptions(name="stays", architecture="aarch64")).start()
    try:
        planned = plan(many_a, guest.name, "--to", many_b.tcp_uri)[guest.name]
        assert planned["answer"] == "restart", planned["findings"]
        (found,) = (one for one in planned["findings"] if one["check"] == "move-refusal")
        assert found["outcome"] == "fail"
        said = migrate(guest.name, many_a, many_b)
        assert "load of migration failed" in (said or ""), said
        assert many_a.virsh("domstate", guest.name) == "running"
    finally:
        guest.remove()
