"""A rehearsal held against what a guest shows, or against another rehearsal. Pure."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from host_agent.difference import Area, Difference
from host_agent.evidence import offered_diff
from host_agent.evidence.hardware import AcpiTable, Cpu, PciFunction, VirtioDevice
from host_agent.evidence.rehearsed import ALL, Rehearsed
from host_agent.firmware import aml_objects, smbios_diff
from host_agent.firmware.acpi import Table
from host_agent.firmware.fingerprint_diff import ABSENT, CODE
from host_agent.missing import Missing
from samemachine.acpi_content import content

_ROOTS = frozenset({"RSDT", "XSDT"})
"""They hold nothing but where the others lie, and a guest's kernel does not show them."""
_FACS, _SIGNATURE = "FACS", slice(8, 12)
"""Where a firmware says that its hardware is another (ACPI 6.5, 5.2.10)."""
_LATER = {"BGRT": "the firmware makes it of its boot picture, after the rehearsal's end"}
_KVM = "KVM can't be had for the rehearsal, and ACPI depends on it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What came of holding a guest against a rehearsal."""

    differences: tuple[Difference, ...]
    """Old is the rehearsal's, new the guest's; of a forecast it is the other way round."""
    tables: tuple[str, ...]
    """The ACPI tables that are the same, by the kernel's names."""
    functions: int
    """How many PCI functions are the same."""
    not_compared: tuple[str, ...]
    """What could not be held against each other, and why."""
    smbios: bool = False
    """Whether the SMBIOS tables are the same, the firmware's own structure too."""
    virtio: int = 0
    """How many virtio devices' drivers took nothing that is not offered."""
    cpu: bool = False
    """Whether number, vendor, name and revision of the processors are the same."""
    registers: int = 0
    """How many registers that CPUID answers with are the same."""

    @property
    def same(self) -> str:
        """What is the same, in words; empty: nothing could be compared."""
        parts = [str(Area.SMBIOS)] if self.smbios else []
        number = len(self.tables)
        if number:
            names = " ".join(self.tables)
            parts.append(f"{number} ACPI table{'s' if number > 1 else ''} ({names})")
        if self.functions:
            parts.append(f"{self.functions} PCI function{'s' if self.functions > 1 else ''}")
        if self.virtio:
            parts.append(f"{self.virtio} virtio device{'s' if self.virtio > 1 else ''}")
        if self.cpu or self.registers:
            named = [str(Area.CPU)] if self.cpu else []
            known = [f"{self.registers} CPUID registers"] if self.registers else []
            parts.append(" and ".join(named + known))
        return ", ".join(parts)


def with_guest(
    rehearsed: Rehearsed,
    acpi: tuple[AcpiTable, ...] | Missing,
    pci: tuple[PciFunction, ...] | Missing,
) -> Compared:
    """Compare with what a guest's kernel reports, or what was read in its memory."""
    found: list[Difference] = []
    same: list[str] = []
    left: list[str] = []
    functions = 0
    if isinstance(acpi, Missing):
        left.append(f"{Area.ACPI}: {acpi.sentence}")
    else:
        for name, one in _tables(rehearsed, acpi):
            if one is None:
                same.append(name)
                continue
            why = _excuse(rehearsed, name)
            if why is None:
                found.append(one)
            else:
                left.append(f"{name}: {why}")
    if isinstance(pci, Missing):
        left.append(f"{Area.PCI}: {pci.sentence}")
    else:
        stand_ins = {one.stand_in: one.what for one in rehearsed.left_out if one.stand_in}
        for function, differences in _functions(rehearsed, pci):
            what = stand_ins.get(function)
            if not differences:
                functions += 1
            elif what is not None and len(differences) > 1:
                left.append(f"{differences[0].subject}: {what} can't be rehearsed")
            else:
                found += differences
    return Compared(
        differences=tuple(found), tables=tuple(same), functions=functions, not_compared=tuple(left)
    )


def with_offers(
    found: Compared,
    rehearsed: Rehearsed,
    virtio: tuple[VirtioDevice, ...] | Missing,
    cpu: Cpu | Missing,
) -> Compared:
    """Add what a guest took of its virtio devices, and its CPU."""
    held = offered_diff.with_guest(rehearsed, virtio, cpu)
    return replace(
        found,
        differences=(*found.differences, *held.differences),
        not_compared=(*found.not_compared, *held.not_compared),
        virtio=held.virtio,
        cpu=held.cpu,
        registers=held.registers,
    )


def forecast(held: Compared, rehearsed: Rehearsed, left: tuple[Table, ...]) -> Compared:
    """Return what a guest will find that boots as this machine, of which it is not yet one.

    ``held``: the guest, held against it. ``left``: the tables of the guest's own boot, as far as
    they are to be had: with them what changes is told by device and name.
    """
    ours, theirs = named(rehearsed.acpi), named(left)
    found: list[Difference] = []
    for one in held.differences:
        turned = _turned(one)
        mine, old = ours.get(one.subject), theirs.get(one.subject)
        if one.area is Area.ACPI and mine is not None and old is not None:
            found += list(_table(one.subject, old, mine)) or [turned]
        else:
            found.append(turned)
    return replace(held, differences=tuple(found))


def _turned(one: Difference) -> Difference:
    """Return a difference as it is seen from the other side."""
    old, new = one.new, one.old
    if one.area is Area.ACPI and one.field in {"code", "contents"}:
        old = old.replace(" other", "")
        new = new.replace(" bytes", " other bytes") if old == new else new
    return replace(one, old=old, new=new)


def _excuse(rehearsed: Rehearsed, name: str) -> str | None:
    """Say why a table may differ; None: it may not."""
    signature = name[:4]
    if signature in _LATER:
        return _LATER[signature]
    for one in rehearsed.left_out:
        if signature in one.tables or one.tables == ALL:
            return f"{one.what} can't be rehearsed"
    return None if rehearsed.as_domain else _KVM


def named(tables: tuple[Table, ...]) -> dict[str, Table]:
    """Return tables by the names that Linux gives them (``drivers/acpi/sysfs.c``).

    Of several with one signature each has its number; the root table is not shown.
    """
    shown = [table for table in tables if table.signature not in _ROOTS]
    signatures = [table.signature for table in shown]
    found: dict[str, Table] = {}
    for at, table in enumerate(shown):
        number = signatures[: at + 1].count(table.signature)
        several = signatures.count(table.signature) > 1
        found[f"{table.signature}{number}" if several else table.signature] = table
    return found


def as_reported(tables: tuple[Table, ...]) -> tuple[AcpiTable, ...]:
    """Return tables that were read in a guest's memory as its kernel would report them."""
    return tuple(
        AcpiTable(
            signature=name,
            length=len(table.raw),
            sha256=hashlib.sha256(table.raw).hexdigest(),
            content_sha256=hashlib.sha256(content(table.raw)).hexdigest(),
        )
        for name, table in named(tables).items()
    )


def _tables(
    rehearsed: Rehearsed, guests: tuple[AcpiTable, ...]
) -> Iterator[tuple[str, Difference | None]]:
    """Yield the name of each table, and how it differs."""
    ours, theirs = named(rehearsed.acpi), {one.signature: one for one in guests}
    for name in sorted(ours.keys() | theirs.keys()):
        one, two = ours.get(name), theirs.get(name)
        if one is None or two is None:
            yield name, _presence(Area.ACPI, name, "table", one, two)
            continue
        # An older guest agent digests whole tables only.
        wanted, raw = two.content_sha256, content(one.raw)
        if wanted is None:
            wanted, raw = two.sha256, one.raw
        same = hashlib.sha256(raw).hexdigest() == wanted and len(one.raw) == two.length
        field = "code" if name[:4] in CODE else "contents"
        yield (
            name,
            None
            if same
            else Difference(
                area=Area.ACPI,
                subject=name,
                field=field,
                old=f"{len(one.raw)} bytes",
                new=f"{two.length} {'other ' if len(one.raw) == two.length else ''}bytes",
            ),
        )


def _functions(
    rehearsed: Rehearsed, guests: tuple[PciFunction, ...]
) -> Iterator[tuple[str, list[Difference]]]:
    """Yield the rehearsal's id of each function, and how it differs."""
    ours = {one.function.address: one for one in rehearsed.pci}
    theirs = {one.address: one for one in guests}
    for address in sorted(ours.keys() | theirs.keys()):
        mine = ours.get(address)
        yield (
            "" if mine is None else mine.device,
            list(_function(address, None if mine is None else mine.function, theirs.get(address))),
        )


def _function(
    address: str, one: PciFunction | None, two: PciFunction | None
) -> Iterator[Difference]:
    if one is None or two is None:
        yield _presence(Area.PCI, address, "function", one, two)
        return
    before, after = _fields(one), _fields(two)
    for field, was in before.items():
        if was != after[field]:
            yield Difference(area=Area.PCI, subject=address, field=field, old=was, new=after[field])


def _fields(one: PciFunction) -> dict[str, str]:
    return {
        "device": f"{one.vendor:04x}:{one.device:04x}",
        "subsystem": f"{one.subsystem_vendor:04x}:{one.subsystem_device:04x}",
        "class": f"{one.class_code:06x}",
        "revision": str(one.revision),
        "bridge": one.bridge or "none",
    }


def _presence(area: Area, subject: str, field: str, old: object, new: object) -> Difference:
    return Difference(
        area=area,
        subject=subject,
        field=field,
        old=ABSENT if old is None else "there",
        new=ABSENT if new is None else "there",
    )


def between(old: Rehearsed, new: Rehearsed) -> tuple[Difference, ...]:
    """Return what a guest finds otherwise in one machine than in another.

    SMBIOS by structure and field, ACPI by table, device and name, PCI by function, virtio by device
    and feature, the CPU by register. Raises ``SmbiosError``.
    """
    found: list[Difference] = []
    if old.smbios is not None and new.smbios is not None:
        masked = old.masked | new.masked
        found += smbios_diff.entry_points(old.smbios.entry_point, new.smbios.entry_point)
        found += smbios_diff.differences(old.smbios.tables, new.smbios.tables, masked)
    before, after = named(old.acpi), named(new.acpi)
    for name in dict.fromkeys([*before, *after]):
        one, two = before.get(name), after.get(name)
        if one is None or two is None:
            found.append(_presence(Area.ACPI, name, "table", one, two))
        else:
            found += _table(name, one, two)
    mine, theirs = ({one.function.address: one.function for one in side.pci} for side in (old, new))
    for address in sorted(mine.keys() | theirs.keys()):
        found += _function(address, mine.get(address), theirs.get(address))
    return (*found, *_folded(offered_diff.between(old, new)))


def _table(name: str, one: Table, two: Table) -> Iterator[Difference]:
    yield from _headers(name, one.header, two.header)
    if content(one.raw) == content(two.raw) or one.body == two.body:
        return
    if name == _FACS and one.raw[_SIGNATURE] != two.raw[_SIGNATURE]:
        was, now = (f"{int.from_bytes(one.raw[_SIGNATURE], 'little'):#010x}" for one in (one, two))
        yield Difference(area=Area.ACPI, subject=name, field="hardware signature", old=was, new=now)
        return
    changes: tuple[Difference, ...] = ()
    if name[:4] in CODE:
        try:
            changes = _folded(_objects(name, one, two))
        except aml_objects.AmlError:
            changes = ()
    if changes:
        yield from changes
        return
    # Nothing that is declared differs, or it can't be read: then it is the bytes.
    alike = len(one.raw) == len(two.raw)
    yield Difference(
        area=Area.ACPI,
        subject=name,
        field="code" if name[:4] in CODE else "contents",
        old=f"{len(one.raw)} bytes",
        new=f"{len(two.raw)} {'other ' if alike else ''}bytes",
    )


def _headers(name: str, one: Mapping[str, str], two: Mapping[str, str]) -> Iterator[Difference]:
    for field in dict.fromkeys([*one, *two]):
        was, now = one.get(field, ABSENT), two.get(field, ABSENT)
        if was != now:
            yield Difference(area=Area.ACPI, subject=name, field=field, old=was, new=now)


def _objects(name: str, one: Table, two: Table) -> Iterator[Difference]:
    before, after = aml_objects.objects(one.body), aml_objects.objects(two.body)
    for path, field, was, now in aml_objects.changes(before, after):
        yield Difference(area=Area.ACPI, subject=f"{name}, {path}", field=field, old=was, new=now)


def _folded(changes: Iterator[Difference]) -> tuple[Difference, ...]:
    """Tell what is the same of many devices once, with the first of them and how many there are."""
    found: dict[tuple[str, ...], Difference] = {}
    for one in changes:
        # A device that comes or goes is told each for itself, and so is what is not one of many.
        alone = one.field in {"device", "file", "size"}
        key = (one.field, one.old, one.new, one.subject if alone else "")
        kept = found.get(key)
        found[key] = one if kept is None else replace(kept, count=kept.count + 1)
    return tuple(found.values())
