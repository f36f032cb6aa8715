"""ACPI tables in memory: found where a firmware left them, and nothing else believed."""

import contextlib
from collections.abc import Mapping
from types import MappingProxyType

import pytest
from hypothesis import given

from host_agent.firmware.acpi import MAX_BYTES, AcpiError
from host_agent.firmware.left_tables import root_pointer, root_pointer_at, tables
from tests import acpi_builder as build
from tests.damage import damaged

SIZE = 0x4000
ROOT, FADT, DSDT, FACS, LAST = 0x1000, 0x1100, 0x1200, 0x1300, 0x1400


def pointer(*, extended: bool, address: int = ROOT) -> bytes:
    """A root pointer with both checksums."""
    raw = bytearray(build.root_pointer(revision=2 if extended else 0, address=address))
    raw[8] = -sum(raw) % 256
    if extended:
        raw += (36).to_bytes(4, "little") + address.to_bytes(8, "little") + bytes(4)
        raw[32] = -sum(raw) % 256
    return bytes(raw)


def memory(placed: Mapping[int, bytes] = MappingProxyType({}), *, extended: bool = False) -> bytes:
    """Some memory with a root table, a FADT, a DSDT, a FACS and one more table."""
    size = 8 if extended else 4
    named = b"".join(at.to_bytes(size, "little") for at in (FADT, 0, LAST))
    fadt = FACS.to_bytes(4, "little") + DSDT.to_bytes(4, "little") + bytes(72)
    if extended:
        fadt = bytes(96) + FACS.to_bytes(8, "little") + DSDT.to_bytes(8, "little") + bytes(96)
    whole = bytearray(SIZE)
    for at, blob in (
        (ROOT, build.table("XSDT" if extended else "RSDT", named)),
        (FADT, build.table("FACP", fadt)),
        (DSDT, build.table("DSDT", b"code")),
        (FACS, build.facs()),
        (LAST, build.table("WAET", bytes(4))),
        *placed.items(),
    ):
        whole[at : at + len(blob)] = blob
    return bytes(whole)


def read(whole: bytes, raw: bytes = b"") -> list[tuple[str, int]]:
    found = tables(raw or pointer(extended=False), lambda at, size: whole[at : at + size])
    return [(table.signature, table.offset) for table in found]


@pytest.mark.parametrize("extended", [False, True])
def test_all_are_found(extended: bool) -> None:
    found = read(memory(extended=extended), pointer(extended=extended))
    assert found == [
        ("XSDT" if extended else "RSDT", ROOT),
        ("FACP", FADT),
        ("FACS", FACS),
        ("DSDT", DSDT),
        ("WAET", LAST),
    ]


def test_the_pointer_is_on_a_boundary_and_right() -> None:
    right = pointer(extended=False)
    assert root_pointer(bytes(8) + right + bytes(4) + right) == right
    assert root_pointer(bytes(8) + right) is None
    assert root_pointer(right[:-1]) is None
    assert root_pointer_at(bytes(16) + pointer(extended=True), 16) == pointer(extended=True)
    wrong = bytearray(pointer(extended=True))
    wrong[33] += 1
    assert root_pointer(bytes(wrong)) is None
    wrong = bytearray(right)
    wrong[9] += 1
    assert root_pointer(bytes(wrong)) is None


@pytest.mark.parametrize(
    ("placed", "said"),
    [
        ({0x1200: build.table("SSDT")}, "no table at 0x1200"),
        ({0x1300: b"\xff" * 8}, "no table at 0x1300"),
        ({0x1400: b"WAET" + (0x7FFFFFFF).to_bytes(4, "little")}, "is said to have 2147483647"),
        ({0x1400: b"WAET" + (8).to_bytes(4, "little")}, "is said to have 8 bytes"),
        ({0x1400: b"WAET" + (SIZE).to_bytes(4, "little")}, "cut short"),
        ({0x1400: build.table("WAET", checksum=False)}, "checksum of the table at 0x1400"),
    ],
)
def test_what_is_not_whole_is_an_error(placed: dict[int, bytes], said: str) -> None:
    with pytest.raises(AcpiError, match=said):
        read(memory(placed))


def test_they_are_bounded_together() -> None:
    """Each may be large; a root table that names one of them often is no way to have more."""
    large = build.table("BIGG", bytes(MAX_BYTES // 2))
    root = build.table("RSDT", (0x10000).to_bytes(4, "little") * 9)
    whole = bytes(ROOT) + root
    whole = whole.ljust(0x10000, b"\0") + large
    with pytest.raises(AcpiError, match="is said to have"):
        read(whole)
    many = (bytes(ROOT) + build.table("RSDT", (0x2000).to_bytes(4, "little") * 300)).ljust(0x2000)
    with pytest.raises(AcpiError, match="more than 256 tables"):
        read(many + build.table("WAET"))


@given(damaged(memory()))
def test_any_memory_gives_tables_or_an_error(whole: bytes) -> None:
    with contextlib.suppress(AcpiError):
        read(whole)
    root_pointer(whole)
