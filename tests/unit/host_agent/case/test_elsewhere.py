"""A guest's UUID that another domain of the same libvirtd shows its own guest."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from host_agent.case.gather import Gatherer
from host_agent.domain.definition import Declared, parse
from host_agent.guest.opened_channels import OpenedChannels
from host_agent.hypervisor import Facts
from host_agent.qemu.process import NONE, Processes

FACTS = Facts(
    name="node2",
    driver="QEMU",
    libvirt="12.8.0",
    hypervisor="11.1.2",
    capabilities="<capabilities/>",
)
SEEN = UUID(int=7)


def domain(name: str, number: int) -> SimpleNamespace:
    uuid = UUID(int=number)
    xml = f"<domain><name>{name}</name><uuid>{uuid}</uuid><hwuuid>{SEEN}</hwuuid></domain>"
    return SimpleNamespace(name=name, uuid=uuid, id=lambda: number, xml=lambda inactive: xml)


@pytest.mark.parametrize("processes", [None, NONE])
def test_libvirt_tells_where_its_pid_files_are_not_seen(processes: Processes | None) -> None:
    domains = [domain("old", 1), domain("new", 2)]
    hypervisor = SimpleNamespace(facts=lambda: FACTS, domains=lambda: domains)
    gatherer = replace(
        Gatherer.on(
            cast("Any", hypervisor),
            "qemu+ssh://node2/system",
            seconds=1.0,
            probe=False,
            opened=OpenedChannels(),
        ),
        processes=processes,
    )
    definition = parse(domains[0].xml(inactive=False))
    declared = Declared(
        active=definition, persistent=None, state="running", reason="booted", domain_id=1
    )
    (other,) = gatherer._elsewhere(declared)
    assert (other.host, other.name, other.uuid) == ("node2", "new", SEEN)
