"""The booted tables as the firmware left them in guest RAM, read by the host alone.

SeaBIOS puts the SMBIOS entry point into 0xF0000 to 0xFFFFF, and up to 600 bytes of tables with it;
longer ones lie at the top of the memory below 4 GiB (DSP0134 5.2.1; SeaBIOS
``src/fw/biostables.c: copy_smbios_21``, ``MAX_SMBIOS_FSEG``): from five sockets on, or with some
strings of an owner's. A UEFI firmware leaves both wherever its memory allocator puts them, named
only by the EFI system table (UEFI 4.6), which is nowhere fixed: that is said, and not searched for.
"""

from host_agent.domain.architectures import X86
from host_agent.domain.definition import Definition
from host_agent.errors import EvidenceError
from host_agent.firmware.smbios import (
    MAX_TABLES,
    EntryPoint,
    Smbios,
    SmbiosError,
    find_entry_point,
    parse,
)
from host_agent.hypervisor import Domain
from host_agent.missing import Missing, Reason

_SEGMENT, _SEGMENT_SIZE = 0xF0000, 0x10000
_MOST_LOW = 0xE0000000
"""QEMU never has RAM of a PC between here and 4 GiB (``hw/i386/pc_piix.c``, ``pc_q35.c``)."""


def read(domain: Domain, active: Definition, seconds: float) -> Smbios | Missing:
    """Return the booted tables, or why they can't be had; each call takes at most ``seconds``."""
    if active.architecture not in X86:
        return Missing(
            reason=Reason.UNSUPPORTED,
            sentence=f"booted tables of {active.architecture} guests lie nowhere fixed in memory",
        )
    if active.firmware == "efi":
        return Missing(
            reason=Reason.UNSUPPORTED,
            sentence="a UEFI firmware leaves the booted tables nowhere fixed in memory",
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
        wrong = outside(entry, active.memory)
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


def outside(entry: EntryPoint, memory: int | None) -> str | None:
    """Say why what a guest's entry point names is not read; None: it lies in the guest's memory.

    The guest may have written that entry point: only RAM is read at its word, never a device's
    registers, and not more than tables can have. ``memory`` is the guest's size in bytes.
    """
    if entry.length > MAX_TABLES:
        return f"the booted tables are said to have {entry.length} bytes, more than {MAX_TABLES}"
    top = min(_MOST_LOW, memory or _MOST_LOW)
    if entry.address + entry.length > top:
        return (
            f"the booted tables are said to lie at {entry.address:#x}, outside of the guest's "
            "memory below 4 GiB"
        )
    return None
