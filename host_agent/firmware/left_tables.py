"""The ACPI tables that a firmware left in memory, found by the root pointer. Pure but for ``read``.

The root pointer (RSDP) lies on a 16-byte boundary and proves itself by its checksums; it names the
root table, that names the others, and the FADT names DSDT and FACS (ACPI 6.5, 5.2.5 to 5.2.10).
Whoever could write the memory wrote the addresses: each length is bounded, and ``read`` decides
what may be read at all.
"""

from collections.abc import Callable, Iterator

from host_agent.firmware.acpi import HEADER, MAX_BYTES, AcpiError, Table

Read = Callable[[int, int], bytes]
"""Returns so many bytes from a physical address; raises what its reader raises."""

SIGNATURE = b"RSD PTR "
_BOUNDARY = 16
_FIRST, _WHOLE = 20, 36
"""Bytes of a root pointer of revision 0, and of a later one."""
_MAX_TABLES = 256
_FACP, _FACS = b"FACP", b"FACS"


def root_pointer(memory: bytes) -> bytes | None:
    """Return the first valid root pointer in some memory that begins on a boundary."""
    at = memory.find(SIGNATURE)
    while at >= 0:
        found = root_pointer_at(memory, at) if at % _BOUNDARY == 0 else None
        if found is not None:
            return found
        at = memory.find(SIGNATURE, at + 1)
    return None


def root_pointer_at(memory: bytes, at: int = 0) -> bytes | None:
    """Return the root pointer at an offset, if both its checksums are right (5.2.5.3)."""
    raw = memory[at : at + _WHOLE]
    if len(raw) < _FIRST or not raw.startswith(SIGNATURE) or sum(raw[:_FIRST]) % 256:
        return None
    if raw[15] < 2:
        return raw[:_FIRST]
    length = _number(raw, 20, 4)
    return raw if length == _WHOLE == len(raw) and not sum(raw) % 256 else None


def tables(pointer: bytes, read: Read) -> tuple[Table, ...]:
    """Return every table, with its address as offset, as the root table names them.

    The root table comes first, DSDT and FACS after the FADT. Raises ``AcpiError`` where one is not
    whole: a firmware that is still at work, or an operating system that gave the memory away.
    """
    found: list[Table] = []
    left = MAX_BYTES
    for address, wanted in _named(pointer, found):
        if len(found) >= _MAX_TABLES:
            raise AcpiError(f"there are more than {_MAX_TABLES} tables")
        one = _table(address, wanted, left, read)
        left -= len(one.raw)
        found.append(one)
    return tuple(found)


def _named(pointer: bytes, found: list[Table]) -> Iterator[tuple[int, bytes]]:
    """Yield (address, signature or nothing) of each table, following those in ``found``."""
    extended = pointer[15] >= 2 and _number(pointer, 24, 8)
    if extended:
        yield _number(pointer, 24, 8), b"XSDT"
    else:
        yield _number(pointer, 16, 4), b"RSDT"
    size, root = 8 if extended else 4, found[0].raw
    for at in range(HEADER, len(root) - size + 1, size):
        address = _number(root, at, size)
        if not address:
            continue
        yield address, b""
        raw = found[-1].raw
        if raw.startswith(_FACP):
            yield from _of_fadt(raw)


def _of_fadt(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield FACS and DSDT, by the long field where there is one (5.2.9)."""
    for signature, short, long in ((_FACS, 36, 132), (b"DSDT", 40, 140)):
        address = _number(raw, long, 8) or _number(raw, short, 4)
        if address:
            yield address, signature


def _table(address: int, wanted: bytes, left: int, read: Read) -> Table:
    head = read(address, HEADER)
    signature, length = head[:4], _number(head, 4, 4)
    if len(signature) < 4 or not signature.isalnum() or wanted not in {b"", signature}:
        raise AcpiError(f"there is no table at {address:#x}")
    if not (64 if signature == _FACS else HEADER) <= length <= left:
        raise AcpiError(f"the table at {address:#x} is said to have {length} bytes")
    raw = read(address, length)
    if len(raw) != length or raw[:8] != head[:8]:
        raise AcpiError(f"the table at {address:#x} is cut short")
    if signature != _FACS and sum(raw) % 256:
        raise AcpiError(f"the checksum of the table at {address:#x} is wrong")
    return Table(offset=address, raw=raw)


def _number(raw: bytes, at: int, size: int) -> int:
    return int.from_bytes(raw[at : at + size], "little")
