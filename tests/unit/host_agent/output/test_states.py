"""What two atlases say of migration states, as people and programs read it."""

import io
from dataclasses import replace

from rich.console import Console

from host_agent.atlas.atlas import Atlas
from host_agent.atlas.diff import compare
from host_agent.output import atlas as output
from tests import json_output
from tests.fingerprint_builder import MADE, atlas, machine
from tests.unit.host_agent.atlas.test_compat_props import of
from tests.vmstate_builder import Form, description, field, state

HOSTILE = "\x1b[2J"
A = field("a")
PR = description(f"scsi/pr{HOSTILE}", A)


def made(properties: tuple[str, ...], **devices: Form) -> Atlas:
    known = replace(machine("pc-q35-7.2"), devices=frozenset({"hpet"}), properties=of(*properties))
    return replace(atlas(known), states=state(**devices))


OLD = made(
    ("a.b=1", "x.y=1"),
    isa_vga=description("vga", A, version=2),
    hpet=description("hpet", A),
    scsi_hd=description("scsi", A),
    qxl=description("qxl", A),
)
NEW = made(
    ("a.b=2", "scsi-hd.migrate-pr=off"),
    isa_vga=description("vga-isa", A),
    hpet=description("hpet", A, version=2),
    vmclock=description("vmclock", A),
    scsi_hd=description("scsi", A, subsections=(PR,)),
)
DIFF = compare(OLD, NEW)


def printed(*, verbose: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, width=110, highlight=False)
    output.print_diff(console, DIFF, verbose=verbose)
    return out.getvalue()


def test_what_is_refused_is_told_and_the_rest_counted() -> None:
    shown = printed()
    for words in (
        "isa-vga  sent as 'vga', known there as 'vga-isa'",
        "refused",
        "2 other devices' states differ, and are read there (--verbose)",
        "states described in the old alone: qxl",
        "states described in the new alone: vmclock",
        "3 properties are set otherwise, to hold devices of a machine type as they were",
        "NOT COMPARED  lengths of arrays in migration states: QEMU 7.2.22 tells none",
    ):
        assert words in shown, shown
    assert "hpet" not in shown


def test_all_of_it_is_told_verbosely() -> None:
    shown = printed(verbose=True)
    for words in (
        "of their own: pc-q35-7.2",
        "machine types set: scsi-hd.migrate-pr=off",
        "1 type  a.b=1 -> 2",
        "1 type  scsi-hd.migrate-pr=off",
        "1 type  x.y=1, no more",
        "docs/devel/migration/main.rst",
    ):
        assert words in shown, shown
    assert HOSTILE not in shown


def test_json_has_everything() -> None:
    states = json_output.read(output.render_diff(DIFF, 0))["states"]
    assert [(one["models"], one["kind"], one["reading"]) for one in states["changes"]] == [
        (["isa-vga"], "name", "refused"),
        (["isa-vga"], "version", "refused"),
        (["hpet"], "version", "read"),
        (["scsi-hd"], "subsection", "read"),
    ]
    assert states["changes"][3]["properties"] == ["scsi-hd.migrate-pr=off"]
    assert states["changes"][2]["machines"] == ["pc-q35-7.2"]
    assert (states["gone"], states["added"]) == (["qxl"], ["vmclock"])
    assert states["properties"][0] == {
        "model": "a",
        "name": "b",
        "old": "1",
        "new": "2",
        "machines": ["pc-q35-7.2"],
    }
    assert len(states["not_compared"]) == 2


def test_atlases_without_states_say_so_alone() -> None:
    old = replace(NEW, states=None, made=replace(MADE, qemu="5.2.0"))
    out = io.StringIO()
    output.print_diff(Console(file=out, width=200), compare(old, NEW), verbose=False)
    assert "NOT COMPARED  migration states: the old atlas has none; make it again" in out.getvalue()
    assert "STATE IN A MIGRATION" not in out.getvalue()
    # A guest sees none of it.
    assert output.diff_exit_code(DIFF) == output.diff_exit_code(compare(NEW, NEW)) == 0
