"""A rehearsed domain as text and as JSON."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from host_agent.difference import Difference
from host_agent.evidence import offered_diff, virtio_names
from host_agent.evidence.measured import Measured
from host_agent.evidence.rehearsal_diff import Compared
from host_agent.evidence.rehearsed import Rehearsed, RehearsedCpu
from host_agent.missing import NOT_RUNNING, Missing
from host_agent.output.shared.document import document
from host_agent.output.shared.exit_codes import MISMATCH, UNVERIFIED, VERIFIED
from host_agent.output.shared.outlook_form import outlook_form
from host_agent.output.shared.tables import Row, grid, print_table
from host_agent.printable import printable
from host_agent.verify.rehearsal import Nic, Rehearsal

_SCHEMA = 1
_ROM = re.compile(r"\.rom$|^pc\.bios$|^system\.flash|^isa-bios")
"""Blocks of memory with an option ROM or the firmware's image."""


def print_rehearsal(console: Console, found: Rehearsal) -> None:
    """Print what the guest has, what it will have, and what could not be told."""
    console.print(Text(printable(found.name), "bold"), soft_wrap=True)
    rows: list[Row] = []
    if found.now is not NOT_RUNNING:
        rows += _block("now", _now(found))
    rows += _block("next start", _start(found))
    rows += _block("card names", _nics(found.nics))
    rows += _block("it notices", map(str, found.notices))
    rows += _block("TPM", _sealed(found.measured))
    rows += _offered(found.now if isinstance(found.start, Missing) else found.start)
    left = {one.what for side in _machines(found) for one in _left_out(side)}
    rows += _block("not rehearsed", sorted(left))
    compared = () if isinstance(found.guest, Missing) else found.guest.not_compared
    rows += _block("not compared", compared)
    print_table(console, grid(rows))


def _block(title: str, lines: Sequence[str] | Iterator[str]) -> Iterator[Row]:
    for at, line in enumerate(lines):
        yield Text("" if at else f"  {title}"), Text(printable(line))


def _now(found: Rehearsal) -> Iterator[str]:
    guest = found.guest
    if isinstance(guest, Missing):
        yield f"not known: {guest.sentence}"
        return
    same = guest.same
    made = f"what its QEMU{_version(found.now)} and firmware make at a boot"
    if same and not guest.differences:
        yield f"the guest has, to the byte, {made}: {same}"
        return
    if same:
        yield f"of {made} the guest has {same}"
    if guest.differences:
        yield "the guest has otherwise than it would be made at a boot:"
        yield from _told(guest.differences)
    elif not same:
        yield "nothing of the guest could be held against the rehearsal"


def _start(found: Rehearsal) -> Iterator[str]:
    if isinstance(found.changes, Missing):
        yield f"not known: {found.changes.sentence}"
        return
    then = "" if found.baseline is None else ", held against its baseline's"
    if not found.changes:
        yield f"the guest will find the same machine{_version(found.start)}{then}"
        return
    yield f"the guest will find{_version(found.start)}{then}:"
    yield from _told(found.changes)


def _nics(nics: Sequence[Nic]) -> Iterator[str]:
    """Yield what becomes of the names of network cards, those that change first."""
    staying = []
    for one in nics:
        if one.is_pinned:
            otherwise = " or ".join(one.now)
            yield f"{one.device} is called {one.called}, not {otherwise}: by the guest's own rule"
        elif one.changes:
            yield f"{one.device}: {' or '.join(one.now)} -> {' or '.join(one.start)}"
        elif one.start:
            staying.append(" or ".join(one.now))
        else:
            yield f"{one.device}: {' or '.join(one.now)} now, not known at the next start"
    if staying:
        yield f"{', '.join(staying)} stay{'s' if len(staying) == 1 else ''}"


def _sealed(found: Measured | Missing | None) -> Iterator[str]:
    """Yield what becomes of the TPM's registers, and of what is bound to them."""
    if found is None or isinstance(found, Missing):
        yield from () if found is None else (f"not known: {found.sentence}",)
        return
    for when, outlook in (("a reset", found.reset), ("the next start", found.start)):
        if isinstance(outlook, Missing):
            yield f"{when}: not known: {outlook.sentence}"
            continue
        changed = [one for one in outlook.registers if one.changes]
        lost = [str(one.number) for one in outlook.registers if one.changes is None]
        words = ", ".join(f"PCR {one.number} ({', '.join(one.why)})" for one in changed)
        yield f"{when} changes {words or 'no register'}" + (
            f"; not known of PCR {', '.join(lost)}" if lost else ""
        )
        yield from (f"{when}: not copied: {one}" for one in outlook.unread)
        fates = {True: "will open", False: "will ask for its recovery key", None: "is not known"}
        yield from (f"{when}: {one} {fates[one.opens]}" for one in outlook.keys or ())


def _offered(machine: Rehearsed | Missing) -> Iterator[Row]:
    """Yield what a machine offers beside its tables."""
    if isinstance(machine, Missing):
        return
    if machine.cpu is not None:
        yield from _block("CPU", _cpu(machine.cpu))
    yield from _block(
        "virtio",
        (
            f"{one.device or one.address} ({virtio_names.DEVICES.get(one.kind, one.kind)}): "
            f"features {one.features:#x}, queues {offered_diff.sizes(one.queues) or 'none'}"
            for one in machine.virtio
        ),
    )
    if machine.memory:
        ranges = ", ".join(map(str, machine.memory))
        yield from _block("memory map", (f"{ranges}: what QEMU hands the firmware",))
    roms = {name: size for name, size in machine.blocks.items() if _ROM.search(name)}
    yield from _block("ROMs", (f"{name} {size // 1024} KiB" for name, size in roms.items()))


def _cpu(cpu: RehearsedCpu) -> Iterator[str]:
    yield f"{cpu.vcpus} of {cpu.vendor} {cpu.revision} '{cpu.name}'"
    if cpu.filtered:
        yield f"without {' '.join(cpu.filtered)}, which its model has and can't be had here"


def _told(differences: Sequence[Difference]) -> Iterator[str]:
    yield from (f"  {one}" for one in differences)


def _version(found: Rehearsed | Missing) -> str:
    return "" if isinstance(found, Missing) else f" ({found.qemu})"


def _machines(found: Rehearsal) -> Sequence[Rehearsed | Missing]:
    return [one for one in (found.now, found.start, found.baseline) if one is not None]


def _left_out(found: Rehearsed | Missing) -> Sequence[Any]:
    return () if isinstance(found, Missing) else found.left_out


def exit_code(found: Rehearsal) -> int:
    """Return the exit code: a guest that is not as it is made, or what could not be told."""
    if isinstance(found.guest, Compared) and found.guest.differences:
        return MISMATCH
    unknown = isinstance(found.changes, Missing)
    if found.now is not NOT_RUNNING:
        unknown |= isinstance(found.guest, Missing) or not found.guest.same
    return UNVERIFIED if unknown else VERIFIED


def render(found: Rehearsal, code: int) -> str:
    """Return all of it as JSON."""
    form: dict[str, Any] = {
        "schema": _SCHEMA,
        "exit_code": code,
        "name": found.name,
        "uuid": found.uuid,
        "now": _machine(found.now),
        "guest": _missing(found.guest) if isinstance(found.guest, Missing) else asdict(found.guest),
        "next_start": _machine(found.start),
        "baseline": None if found.baseline is None else _machine(found.baseline),
        "changes": _missing(found.changes)
        if isinstance(found.changes, Missing)
        else [asdict(one) for one in found.changes],
        "nics": [
            {**asdict(one), "changes": one.changes, "pinned": one.is_pinned} for one in found.nics
        ],
        "notices": [asdict(one) for one in found.notices],
        "tpm": _measured(found.measured),
    }
    return document("rehearse", form)


def _missing(missing: Missing) -> dict[str, Any]:
    return {"unknown": missing.sentence, "reason": missing.reason, "remedy": missing.remedy}


def _measured(found: Measured | Missing | None) -> dict[str, Any] | None:
    if found is None or isinstance(found, Missing):
        return None if found is None else _missing(found)
    return {"reset": outlook_form(found.reset), "start": outlook_form(found.start)}


def _machine(found: Rehearsed | Missing) -> dict[str, Any]:
    if isinstance(found, Missing):
        return _missing(found)
    return {
        "qemu": found.qemu,
        "accelerator": found.accelerator,
        "as_domain": found.as_domain,
        "smbios_sha256": None
        if found.smbios is None
        else hashlib.sha256(found.smbios.tables).hexdigest(),
        "acpi": [
            {
                "signature": table.signature,
                "address": table.offset,
                "length": len(table.raw),
                "sha256": hashlib.sha256(table.raw).hexdigest(),
            }
            for table in found.acpi
        ],
        "pci": [{"id": one.device, **asdict(one.function)} for one in found.pci],
        "virtio": [asdict(one) | {"features": f"{one.features:#x}"} for one in found.virtio],
        "cpu": None
        if found.cpu is None
        else asdict(found.cpu) | {"words": {one.name: one.bits for one in found.cpu.words}},
        "memory_map": [str(one) for one in found.memory],
        "files": dict(found.files),
        "memory_blocks": dict(found.blocks),
        "not_rehearsed": [
            {"what": one.what, "tables": sorted(one.tables), "stand_in": one.stand_in}
            for one in found.left_out
        ],
    }
