"""The directory of fw_cfg and the memory map, right and wrong."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.firmware.fw_cfg import MAX_FILES, File, FwCfgError, Range, directory, memory_map
from tests.damage import damaged

FILES = [("bootorder", 0, 0x20), ("etc/acpi/rsdp", 20, 0x21), ("etc/e820", 40, 0x22)]


def entry(name: str, size: int, key: int) -> bytes:
    head = size.to_bytes(4, "big") + key.to_bytes(2, "big") + bytes(2)
    return head + name.encode("latin-1").ljust(56, b"\0")


DIRECTORY = len(FILES).to_bytes(4, "big") + b"".join(entry(*file) for file in FILES)


def test_a_directory_is_read() -> None:
    assert directory(DIRECTORY + b"what is read beyond") == tuple(
        File(name=name, size=size, key=key) for name, size, key in FILES
    )


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "0 files"),
        (b"\0\0\0", "0 files"),
        (b"\xff\xff\xff\xff" + bytes(1000), "4294967295 files"),
        ((MAX_FILES + 1).to_bytes(4, "big") + bytes(64 * 600), "513 files"),
        (DIRECTORY[:-1], "cut short"),
    ],
)
def test_what_is_no_directory_is_refused(raw: bytes, said: str) -> None:
    with pytest.raises(FwCfgError, match=said):
        directory(raw)


def test_a_name_of_all_bytes_or_of_control_characters_is_a_name() -> None:
    raw = b"\0\0\0\2" + entry("n" * 56, 1, 1) + entry("\x1b[2J\xff", 1, 1)
    assert [file.name for file in directory(raw)] == ["n" * 56, r"\x1b[2J\xff"]


@given(st.binary(max_size=300) | damaged(DIRECTORY))
def test_no_bytes_break_it(raw: bytes) -> None:
    with contextlib.suppress(FwCfgError):
        assert all(file.name.isprintable() for file in directory(raw))


@pytest.mark.parametrize(
    ("start", "length", "kind", "said"),
    [
        (0, 0x20000000, 1, "0x0-0x1fffffff RAM"),
        (0x100000000, 0x40000000, 2, "0x100000000-0x13fffffff reserved"),
        (0xFEFFC000, 0x4000, 77, "0xfeffc000-0xfeffffff type 77"),
        (0, 0, 1, "0x0 empty RAM"),
    ],
)
def test_a_range_in_words(start: int, length: int, kind: int, said: str) -> None:
    raw = start.to_bytes(8, "little") + length.to_bytes(8, "little") + kind.to_bytes(4, "little")
    (found,) = memory_map(raw + raw[:19])
    assert (str(found), found) == (said, Range(start=start, length=length, kind=kind))


@given(st.binary(max_size=100))
def test_any_bytes_are_a_memory_map(raw: bytes) -> None:
    assert len(memory_map(raw)) == len(raw) // 20
    assert all(str(one) for one in memory_map(raw))
