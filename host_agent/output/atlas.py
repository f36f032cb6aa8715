"""Atlases and their differences as text for people, and differences as JSON."""

import re
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from host_agent.atlas.atlas import Atlas, Machine
from host_agent.atlas.diff import AtlasDiff, Group
from host_agent.atlas.processor import Processor
from host_agent.difference import Effect
from host_agent.firmware import acpi
from host_agent.firmware.fingerprint import Fingerprint, digest
from host_agent.output import states as states_output
from host_agent.output.shared.document import document
from host_agent.output.shared.exit_codes import MISMATCH, UNVERIFIED, VERIFIED
from host_agent.output.shared.tables import print_table
from host_agent.printable import printable

_SCHEMA = 1
_SHORT = 10
_FEW = 3
_EFFECT_STYLES = {
    Effect.INVENTORY: "dim", Effect.DRIVER: "yellow", Effect.IDENTITY: "yellow",
    Effect.BREAKING: "bold red",
}  # fmt: skip
_NEVER = (
    "{}, other devices than those named, options of your own domains "
    "(samemachine audit compares those)"
)


def natural(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts ``pc-q35-2.9`` before ``pc-q35-2.10``."""
    # Of two numbers the one with more digits is the larger one, whatever its length.
    return [
        (len(part.lstrip("0")), part.lstrip("0")) if at % 2 else (-1, part)
        for at, part in enumerate(re.split(r"([0-9]+)", name))
    ]


def atlas_exit_code(atlas: Atlas) -> int:
    """Return the exit code of ``probe``."""
    lacks = any(not machine.shown for machine in atlas.machines)
    return UNVERIFIED if lacks else VERIFIED


def print_atlas(console: Console, atlas: Atlas, seconds: float) -> None:
    """Print a line for each machine type: what it says of itself, and short digests."""
    made = atlas.made
    parts = (
        atlas.title, made.distribution, made.host,
        f"{len(atlas.machines)} types in {seconds:.1f} s", made.time,
    )  # fmt: skip
    console.print(
        Text(" | ".join(printable(part) for part in parts if part), "bold"), soft_wrap=True
    )
    console.print(Text(printable(made.conditions)), soft_wrap=True)
    console.print()
    table = _table("TYPE", "", "PRODUCT", "SMBIOS", "ACPI", "FIRMWARE")
    # Of a machine type without any tables.
    processors = _table("TYPE", "", "DEFAULT CPU", "FEATURES")
    failed = []
    for machine in sorted(atlas.machines, key=lambda machine: natural(machine.name)):
        if machine.fingerprint is not None:
            table.add_row(*(Text(cell) for cell in _row(machine, machine.fingerprint)))
        elif machine.processor is not None:
            processors.add_row(*(Text(cell) for cell in _processor_row(machine, machine.processor)))
        else:
            failed.append(machine)
    for one in (table, processors):
        if one.row_count:
            print_table(console, one, whole=True)
    for machine in failed:
        line = Text(printable(machine.name) + "  ")
        line.append("NOT PROBED", "yellow")
        line.append(f"  {printable(machine.error or '')}")
        console.print(line, soft_wrap=True)


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title, no_wrap=True, overflow="fold", header_style="bold")
    return table


def _flags(machine: Machine) -> str:
    flags = [
        machine.alias or "",
        "default" if machine.default else "",
        "deprecated" if machine.deprecated else "",
    ]
    return ", ".join(filter(None, flags))


def _processor_row(machine: Machine, processor: Processor) -> tuple[str, ...]:
    features = "\n".join(sorted(processor.features)).encode()
    return (
        machine.name,
        _flags(machine),
        processor.model,
        f"{len(processor.features)} {digest(features)[:_SHORT]}",
    )


def _row(machine: Machine, fingerprint: Fingerprint) -> tuple[str, ...]:
    named = fingerprint.named
    return (
        machine.name,
        _flags(machine),
        (named.product or "") if named else "by the firmware",
        digest(fingerprint.smbios)[:_SHORT] if fingerprint.smbios else "-",
        _tables(fingerprint.acpi),
        f"{fingerprint.firmware.size // 1024} KiB {fingerprint.firmware.sha256[:_SHORT]}"
        if fingerprint.firmware
        else "-",
    )


def _tables(tables: acpi.Tables | None) -> str:
    if tables is None:
        return "-"
    return digest(b"".join(table.raw for table in tables.tables))[:_SHORT]


def print_diff(console: Console, diff: AtlasDiff, *, verbose: bool) -> None:
    """Print what changes from one atlas to the other, grouped, with whom it touches."""
    old, new = diff.old, diff.new
    console.print(Text(printable(f"{old.title} -> {new.title}"), "bold"), soft_wrap=True)
    console.print(
        Text(
            f"{_types(len(diff.equal) + len(diff.differing))} in both: {len(diff.equal)} equal, "
            f"{len(diff.differing)} differ | {len(diff.gone)} only in the old | "
            f"{len(diff.added)} only in the new"
        ),
        soft_wrap=True,
    )
    _names(console, "GONE", diff.gone, "raise domains of these before they move there")
    _names(console, "NEW", diff.added, "")
    if diff.default:
        console.print(Text(f"DEFAULT   {diff.default[0]} -> {diff.default[1]}"), soft_wrap=True)
    for alias, before, after in diff.aliases:
        console.print(
            Text(
                f"ALIAS     {alias}: {before} -> {after}  where XML says {alias}, the type floats"
            ),
            soft_wrap=True,
        )
    breaking = [group for group in diff.groups if group.touched.effect is Effect.BREAKING]
    _groups(console, "A MIGRATION OR RESTORE IS REFUSED", breaking, verbose=verbose)
    others = [group for group in diff.groups if group.touched.effect is not Effect.BREAKING]
    _groups(console, "CHANGES FOR A GUEST THAT REBOOTS", others, verbose=verbose)
    if not diff.groups:
        console.print("no difference that a guest could see")
    states_output.print_states(console, diff.states, verbose=verbose)
    console.print()
    for line in _not_compared(diff):
        console.print(Text(line), soft_wrap=True)


def _types(number: int) -> str:
    return f"{number} type{'' if number == 1 else 's'}"


def _names(console: Console, title: str, names: Sequence[str], hint: str) -> None:
    if not names:
        return
    line = Text(f"{title:<10}", "bold")
    line.append(" ".join(sorted(names, key=natural)))
    if hint:
        line.append(f"\n{'':<10}-> {hint}", "dim")
    console.print(line)


def _groups(console: Console, title: str, groups: Sequence[Group], *, verbose: bool) -> None:
    if not groups:
        return
    console.print()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column(title, overflow="fold", header_style="bold")
    table.add_column("EFFECT", no_wrap=True, header_style="bold")
    table.add_column("WHO NOTICES", overflow="fold", header_style="bold")
    for group in groups:
        table.add_row(
            Text(_types(len(group.machines))),
            _change(group, verbose=verbose),
            Text(group.touched.effect, _EFFECT_STYLES[group.touched.effect]),
            Text(group.touched.who),
        )
    print_table(console, table)


def _change(group: Group, *, verbose: bool) -> Text:
    difference = group.difference
    said = str(difference)
    if group.varies:
        said = f"{difference.area} {difference.subject}: {difference.field} differs".replace(
            "  ", " "
        )
    text = Text(printable(said))
    if verbose or len(group.machines) <= _FEW:
        text.append(f"\n{' '.join(sorted(group.machines, key=natural))}", "dim")
    if verbose:
        text.append(f"\n{group.touched.source}", "dim")
    return text


def _not_compared(diff: AtlasDiff) -> list[str]:
    old, new = diff.old.made.conditions, diff.new.made.conditions
    compared = [old] if old == new else [f"old: {old}", f"new: {new}"]
    processors = any(machine.processor for machine in diff.new.machines)
    left_out = [
        *(f"{name}: {why}" for name, why in diff.not_compared),
        *diff.states.not_compared,
        _NEVER.format("CPUs that a domain names" if processors else "CPU features"),
    ]
    heads = ["COMPARED", *[""] * (len(compared) - 1), *["NOT COMPARED"] * len(left_out)]
    return [
        f"{head:<14}{printable(line)}"
        for head, line in zip(heads, [*compared, *left_out], strict=True)
    ]


def diff_exit_code(diff: AtlasDiff) -> int:
    """Return the exit code of ``diff``."""
    return MISMATCH if diff.seen else VERIFIED


def render_diff(diff: AtlasDiff, code: int) -> str:
    """Return the difference as JSON."""
    return document("diff", _form(diff, code))


def _form(diff: AtlasDiff, code: int) -> dict[str, Any]:
    return {
        "schema": _SCHEMA,
        "exit_code": code,
        "old": _made(diff.old),
        "new": _made(diff.new),
        "gone": list(diff.gone),
        "added": list(diff.added),
        "equal": list(diff.equal),
        "differing": list(diff.differing),
        "default": diff.default and {"old": diff.default[0], "new": diff.default[1]},
        "aliases": [
            {"alias": alias, "old": before, "new": after} for alias, before, after in diff.aliases
        ],
        "differences": [
            {
                "area": group.difference.area,
                "subject": group.difference.subject,
                "field": group.difference.field,
                "old": group.difference.old,
                "new": group.difference.new,
                "structures": group.difference.count,
                "varies": group.varies,
                "effect": group.touched.effect,
                "who": group.touched.who,
                "source": group.touched.source,
                "machines": list(group.machines),
            }
            for group in diff.groups
        ],
        "not_compared": [{"machine": name, "why": why} for name, why in diff.not_compared],
        "states": states_output.form(diff.states),
    }


def _made(atlas: Atlas) -> dict[str, str | None]:
    made = atlas.made
    return {
        "qemu": made.qemu,
        "package": made.package,
        "architecture": made.architecture,
        "distribution": made.distribution,
        "host": made.host,
        "time": made.time,
        "conditions": made.conditions,
    }
