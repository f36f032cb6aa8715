"""Forty domains of one host, as they are after a move or an upgrade from QEMU 7.2 to 10.0."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from host_agent.atlas.predictions import predictions
from host_agent.case.case import Case
from host_agent.case.expectation import by_rule
from host_agent.case.results import Audited, Host, HostAudit
from host_agent.domain.definition import Definition
from host_agent.firmware.smbios import Smbios
from host_agent.missing import Missing
from host_agent.verify import predicted
from host_agent.verify.policy import judge
from tests import smbios_builder
from tests.unit.host_agent.shared.cases import (
    BASELINE,
    DEFINITION,
    MACHINE,
    NAMED,
    OBSERVATION,
    PROBED,
    RUNNING,
    SURROUNDINGS,
    declared,
)

OLD, NEW = 0x01, 0xFE
"""Processor Family (type 4) under QEMU 7.2 and under 10.0, as the shipped atlases have it."""
HOST = Host(
    uri="qemu:///system",
    name="node23",
    distribution="Debian 13",
    driver="QEMU",
    libvirt="11.3.0",
    hypervisor="10.0.13",
    package="qemu-system-x86 1:10.0.13+ds-0+deb13u1",
)


def uuid(number: int) -> UUID:
    return UUID(int=0x7C1F_0000 << 96 | number)


def definition(number: int, **changes: Any) -> Definition:
    fields = {"name": f"vm{number:02}", "uuid": uuid(number), **changes}
    return replace(DEFINITION, **fields)


def smbios(number: int, family: int) -> Smbios:
    tables = smbios_builder.tables(uuid=uuid(number), family=family)
    return Smbios(entry_point=b"", tables=tables, named=replace(NAMED, uuid=uuid(number)))


def moved(number: int, **changes: Any) -> Case:
    """A domain that booted under QEMU 7.2 and now runs under 10.0."""
    mine = definition(number, **changes.pop("definition", {}))
    booted, live = smbios(number, OLD), smbios(number, NEW)
    observation = replace(OBSERVATION, booted=booted, live=live, dmi=booted.named)
    probed = replace(PROBED, smbios=live, qemu="10.0.13")
    fields: dict[str, Any] = {
        "declared": replace(declared(mine), persistent=mine),
        "expected": by_rule(mine, {"pc": MACHINE}),
        "running": replace(RUNNING, uuid=uuid(number)),
        "memory": booted,
        "observation": observation,
        "now": probed,
        "next_start": probed,
        "aliases": {"pc": MACHINE},
        "baseline": replace(
            BASELINE, uuid=uuid(number), observation=replace(observation, live=booted)
        ),
        "forecast": probed,
        "host": "node23",
        "qemu": "10.0.13",
        "surroundings": SURROUNDINGS,
        **changes,
    }
    return Case(**fields)


def upgraded(number: int, **changes: Any) -> Case:
    """A domain whose QEMU package was upgraded from 7.2 to 10.0 under it."""
    old = smbios(number, OLD)
    running = replace(RUNNING, uuid=uuid(number), binary_deleted=True, replaced=True)
    return moved(
        number,
        **{
            "running": running,
            "observation": replace(OBSERVATION, booted=old, live=old, dmi=old.named),
            "now": replace(PROBED, smbios=old, qemu="7.2.22"),
            "forecast": replace(PROBED, smbios=old, qemu="7.2.22"),
            "qemu": "7.2.22",
            **changes,
        },
    )


def silent(case: Case, why: Missing) -> Case:
    return replace(case, observation=why)


def audit(*cases: Case) -> HostAudit:
    results = tuple(Audited(case=case, verdict=judge(case)) for case in cases)
    return HostAudit(
        host=HOST,
        results=results,
        seconds=1.9,
        started=1_772_420_000.0,
        predictions=predictions(predicted.wanted(results)),
    )
