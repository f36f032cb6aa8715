"""The EFI system table, proved by its CRC-32, and what it names."""

import zlib
from uuid import UUID

from hypothesis import given

from host_agent.firmware.efi_tables import ACPI, POINTER, SMBIOS3, configuration, system_table
from tests.damage import damaged

TABLE, ENTRIES = 0x400, 0x800
NAMED = {ACPI: 0x1000, SMBIOS3: 0x2000}


def with_crc(raw: bytes) -> bytes:
    return raw[:16] + zlib.crc32(raw).to_bytes(4, "little") + raw[20:]


def pointer(address: int = TABLE) -> bytes:
    return with_crc(b"IBI SYST" + address.to_bytes(8, "little") + bytes(8))


def memory(count: int = len(NAMED)) -> bytes:
    table = b"IBI SYST" + (0x20046).to_bytes(4, "little") + (120).to_bytes(4, "little")
    table = table.ljust(104, b"\0") + count.to_bytes(8, "little") + ENTRIES.to_bytes(8, "little")
    entries = b"".join(guid.bytes_le + at.to_bytes(8, "little") for guid, at in NAMED.items())
    return (bytes(TABLE) + with_crc(table)).ljust(ENTRIES, b"\0") + entries


def named(whole: bytes) -> dict[UUID, int]:
    return dict(configuration(TABLE, lambda at, size: whole[at : at + size]))


def test_what_is_there_is_named() -> None:
    assert system_table(pointer()) == TABLE
    assert named(memory()) == NAMED


def test_what_is_not_proved_is_not_believed() -> None:
    raw = pointer()
    assert system_table(raw[: POINTER - 1]) is None
    assert system_table(raw[:8] + b"\1" + raw[9:]) is None
    assert system_table(bytes(POINTER)) is None
    whole = memory()
    assert named(whole[: TABLE + 100]) == {}
    assert named(whole[: TABLE + 60] + b"\1" + whole[TABLE + 61 :]) == {}
    assert named(memory(count=0)) == named(memory(count=1 << 40)) == {}


@given(damaged(memory()))
def test_any_memory_gives_names_or_none(whole: bytes) -> None:
    assert set(named(whole)) <= set(NAMED) or len(named(whole)) <= 128
