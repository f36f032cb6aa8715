"""How much may be in a report: counted in its bytes, before anything is made of them. Pure.

A mebibyte can hold half a million empty messages, and each becomes an object of a hundred bytes and
more. So the fields are counted in the wire format (protobuf.dev, "Encoding") and only a report
within bounds is parsed.
"""

from collections import Counter
from collections.abc import Iterator
from functools import cache

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError

from samemachine.v1 import guest_pb2

MAX_REPORT = 1024 * 1024
"""Bytes of a serialized report."""
MAX_ABSENCES = 64
MAX_FUNCTIONS = 4096
MAX_VIRTIO = 2048
MAX_TABLES = 256
MAX_INTERFACES = 2048
MAX_DISKS = 4096
MAX_LEAVES = 1024
MAX_FLAGS = 1024
MAX_WORDS = 1024
MAX_UEFI_DATABASES = 4
MAX_PCRS = 8
MAX_EVENTS = 1024
MAX_TOKENS = 256
MAX_REGISTERS = 24
MAX_FIELDS = 1 << 17
"""Of all messages together, unknown ones included: more than all groups have at their largest."""

# Message and field → how many of it a report may have, as guest.proto has it.
_MOST = {
    ("Report", "absences"):              MAX_ABSENCES,
    ("Platform", "device_tree_compatible"): MAX_WORDS,
    ("Platform", "sysinfo"):             MAX_WORDS,
    ("Cpu", "flags"):                    MAX_FLAGS,
    ("Cpu", "live_cpuid"):               MAX_LEAVES,
    ("PciBus", "functions"):             MAX_FUNCTIONS,
    ("VirtioBus", "devices"):            MAX_VIRTIO,
    ("Acpi", "tables"):                  MAX_TABLES,
    ("Network", "interfaces"):           MAX_INTERFACES,
    ("Block", "devices"):                MAX_DISKS,
    ("Uefi", "databases"):               MAX_UEFI_DATABASES,
    ("Tpm", "pcrs"):                     MAX_PCRS,
    ("Tpm", "events"):                   MAX_EVENTS,
    ("Tpm", "luks_tokens"):              MAX_TOKENS,
}  # fmt: skip
_Key = tuple[str, str]
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_SIZES = {_FIXED64: 8, _FIXED32: 4}
_VARINT_BYTES = 10


class BoundsError(ValueError):
    """There is too much in the report, or it is none; the sentence says what."""


def parse(raw: bytes) -> guest_pb2.Report:
    """Return the report; raises ``BoundsError`` where there is too much in it, or it is none."""
    if len(raw) > MAX_REPORT:
        raise BoundsError(f"it has {len(raw)} bytes, more than {MAX_REPORT}")
    count(raw)
    try:
        return guest_pb2.Report.FromString(raw)
    except DecodeError as error:
        raise BoundsError("its bytes are not of that form") from error


def count(raw: bytes) -> int:
    """Return how many fields a serialized report has; raises ``BoundsError`` beyond the bounds.

    A field that is there several times is counted as often, since its parts would be merged.
    """
    seen: Counter[_Key] = Counter()
    fields = 0
    waiting = [(guest_pb2.Report.DESCRIPTOR, 0, len(raw))]
    while waiting:
        kind, start, end = waiting.pop()
        known = _known(kind)
        for number, at, until in _fields(raw, start, end):
            fields += 1
            if fields > MAX_FIELDS:
                raise BoundsError(f"it has more than {MAX_FIELDS} fields")
            if number not in known:
                continue
            key, inner = known[number]
            if key is not None:
                seen[key] += 1
                if seen[key] > _MOST[key]:
                    raise BoundsError(f"it has more than {_MOST[key]} {key[1]} in {key[0]}")
            if inner is not None and at >= 0:
                waiting.append((inner, at, until))
    return fields


@cache
def _known(kind: Descriptor) -> dict[int, tuple[_Key | None, Descriptor | None]]:
    """Return of a message's fields, by number: whose number is bounded, and what is in them."""
    found: dict[int, tuple[_Key | None, Descriptor | None]] = {}
    for field in kind.fields:
        key = kind.name, field.name
        found[field.number] = key if key in _MOST else None, field.message_type
    return found


def _fields(raw: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield the number of each field, and where its contents lie; -1: it has no length."""
    while at < end:
        tag, at = _varint(raw, at, end) if raw[at] >= 0x80 else (raw[at], at + 1)
        number, wire = tag >> 3, tag & 7
        if wire == _LENGTH:
            length, at = _varint(raw, at, end)
            if length > end - at:
                raise _broken()
            yield number, at, at + length
            at += length
            continue
        if wire == _VARINT:
            _, at = _varint(raw, at, end)
        elif wire in _SIZES:
            at += _SIZES[wire]
        else:
            # Groups, which no proto3 has, could be nested without end.
            raise _broken()
        if at > end:
            raise _broken()
        yield number, -1, -1


def _varint(raw: bytes, at: int, end: int) -> tuple[int, int]:
    if at < end and raw[at] < 0x80:
        # Nearly all that are there.
        return raw[at], at + 1
    value = 0
    for shift in range(_VARINT_BYTES):
        if at >= end:
            raise _broken()
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return value, at
    raise _broken()


def _broken() -> BoundsError:
    return BoundsError("its bytes are not of that form")
