"""Cases for the checks: a domain for which everything is right, and ways to change it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from google.protobuf import json_format

from host_agent.case.case import Case
from host_agent.case.doubles import Sighting
from host_agent.case.expectation import by_rule
from host_agent.domain.definition import Channel, Declared, Definition
from host_agent.evidence import decode_hardware
from host_agent.evidence.baseline import Baseline
from host_agent.evidence.hardware import Hardware
from host_agent.evidence.observation import Observation
from host_agent.evidence.running import ProbedTables, Running
from host_agent.firmware.smbios import Named, Smbios
from host_agent.machine_types.offers import Offer
from host_agent.machine_types.surroundings import DEBIAN, Release, Surroundings
from host_agent.missing import Missing, Reason
from samemachine.v1 import guest_pb2
from tests import smbios_builder
from tests.smbios_builder import UUID_1

MACHINE = "pc-i440fx-7.2"
DEFINITION = Definition(
    name="vm1",
    uuid=UUID_1,
    type="kvm",
    architecture="x86_64",
    machine=MACHINE,
    emulator="/usr/bin/qemu-system-x86_64",
    firmware="bios",
    loader=None,
    smbios_mode=None,
    sysinfo={},
    smbios_arguments=False,
    channel=Channel(path="/run/c", guest_end_open=True),
)
NAMED = Named(
    source="tests",
    manufacturer="QEMU",
    product="Standard PC (i440FX + PIIX, 1996)",
    version=MACHINE,
    uuid=UUID_1,
    chassis_version=MACHINE,
    processor_version=MACHINE,
)
RUNNING = Running(
    pid=42,
    machine=MACHINE,
    uuid=UUID_1,
    binary="/usr/bin/qemu-system-x86_64",
    binary_deleted=False,
    replaced=False,
    arguments=(),
    stopped=False,
    started=0.0,
)
NOTHING = Missing(reason=Reason.UNSUPPORTED, sentence="not to be had")
SILENT = Missing(reason=Reason.SILENT, sentence="nobody answered")
NOT_ENROLLED = Missing(reason=Reason.NOT_ENROLLED, sentence="no channel")


TRIXIE = Release(
    distribution=DEBIAN,
    codename="trixie",
    version="13",
    lts=False,
    created=date(2023, 6, 10),
    released=date(2025, 8, 9),
    eol=date(2028, 8, 9),
    extended=(("LTS", date(2030, 6, 30)),),
)
SURROUNDINGS = Surroundings(
    today=date(2026, 11, 25),
    here=TRIXIE,
    releases=(TRIXIE,),
    qemu="7.2.22",
    offers={
        name: Offer(canonical=machine, deprecated=False)
        for name, machine in (
            ("pc", MACHINE),
            (MACHINE, MACHINE),
            ("pc-q35-7.2", "pc-q35-7.2"),
            ("pc-i440fx-7.1", "pc-i440fx-7.1"),
        )
    },
)
"""A host whose release and machine types are as they should be."""


def smbios(*, more: bytes = b"", **changes: Any) -> Smbios:
    """Tables of the machine, changed; ``more`` are structures before the others."""
    named = replace(NAMED, **changes)
    tables = smbios_builder.tables(
        manufacturer=named.manufacturer or "",
        product=named.product or "",
        version=named.version or "",
        uuid=named.uuid or UUID(int=0),
        chassis=named.chassis_version or "",
        processor=named.processor_version or "",
    )
    return Smbios(entry_point=b"", tables=more + tables, named=named)


GUESTS = Path(__file__).resolve().parents[3] / "data" / "guests"
BOOTED_AT = 1_700_000_000
"""Seconds since 1970-01-01 UTC."""
DAY = 86400


def report(guest: str) -> guest_pb2.Report:
    """What the agent of a captured guest answered, a day after it booted."""
    text = (GUESTS / f"{guest}.report.json").read_text(encoding="utf-8")
    found = json_format.Parse(text, guest_pb2.Report())
    found.clock.realtime_nanoseconds = (BOOTED_AT + DAY) * 10**9
    found.clock.boottime_nanoseconds = DAY * 10**9
    return found


def hardware(guest: str) -> Hardware:
    """What a captured guest sees."""
    return decode_hardware.hardware(report(guest), lambda group: NOTHING)


OBSERVATION = Observation(
    agent_version="0.1.0",
    seconds=0.05,
    boot_id="b",
    boot_time=BOOTED_AT,
    kernel="6.1",
    architecture="x86_64",
    dmi=NAMED,
    booted=smbios(),
    live=smbios(),
    hardware=hardware("i440fx"),
    received=float(BOOTED_AT + DAY),
    raw=b"",
)
BASELINE = Baseline(
    uuid=UUID_1,
    taken=OBSERVATION.received,
    host="node17",
    qemu="7.2.22",
    booted_qemu="7.2.22",
    machine=MACHINE,
    product=NAMED.product,
    observation=OBSERVATION,
    options="",
    salt=bytes(16),
)
PROBED = ProbedTables(
    binary="/usr/bin/qemu-system-x86_64",
    smbios=smbios(),
    masked=frozenset(),
    accelerator="kvm",
    qemu="7.2.22",
    options="",
)


COPY = Sighting(
    place="node41", host="node41", name="vm1", uuid=UUID_1, state="running", reason="booted"
)


def declared(active: Definition | None = DEFINITION, **persistent: Any) -> Declared:
    return Declared(
        active=active,
        persistent=replace(DEFINITION, **persistent),
        state="running" if active else "shut off",
        reason="booted" if active else "shutdown",
        domain_id=1 if active else None,
    )


def case(**changes: Any) -> Case:
    """A case in which the guest answered and all is right, changed."""
    definition = changes.get("declared", declared()).definition
    aliases = changes.get("aliases", {"pc": MACHINE})
    expected = changes.pop("expected", by_rule(definition, aliases))
    fields: dict[str, Any] = {
        "declared": declared(), "running": RUNNING, "memory": smbios(),
        "observation": OBSERVATION, "now": PROBED, "next_start": PROBED, "aliases": aliases,
        "baseline": BASELINE, "forecast": PROBED, "host": "node17", "qemu": "7.2.22",
        "surroundings": SURROUNDINGS,
        **changes,
    }  # fmt: skip
    return Case(expected=expected, **fields)


def seen(**changes: Any) -> Case:
    """A case in which the guest booted with, and is served, other strings."""
    observation = replace(
        OBSERVATION, booted=smbios(**changes), live=smbios(**changes), dmi=NOTHING
    )
    return case(observation=observation)


def since(
    groups: Mapping[str, Any] | None = None,
    *,
    before: Mapping[str, Any] | None = None,
    said: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Case:
    """A case with other groups of hardware now, or ``before``; ``said``: the rest of the report."""
    now, then = (
        replace(OBSERVATION, hardware=replace(OBSERVATION.hardware, **(side or {})))
        for side in (groups, before)
    )
    fields = {
        "observation": replace(now, **(said or {})),
        "baseline": replace(BASELINE, observation=then),
        **changes,
    }
    return case(**fields)
