"""What changes from one atlas to another, grouped."""

import pytest

from host_agent.atlas import files as atlas_files
from host_agent.atlas.diff import AtlasDiff, compare
from host_agent.difference import Effect
from host_agent.firmware.effects import TABLE
from host_agent.firmware.fingerprint import SMBIOS, Firmware
from tests import smbios_builder
from tests.acpi_builder import table
from tests.fingerprint_builder import FILES, TABLES, atlas, machine, tables

OTHER = {"files": FILES | {SMBIOS: smbios_builder.tables(version="v2")}}


def code(size: int) -> dict[str, object]:
    return {"acpi": tables(TABLES[0], table("DSDT", bytes(size), checksum=False), *TABLES[2:])}


def test_an_atlas_is_the_same_as_itself() -> None:
    diff = compare(one := atlas(machine("a"), machine("b", error="why")), one)
    assert (diff.equal, diff.differing, diff.groups, diff.seen) == (("a",), (), (), False)
    assert diff.not_compared == (("b", "old: why; new: why"),)


def test_machine_types_of_one_side_are_told() -> None:
    diff = compare(atlas(machine("a"), machine("b")), atlas(machine("b"), machine("c")))
    assert (diff.gone, diff.added, diff.equal) == (("a",), ("c",), ("b",))
    assert diff.seen
    assert not compare(atlas(), atlas(machine("c"))).seen


def test_the_same_change_in_many_types_is_one_group_and_the_largest_comes_first() -> None:
    small = {"firmware": Firmware(size=4096, sha256="")}
    old = atlas(*map(machine, "abc"))
    new = atlas(machine("a", **OTHER, **small), machine("b", **OTHER), machine("c"))
    diff = compare(old, new)
    assert [(group.machines, group.varies) for group in diff.groups] == [
        (("a", "b"), False),
        (("a",), False),
    ]
    assert [group.touched.effect for group in diff.groups] == [Effect.INVENTORY, Effect.BREAKING]
    assert (diff.equal, diff.differing) == (("c",), ("a", "b"))


def test_code_of_other_sizes_is_the_same_change() -> None:
    old = atlas(machine("a", **code(5)), machine("b", **code(6)))
    (group,) = compare(old, atlas(machine("a", **code(7)), machine("b", **code(7)))).groups
    assert (group.machines, group.varies) == (("a", "b"), True)


def test_values_that_differ_are_changes_of_their_own() -> None:
    third = {"files": FILES | {SMBIOS: smbios_builder.tables(version="v3")}}
    diff = compare(atlas(*map(machine, "ab")), atlas(machine("a", **OTHER), machine("b", **third)))
    assert [group.difference.new for group in diff.groups] == ["'v2'", "'v3'"]


def test_what_could_not_be_probed_is_not_compared() -> None:
    diff = compare(atlas(machine("a", error="why")), atlas(machine("a")))
    assert diff.not_compared == (("a", "old: why"),)
    assert (diff.equal, diff.differing, diff.seen) == ((), (), False)


def test_default_and_aliases_are_told_where_they_move() -> None:
    old = atlas(machine("a", alias="pc", default=True), machine("b", alias="q35"))
    new = atlas(machine("a"), machine("c", alias="pc", default=True), machine("b", alias="q35"))
    diff = compare(old, new)
    assert (diff.default, diff.aliases) == (("a", "c"), (("pc", "a", "c"),))
    assert (compare(old, old).default, compare(old, old).aliases) == (None, ())


def test_only_the_types_that_are_asked_for_are_compared() -> None:
    diff = compare(atlas(*map(machine, "abc")), atlas(machine("a", **OTHER)), ["b", "a"])
    assert (diff.gone, diff.differing, diff.added) == (("b",), ("a",), ())


@pytest.fixture(scope="module")
def upgrade() -> AtlasDiff:
    return compare(
        atlas_files.read_shipped("debian:bookworm"), atlas_files.read_shipped("debian:trixie")
    )


def test_debian_12_to_13_changes_the_processor_family_of_nearly_all_types(
    upgrade: AtlasDiff,
) -> None:
    wanted = "SMBIOS type 4 Processor: Processor Family 0x01 -> 0xfe"
    (group,) = (group for group in upgrade.groups if str(group.difference) == wanted)
    assert len(group.machines) >= 40
    assert {"pc-i440fx-7.2", "pc-q35-7.2"} <= set(group.machines)
    assert group.touched.effect is Effect.INVENTORY


def test_debian_12_to_13_loses_old_types_and_gains_new_ones(upgrade: AtlasDiff) -> None:
    assert "pc-i440fx-1.7" in upgrade.gone
    assert {"pc-i440fx-10.0", "pc-q35-10.0"} <= set(upgrade.added)
    assert ("pc", "pc-i440fx-7.2", "pc-i440fx-10.0") in upgrade.aliases
    assert upgrade.seen


def test_every_group_of_shipped_atlases_has_an_effect_of_the_table(upgrade: AtlasDiff) -> None:
    touched = {row.touched for row in TABLE}
    assert upgrade.groups
    assert all(group.touched in touched for group in upgrade.groups)
    assert sum(len(group.machines) for group in upgrade.groups) > 2 * len(upgrade.groups)
