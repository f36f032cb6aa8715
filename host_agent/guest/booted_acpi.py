"""The ACPI tables as the firmware left them in guest RAM, read by the host alone.

A BIOS leaves the root pointer between 0xE0000 and 0xFFFFF, a UEFI firmware in the last megabytes
below the top of low memory, where it stays when an operating system runs: it is memory that the
system must keep (ACPI 6.5, 5.2.5; UEFI 2.10, 7.2, EfiACPIReclaimMemory). AAVMF has it on no such
boundary, and further below what it loads; there the entry of the EFI configuration table, which is
near the top, leads to it. Checksums prove what is found. Reads are bounded in number and size, and
touch RAM only.
"""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from host_agent.domain import memory_places
from host_agent.domain.architectures import X86
from host_agent.domain.definition import Definition
from host_agent.errors import EvidenceError
from host_agent.firmware import efi_tables, left_tables
from host_agent.firmware.acpi import AcpiError, Table
from host_agent.guest import low_memory
from host_agent.hypervisor import Domain
from host_agent.missing import Missing, Reason

_SEGMENT, _SEGMENT_SIZE = 0xE0000, 0x20000
_POINTER = 36
_MOST_POINTERS = 64


def read(domain: Domain, active: Definition, seconds: float) -> tuple[Table, ...] | Missing:
    """Return the tables, the root table first, or why they can't be had.

    Each call takes at most ``seconds``.
    """
    known = active.architecture in X86 or active.firmware == "efi"
    if not known or not memory_places.are_known(active.architecture) or active.memory is None:
        return Missing(
            reason=Reason.UNSUPPORTED,
            sentence=f"ACPI tables of {active.architecture} guests are not looked for in memory",
        )
    memory = low_memory.of(domain, active, seconds)
    efi = active.firmware == "efi"
    wrong: AcpiError | None = None
    try:
        for pointer in islice(_pointers(memory, efi=efi), _MOST_POINTERS):
            try:
                return left_tables.tables(pointer, memory.read)
            except AcpiError as error:
                # A copy that somebody left lying about, or one that is not ready.
                wrong = error
    except (EvidenceError, AcpiError) as error:
        return _missing(error)
    if wrong is not None:
        return _missing(wrong)
    return Missing(
        reason=Reason.EARLY,
        sentence="the firmware has left no ACPI tables in memory (yet)",
        remedy="if the guest has just been started, ask again in a few seconds",
    )


def _missing(error: EvidenceError | AcpiError) -> Missing:
    if isinstance(error, EvidenceError):
        return error.missing
    return Missing(
        reason=Reason.REFUSED, sentence=f"the ACPI tables in guest memory are not valid: {error}"
    )


def _pointers(memory: low_memory.LowMemory, *, efi: bool) -> Iterator[bytes]:
    """Yield root pointers, each with valid checksums."""
    for piece in _pieces(memory, efi=efi):
        pointer = left_tables.root_pointer(piece)
        if pointer is not None:
            yield pointer
        for address in islice(efi_tables.named(piece, efi_tables.ACPI), _MOST_POINTERS):
            with suppress(AcpiError):
                pointer = left_tables.root_pointer_at(memory.read(address, _POINTER))
                if pointer is not None:
                    yield pointer


def _pieces(memory: low_memory.LowMemory, *, efi: bool) -> Iterator[bytes]:
    if efi:
        yield from (piece for _, piece in memory.downwards())
    else:
        yield memory.read(_SEGMENT, _SEGMENT_SIZE)
