"""What two atlases say of migration states, as text for people and as JSON."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from host_agent.atlas.compat_props import Property
from host_agent.atlas.state_diff import PropertyGroup, StateDiff, StateGroup
from host_agent.atlas.vmstate_diff import Reading
from host_agent.output.shared.tables import print_table
from host_agent.printable import printable

_STYLES = {
    Reading.REFUSED: "bold red", Reading.MISREAD: "bold red", Reading.DEPENDS: "yellow",
    Reading.READ: "dim",
}  # fmt: skip
_SOURCE = (
    "QEMU docs/devel/migration/main.rst; -dump-vmstate; query-machines with compat-props. refused: "
    "QEMU compares it; misread: bytes that are always sent or read are others; depends: sent only "
    "in some states of the device, or of some machine types; read: the other QEMU takes it"
)


def print_states(console: Console, states: StateDiff, *, verbose: bool) -> None:
    """Print which devices' states the other QEMU does not take; all differences with verbose."""
    shown = [one for one in states.groups if verbose or one.change.reading is not Reading.READ]
    read = len({name for one in states.groups if one not in shown for name in one.models})
    if shown:
        console.print()
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("DEVICE", overflow="fold", header_style="bold")
        table.add_column("STATE IN A MIGRATION", overflow="fold", header_style="bold")
        table.add_column("THERE", no_wrap=True, header_style="bold")
        for group in shown:
            reading = group.change.reading
            table.add_row(
                Text(printable(", ".join(group.models))),
                _change(group, verbose=verbose),
                Text(reading, _STYLES[reading]),
            )
        print_table(console, table)
    if not verbose and read:
        console.print(Text(f"{read} other devices' states differ, and are read there (--verbose)"))
    for title, names in (
        ("described in the old alone", states.gone),
        ("described in the new alone", states.added),
    ):
        if names:
            told = f"states {title}: {', '.join(names)}"
            console.print(Text(printable(told)), soft_wrap=True)
    _print_properties(console, states.properties, verbose=verbose)
    if verbose and states.groups:
        console.print(Text(_SOURCE, "dim"))


def _change(group: StateGroup, *, verbose: bool) -> Text:
    text = Text(printable(group.change.what))
    if group.held_by:
        text.append(f"\nmachine types set: {_told(group.held_by)}", "dim")
    if verbose and group.machines:
        text.append(f"\nof their own: {printable(' '.join(group.machines))}", "dim")
    return text


def _print_properties(
    console: Console, properties: Sequence[PropertyGroup], *, verbose: bool
) -> None:
    if not properties:
        return
    console.print()
    if not verbose:
        number = len(properties)
        console.print(
            Text(
                f"{number} propert{'y is' if number == 1 else 'ies are'} set otherwise, to hold "
                "devices of a machine type as they were (--verbose)"
            ),
            soft_wrap=True,
        )
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column("SET SO THAT DEVICES STAY AS THEY WERE", overflow="fold", header_style="bold")
    for group in properties:
        count = len(group.machines)
        table.add_row(Text(f"{count} type{'' if count == 1 else 's'}"), Text(_property(group)))
    print_table(console, table)


def _property(group: PropertyGroup) -> str:
    if group.old is None or group.new is None:
        return f"{_told([one for one in (group.old, group.new) if one])}" + (
            ", no more" if group.new is None else ""
        )
    return printable(f"{group.old} -> {group.new.value}")


def _told(properties: Sequence[Property]) -> str:
    return printable(", ".join(map(str, properties)))


def form(states: StateDiff) -> dict[str, Any]:
    """Return it as it is in JSON."""
    return {
        "changes": [
            {
                "models": list(group.models),
                "kind": group.change.kind,
                "reading": group.change.reading,
                "what": group.change.what,
                "machines": list(group.machines),
                "properties": list(map(str, group.held_by)),
            }
            for group in states.groups
        ],
        "gone": list(states.gone),
        "added": list(states.added),
        "properties": [
            {
                "model": told.model,
                "name": told.name,
                "old": group.old and group.old.value,
                "new": group.new and group.new.value,
                "machines": list(group.machines),
            }
            for group in states.properties
            if (told := group.new or group.old) is not None
        ],
        "not_compared": list(states.not_compared),
    }
