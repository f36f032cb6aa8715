"""Cases for the checks: a domain for which everything is right, and ways to change it."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from host_agent.expectation import by_rule
from host_agent.model import (
    Case,
    Channel,
    Declared,
    Definition,
    Missing,
    Named,
    Observation,
    ProbedTables,
    Reason,
    Running,
    Smbios,
)
from tests import smbios_builder
from tests.smbios_builder import UUID_1

MACHINE = "pc-i440fx-7.2"
DEFINITION = Definition(
    name="vm1", uuid=UUID_1, type="kvm", architecture="x86_64", machine=MACHINE,
    emulator="/usr/bin/qemu-system-x86_64", firmware="bios", loader=None, smbios_mode=None,
    sysinfo={}, smbios_arguments=False, channel=Channel(path="/run/c", guest_end_open=True),
)  # fmt: skip
NAMED = Named(
    source="tests", manufacturer="QEMU", product="Standard PC (i440FX + PIIX, 1996)",
    version=MACHINE, uuid=UUID_1, chassis_version=MACHINE, processor_version=MACHINE,
)  # fmt: skip
RUNNING = Running(
    pid=42, machine=MACHINE, uuid=UUID_1, binary="/usr/bin/qemu-system-x86_64",
    binary_deleted=False, replaced=False, arguments=(), stopped=False, started=0.0,
)  # fmt: skip
NOTHING = Missing(reason=Reason.UNSUPPORTED, sentence="not to be had")
SILENT = Missing(reason=Reason.SILENT, sentence="nobody answered")
NOT_ENROLLED = Missing(reason=Reason.NOT_ENROLLED, sentence="no channel")


def smbios(*, more: bytes = b"", **changes: Any) -> Smbios:
    """Tables of the machine, changed; ``more`` are structures before the others."""
    named = replace(NAMED, **changes)
    tables = smbios_builder.tables(
        manufacturer=named.manufacturer or "", product=named.product or "",
        version=named.version or "", uuid=named.uuid or UUID(int=0),
        chassis=named.chassis_version or "", processor=named.processor_version or "",
    )  # fmt: skip
    return Smbios(entry_point=b"", tables=more + tables, named=named)


OBSERVATION = Observation(
    agent_version="0.1.0", seconds=0.05, boot_id="b", boot_time=1, kernel="6.1",
    architecture="x86_64", dmi=NAMED, booted=smbios(), live=smbios(),
)  # fmt: skip
PROBED = ProbedTables(
    binary="/usr/bin/qemu-system-x86_64", smbios=smbios(), masked=frozenset(), accelerator="kvm"
)


def declared(active: Definition | None = DEFINITION, **persistent: Any) -> Declared:
    return Declared(
        active=active, persistent=replace(DEFINITION, **persistent),
        state="running" if active else "shut off", domain_id=1 if active else None,
    )  # fmt: skip


def case(**changes: Any) -> Case:
    """A case in which the guest answered and all is right, changed."""
    definition = changes.get("declared", declared()).definition
    aliases = changes.get("aliases", {"pc": MACHINE})
    expected = changes.pop("expected", by_rule(definition, aliases))
    fields: dict[str, Any] = {
        "declared": declared(), "running": RUNNING, "memory": smbios(),
        "observation": OBSERVATION, "now": PROBED, "next_start": PROBED, "aliases": aliases,
        **changes,
    }  # fmt: skip
    return Case(expected=expected, **fields)


def seen(**changes: Any) -> Case:
    """A case in which the guest booted with, and is served, other strings."""
    observation = replace(
        OBSERVATION, booted=smbios(**changes), live=smbios(**changes), dmi=NOTHING
    )
    return case(observation=observation)
