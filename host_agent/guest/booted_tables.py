"""The booted tables as the firmware left them in guest RAM, read by the host alone.

SeaBIOS puts the SMBIOS entry point into 0xF0000 to 0xFFFFF, and up to 600 bytes of tables with it;
longer ones lie at the top of the memory below 4 GiB (DSP0134 5.2.1; SeaBIOS
``src/fw/biostables.c: copy_smbios_21``, ``MAX_SMBIOS_FSEG``): from five sockets on, or with some
strings of an owner's.

A UEFI firmware leaves both wherever its memory allocator puts them, named by the EFI system table
alone (UEFI 4.6), which is nowhere fixed. OVMF has the entry point at the beginning of a page in the
last megabytes below the top of low memory, where it stays when an operating system runs; so it is
searched for there, and its checksum and the tables that it names prove it.
"""

from collections.abc import Iterator
from contextlib import suppress

from host_agent.domain import memory_places
from host_agent.domain.architectures import X86
from host_agent.domain.definition import Definition
from host_agent.errors import EvidenceError
from host_agent.firmware.smbios import (
    MAX_TABLES,
    EntryPoint,
    Smbios,
    SmbiosError,
    entry_point,
    find_entry_point,
    parse,
)
from host_agent.guest import low_memory
from host_agent.hypervisor import Domain
from host_agent.missing import Missing, Reason

_SEGMENT, _SEGMENT_SIZE = 0xF0000, 0x10000
_PAGE = 0x1000
_NOWHERE = Missing(
    reason=Reason.UNSUPPORTED,
    sentence="a UEFI firmware leaves the booted tables nowhere fixed in memory",
)
_NONE = Missing(
    reason=Reason.UNSUPPORTED,
    sentence="it has no firmware that leaves tables in memory: its kernel is started by QEMU",
)


def read(domain: Domain, active: Definition, seconds: float) -> Smbios | Missing:
    """Return the booted tables, or why they can't be had; each call takes at most ``seconds``."""
    if active.firmware == "efi":
        return _NOWHERE
    if active.firmware == "none":
        return _NONE
    if active.architecture not in X86:
        return Missing(
            reason=Reason.UNSUPPORTED,
            sentence=f"{active.architecture} guests have no SMBIOS tables in memory",
        )
    try:
        entry = find_entry_point(domain.peek_memory(_SEGMENT, _SEGMENT_SIZE, seconds))
        if entry is None and active.loader is not None:
            return Missing(
                reason=Reason.UNSUPPORTED,
                sentence=f"its own firmware, {active.loader}, leaves no SMBIOS tables where a BIOS "
                "leaves them",
                remedy="if it is a BIOS and has just been started, ask again in a few seconds",
            )
        if entry is None:
            return Missing(
                reason=Reason.EARLY,
                sentence="the firmware has left no SMBIOS tables in memory (yet)",
                remedy="if the guest has just been started, ask again in a few seconds",
            )
        wrong = outside(entry, *memory_places.of(active.architecture, active.memory))
        if wrong is not None:
            return Missing(reason=Reason.REFUSED, sentence=wrong)
        tables = domain.peek_memory(entry.address, entry.length, seconds)
        return parse(entry.raw, tables, "guest memory")
    except EvidenceError as error:
        return error.missing
    except SmbiosError as error:
        return Missing(
            reason=Reason.REFUSED, sentence=f"the tables in guest memory are not valid: {error}"
        )


def search(domain: Domain, active: Definition, seconds: float) -> Smbios | Missing:
    """Return the booted tables of a UEFI guest, or why they can't be had.

    It takes some tens of megabytes' reading, so it is for who can't be asked otherwise.
    """
    known = memory_places.are_known(active.architecture)
    if not known or active.firmware != "efi" or active.memory is None:
        return _NOWHERE
    memory = low_memory.of(domain, active, seconds)
    try:
        for _, piece in memory.downwards():
            for entry in _entries(piece):
                if outside(entry, memory.bottom, memory.top) is None:
                    with suppress(SmbiosError):
                        tables = memory.read(entry.address, entry.length)
                        return parse(entry.raw, tables, "guest memory")
    except EvidenceError as error:
        return error.missing
    return Missing(
        reason=Reason.EARLY,
        sentence="the UEFI firmware has left no SMBIOS tables where they are looked for (yet)",
        remedy="if the guest has just been started, ask again in half a minute",
    )


def _entries(piece: bytes) -> Iterator[EntryPoint]:
    """Yield the valid entry points at the beginning of a page, the highest first."""
    for at in range(len(piece) // _PAGE * _PAGE, -1, -_PAGE):
        found = entry_point(piece[at : at + 0x20]) if piece[at : at + 3] == b"_SM" else None
        if found is not None and found.length:
            yield found


def outside(entry: EntryPoint, bottom: int, top: int) -> str | None:
    """Say why what a guest's entry point names is not read; None: it lies in the guest's memory.

    The guest may have written that entry point: only RAM is read at its word, never a device's
    registers, and not more than tables can have. ``bottom`` and ``top``: where that RAM is.
    """
    if entry.length > MAX_TABLES:
        return f"the booted tables are said to have {entry.length} bytes, more than {MAX_TABLES}"
    if entry.address < bottom or entry.address + entry.length > top:
        return (
            f"the booted tables are said to lie at {entry.address:#x}, outside of the guest's "
            f"memory of {bottom:#x} to {top:#x}"
        )
    return None
