"""Guests without SMBIOS, moved live between two QEMUs and booted again: the same machine."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests import architectures
from tests.lab import pace
from tests.lab.asking import audit
from tests.lab.foreign_guest import ForeignOptions
from tests.lab.guest import Guest
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.test_before_and_after import finding, verify

pytestmark = [pytest.mark.long("architectures"), pytest.mark.timeout(600)]

# What a machine of each kind names itself by.
SOURCES = {"s390x": "/proc/sysinfo", "ppc64le": "its device tree"}


def told(domain: dict[str, Any]) -> list[Any]:
    return [one for one in domain["findings"] if one["outcome"] in {"fail", "warn", "unknown"}]


@pytest.fixture(scope="module")
def old_host(lab: Lab) -> Host:
    """QEMU 7.2, for guests of all architectures."""
    return lab.host("hosti")


@pytest.fixture(scope="module")
def new_host(lab: Lab) -> Host:
    """QEMU 10.0, for guests of all architectures."""
    return lab.host("hostj")


@pytest.fixture(params=sorted(SOURCES))
def foreign(request: pytest.FixtureRequest, old_host: Host) -> Iterator[Guest]:
    guest = old_host.guest(ForeignOptions(name=f"on-{request.param}", architecture=request.param))
    yield guest
    guest.remove()


def test_it_is_the_same_after_a_live_migration_and_a_restart(
    old_host: Host, new_host: Host, foreign: Guest
) -> None:
    assert isinstance(foreign.options, ForeignOptions)
    name, architecture = foreign.name, foreign.options.architecture
    foreign.start().wait_ready(120)
    agent = foreign.agent_pid()
    before = audit(old_host, name)
    domain = before.domains[name]
    assert (before.exit_code, domain["verdict"], domain["depth"]) == (0, "verified", "guest")
    said = before.finding(name, "identity")
    assert said["outcome"] == "pass"
    assert f"UUID and name in {SOURCES[architecture]}" in said["sentence"]
    assert before.outcome(name, "machine-type") == "unknown"
    architectures.hold(architecture, "audit", architectures.of_audit(before, name))
    assert old_host.samemachine("baseline", name).returncode == 0

    foreign.migrate(new_host)
    code, domains = verify(new_host, name, "--wait", pace.words(20))
    moved = domains[name]
    assert (code, moved["verdict"], moved["occasion"]) == (0, "verified", "arrival"), told(moved)
    for check in ("same-boot", "same-smbios", "same-virtio", "same-network", "same-block"):
        assert finding(moved, check)["outcome"] == "pass", finding(moved, check)
    assert foreign.agent_pid() == agent
    architectures.hold(architecture, "migration", moved["verdict"])

    # A stop and start: after a reset commands wait long for the agent that was reset.
    foreign.destroy()
    foreign.start().wait_ready(120)
    code, domains = verify(new_host, name, "--wait", pace.words(20))
    again = domains[name]
    assert (code, again["verdict"], again["occasion"]) == (0, "verified", "restart"), told(again)
    architectures.hold(architecture, "restart", again["verdict"])
