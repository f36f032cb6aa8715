"""Where a firmware leaves its tables in a machine that was started, and when it has left them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from host_agent.domain import memory_places
from host_agent.errors import EvidenceError
from host_agent.firmware import efi_tables, left_tables, smbios
from host_agent.firmware.acpi import AcpiError, Table
from host_agent.firmware.smbios import EntryPoint
from host_agent.missing import Reason
from host_agent.qemu.memory_reader import MemoryReader
from host_agent.qemu.options import ProbeOptions
from host_agent.qemu.rehearsal_options import RehearsalOptions
from host_agent.qemu.session import QemuSession

_FIRST_PAUSE, _LAST_PAUSE = 0.01, 0.25
_PART = 0.125
"""Of the time that it took: how much later it may be seen."""
_MOST_BOUNDARIES = 1024
"""Where a pointer is looked for, the highest first."""
_SEGMENT, _SEGMENT_SIZE = 0xE0000, 0x20000
"""Where a BIOS leaves both its anchors (ACPI 6.5, 5.2.5.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bios:
    """Anchors in the segment below 1 MiB."""

    def tables(self, reader: MemoryReader) -> tuple[Table, ...]:
        """Return the ACPI tables; raises ``AcpiError`` where they are not whole, or not yet."""
        pointer = left_tables.root_pointer(reader.read(_SEGMENT, _SEGMENT_SIZE))
        if pointer is None:
            raise AcpiError("there is no root pointer")
        return left_tables.tables(pointer, reader.read)

    def anchor(self, reader: MemoryReader) -> EntryPoint | None:
        """Return SMBIOS's anchor; None: it is not there. Raises ``AcpiError``."""
        return smbios.find_entry_point(reader.read(0xF0000, 0x10000))


@dataclass(frozen=True, slots=True, kw_only=True)
class Efi:
    """What the EFI system table names."""

    def _names(self, reader: MemoryReader) -> Mapping[UUID, int]:
        boundaries = range(
            (reader.top - efi_tables.POINTER) // efi_tables.STEP * efi_tables.STEP,
            reader.bottom,
            -efi_tables.STEP,
        )[:_MOST_BOUNDARIES]
        for piece in reader.pieces(boundaries, efi_tables.POINTER):
            address = efi_tables.system_table(piece)
            if address is not None:
                return efi_tables.configuration(address, reader.read)
        return {}

    def tables(self, reader: MemoryReader) -> tuple[Table, ...]:
        """Return the ACPI tables; raises ``AcpiError`` where they are not whole, or not yet."""
        address = self._names(reader).get(efi_tables.ACPI)
        if address is None:
            raise AcpiError("the EFI system table names no root pointer")
        pointer = left_tables.root_pointer_at(reader.read(address, 36))
        if pointer is None:
            raise AcpiError("there is no root pointer")
        return left_tables.tables(pointer, reader.read)

    def anchor(self, reader: MemoryReader) -> EntryPoint | None:
        """Return SMBIOS's anchor; None: it is not there. Raises ``AcpiError``."""
        named = self._names(reader)
        address = named.get(efi_tables.SMBIOS3) or named.get(efi_tables.SMBIOS)
        return None if address is None else smbios.entry_point(reader.read(address, 0x20))


def places_of(options: RehearsalOptions) -> Sequence[Bios | Efi]:
    """Return where this firmware may leave its tables: a ROM of the owner's may be either kind."""
    if options.flash is not None or options.machine.architecture not in memory_places.PC:
        return (Efi(),)
    return (Bios(), Efi()) if "-bios" in options.devices else (Bios(),)


def wait(
    session: QemuSession, machine: ProbeOptions, places: Sequence[Bios | Efi], *, acpi: bool
) -> Bios | Efi:
    """Return where the tables are, as soon as all are there; raises ``EvidenceError``.

    It is looked at at times, since no QEMU tells what
    its firmware does; the pauses grow with the time that it took so far.

    A firmware fills the root pointer's checksum in last (QEMU ``hw/i386/acpi-build.c`` adds it to
    the script last), and does SMBIOS before ACPI, or names both when they are whole.
    """
    began = session.left
    while True:
        session.rest(max(_FIRST_PAUSE, min((began - session.left) * _PART, _LAST_PAUSE)))
        reader = MemoryReader(session, machine.architecture, machine.memory)
        for place in places:
            if _is_done(reader, place, acpi=acpi):
                return place
        if session.left <= _LAST_PAUSE:
            raise EvidenceError(
                Reason.HUNG,
                "the firmware of the rehearsal has left no tables when its time was over",
                "if this host is that slow, ask again when it has less to do",
            )


def _is_done(reader: MemoryReader, place: Bios | Efi, *, acpi: bool) -> bool:
    try:
        if place.anchor(reader) is None:
            return False
        if acpi:
            place.tables(reader)
    except AcpiError:
        return False
    return True
