"""What a machine shows beside SMBIOS, and which of its parts two machines show otherwise."""

import pytest

from host_agent.atlas import files
from host_agent.firmware import fingerprint_parts, smbios_diff
from host_agent.firmware.fingerprint import E820, Fingerprint
from tests.acpi_builder import table
from tests.fingerprint_builder import FILES, TABLES, fingerprint, tables

FACS, DSDT, FACP, RSDT = TABLES
ONE = fingerprint_parts.lines(fingerprint())
OTHER_CODE = fingerprint_parts.lines(
    fingerprint(acpi=tables(FACS, table("DSDT", b"longer code", checksum=False), FACP, RSDT))
)
OTHER_MAP = fingerprint_parts.lines(fingerprint(files=FILES | {E820: bytes(20)}))


def test_a_line_a_part_but_for_tables_that_hold_addresses_alone() -> None:
    names = [line.partition(":")[0] for line in ONE]
    assert names == ["ACPI FACS", "ACPI DSDT", "ACPI FACP", "e820 map"]
    assert fingerprint_parts.lines(fingerprint()) == ONE


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (ONE, []),
        (OTHER_CODE, ["ACPI DSDT: contents 40 bytes"]),
        (OTHER_MAP, ["e820 map: contents "]),
        (ONE[1:], ["ACPI FACS: contents 64 bytes"]),
        # Who is older tells nothing of it.
        ((), []),
    ],
)
def test_what_differs_is_named(new: tuple[str, ...], said: list[str]) -> None:
    found = [str(one) for one in fingerprint_parts.differences(ONE, new)]
    assert len(found) == len(said)
    assert all(one.startswith(begin) for one, begin in zip(found, said, strict=True))


def test_lines_that_anybody_wrote_are_no_error() -> None:
    (found,) = fingerprint_parts.differences(("nonsense: 1 2", "x"), ("nonsense: 2 2",))
    assert str(found) == "ACPI nonsense: contents 1 bytes (2) -> 2 bytes (2)"


def shipped(release: str) -> Fingerprint:
    atlas = files.read_shipped(f"debian:{release}", states=False)
    (found,) = (one.fingerprint for one in atlas.machines if one.name == "pc-q35-9.2")
    assert found is not None
    return found


def test_real_machines_of_one_name_may_differ_in_acpi_alone() -> None:
    older, newer = shipped("trixie"), shipped("forky")
    assert older.smbios
    assert newer.smbios
    assert smbios_diff.differences(older.smbios, newer.smbios) == ()
    lines = map(fingerprint_parts.lines, (older, newer))
    assert any(one.subject == "DSDT" for one in fingerprint_parts.differences(*lines))
