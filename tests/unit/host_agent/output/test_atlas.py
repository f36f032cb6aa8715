"""Atlases and their differences as people and programs read them."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from host_agent.atlas.atlas import Atlas
from host_agent.atlas.diff import AtlasDiff, compare
from host_agent.firmware.fingerprint import SMBIOS, Firmware
from host_agent.output import atlas as output
from tests import json_output, smbios_builder
from tests.fingerprint_builder import FILES, MADE, atlas, fingerprint, machine

HOSTILE = "\x1b[2J\u202e\n"
OLD = atlas(
    machine("pc-i440fx-2.9", default=True),
    machine("pc-i440fx-2.10", alias="pc"),
    machine("pc-i440fx-1.0"),
    machine("xenpv", error="no fw_cfg"),
)
CHANGED = {
    "files": FILES | {SMBIOS: smbios_builder.tables(product="KVM" + HOSTILE)},
    "firmware": Firmware(size=131072, sha256="ff" * 32),
}
NEW = atlas(
    machine("pc-i440fx-2.9", alias="pc", **CHANGED),
    machine("pc-i440fx-2.10", default=True, **CHANGED),
    machine("pc-i440fx-11.0"),
    machine("xenpv"),
)
DIFF = compare(OLD, NEW)


def console() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=110, highlight=False), out


def printed(diff: AtlasDiff, *, verbose: bool = False) -> str:
    to, out = console()
    output.print_diff(to, diff, verbose=verbose)
    return out.getvalue()


def listed(one: Atlas) -> str:
    to, out = console()
    output.print_atlas(to, one, 1.25)
    return out.getvalue()


def test_an_atlas_is_a_line_for_each_type_in_natural_order() -> None:
    lines = listed(OLD).splitlines()
    assert lines[0].startswith("QEMU 7.2.22 (qemu-system-x86 1:7.2), x86_64 | Debian 12 | node1 |")
    assert "4 types in 1.2 s" in lines[0]
    assert [line.split()[0] for line in lines[3:]] == [
        "TYPE",
        "pc-i440fx-1.0",
        "pc-i440fx-2.9",
        "pc-i440fx-2.10",
        "xenpv",
    ]
    assert lines[-1] == "xenpv  NOT PROBED  no fw_cfg"
    assert "default" in lines[5]
    assert [line.split()[1] for line in lines[4:7]] == ["Standard", "default", "pc"]
    assert "Standard PC (i440FX + PIIX, 1996)" in lines[5]
    assert "256 KiB 0000000000" in lines[5]


def test_a_type_that_leaves_the_tables_to_the_firmware_says_so() -> None:
    bare = fingerprint(files={}, acpi=None, firmware=None)
    shown = listed(atlas(replace(machine("pc-1.0"), fingerprint=bare)))
    assert shown.splitlines()[-1].split() == ["pc-1.0", "by", "the", "firmware", "-", "-", "-"]


def test_a_difference_is_told_from_the_whole_to_the_parts() -> None:
    shown = printed(DIFF)
    for words in (
        "2 types in both: 0 equal, 2 differ | 1 only in the old | 1 only in the new",
        "GONE      pc-i440fx-1.0",
        "-> raise domains of these before they move there",
        "NEW       pc-i440fx-11.0",
        "DEFAULT   pc-i440fx-2.9 -> pc-i440fx-2.10",
        "ALIAS     pc: pc-i440fx-2.10 -> pc-i440fx-2.9",
        "A MIGRATION OR RESTORE IS REFUSED",
        "CHANGES FOR A GUEST THAT REBOOTS",
        "pc-i440fx-2.9 pc-i440fx-2.10",
        "COMPARED      each type bare",
        "NOT COMPARED  xenpv: old: no fw_cfg",
        "NOT COMPARED  CPU features",
    ):
        assert words in shown
    assert shown.index("REFUSED") < shown.index("CHANGES FOR")


def test_types_are_named_where_they_are_few_or_asked_for() -> None:
    names = [f"pc-{number}" for number in range(9)]
    diff = compare(
        atlas(*map(machine, names)), atlas(*(machine(name, **CHANGED) for name in names))
    )
    assert "pc-8" not in printed(diff)
    assert " ".join(names) in printed(diff, verbose=True)
    assert "9 types" in printed(diff)
    assert diff.groups[0].touched.source.split()[0] in printed(diff, verbose=True)


def test_nothing_to_tell_is_told() -> None:
    assert "no difference that a guest could see" in printed(compare(OLD, OLD))
    other = replace(OLD, made=replace(MADE, conditions="with KVM"))
    assert "COMPARED      old: each type bare" in printed(compare(OLD, other))
    assert "              new: with KVM" in printed(compare(OLD, other))


def test_nothing_hostile_reaches_the_terminal() -> None:
    made = replace(MADE, qemu=HOSTILE, host=HOSTILE, package=HOSTILE, conditions=HOSTILE)
    one = replace(NEW, made=made)
    diff = compare(replace(OLD, made=made), one)
    for shown in (printed(diff, verbose=True), listed(one), output.render_diff(diff, 1)):
        assert all(line.isprintable() for line in shown.splitlines())


def test_json_says_everything() -> None:
    raw = output.render_diff(DIFF, 1)
    assert raw.isascii()
    document = json_output.read(raw)
    assert (document["schema"], document["exit_code"]) == (1, 1)
    assert (document["old"]["qemu"], document["new"]["architecture"]) == ("7.2.22", "x86_64")
    assert (document["gone"], document["added"]) == (["pc-i440fx-1.0"], ["pc-i440fx-11.0"])
    assert document["default"] == {"old": "pc-i440fx-2.9", "new": "pc-i440fx-2.10"}
    assert document["not_compared"] == [{"machine": "xenpv", "why": "old: no fw_cfg"}]
    by_area = {one["area"]: one for one in document["differences"]}
    assert by_area["firmware"] == {
        "area": "firmware",
        "subject": "",
        "field": "size",
        "old": "256 KiB",
        "new": "128 KiB",
        "structures": 1,
        "varies": False,
        "effect": "breaking",
        "who": "live migration and restore are refused",
        "source": "QEMU, migration/ram.c (Length mismatch, Unknown ramblock)",
        "machines": ["pc-i440fx-2.9", "pc-i440fx-2.10"],
    }
    assert by_area["SMBIOS"]["effect"] == "identity"


@pytest.mark.parametrize(
    "names",
    [
        ["pc-q35-2.9", "pc-q35-2.10", "pc-q35-10.0"],
        ["pc", "pc-1", "pc-01x", "pc-2"],
        ["9" * 5000, "1" + "0" * 5000],
        ["\u00b2", "\u0663"],
        ["", "x"],
    ],
)
def test_names_sort_as_people_count(names: list[str]) -> None:
    assert sorted({*names}, key=output.natural) == names
