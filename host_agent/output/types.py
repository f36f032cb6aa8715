"""Machine types as text for people, and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from host_agent.machine_types.listing import Listed, TypeList
from host_agent.machine_types.vendors import Vendor
from host_agent.output.shared.document import document
from host_agent.output.shared.exit_codes import MISMATCH, VERIFIED
from host_agent.output.shared.tables import print_table
from host_agent.printable import printable

_SCHEMA = 1
_DOMAINS = 4
"""How many domains of a type are named."""


def print_types(console: Console, found: TypeList, today: date) -> None:
    """Print a line for each machine type."""
    console.print(
        Text(printable(f"{found.place} | {found.architecture} | {len(found.types)} types"), "bold"),
        soft_wrap=True,
    )
    for note in found.notes:
        console.print(Text(printable(note), "yellow"), soft_wrap=True)
    console.print()
    used = any(one.domains for one in found.types)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    titles = ("TYPE", "OF", "BASE", "", "GOES", "SUPPORT ENDS", *(("USED BY",) if used else ()))
    for title in titles:
        table.add_column(title, no_wrap=True, overflow="fold", header_style="bold")
    for one in found.types:
        table.add_row(*(_cells(one, today)[: len(titles)]))
    print_table(console, table, whole=True)
    if found.unlisted:
        console.print()
    for name, domains in found.unlisted:
        line = Text("NOT OFFERED HERE  ", "bold red")
        line.append(f"{printable(name)}  {_names(domains)}: the next start fails", "")
        console.print(line, soft_wrap=True)


def _cells(one: Listed, today: date) -> tuple[Text, ...]:
    ended = one.support_ends is not None and one.support_ends < today
    flags = [
        "default" if one.default else "",
        *one.aliases,
        "deprecated" if one.deprecated else "",
    ]
    return (
        Text(printable(one.name)),
        Text("-" if one.vendor is Vendor.OPAQUE else one.vendor, "dim"),
        Text(one.base or "-"),
        Text(printable(", ".join(filter(None, flags))), "yellow" if one.deprecated else ""),
        Text(one.removed or "-"),
        Text(f"{one.support_ends or '-'}{' ended' if ended else ''}", "yellow" if ended else ""),
        Text(_names(one.domains)),
    )


def _names(domains: tuple[str, ...]) -> str:
    more = f" +{len(domains) - _DOMAINS}" if len(domains) > _DOMAINS else ""
    return " ".join(map(printable, domains[:_DOMAINS])) + more


def exit_code(lists: Sequence[TypeList]) -> int:
    """Return the exit code: whether a domain has a type that is not offered."""
    return MISMATCH if any(one.unlisted for one in lists) else VERIFIED


def render_types(lists: Sequence[TypeList]) -> str:
    """Return the lists for programs: one, or one for each emulator of a host."""
    form = {"schema": _SCHEMA, "lists": [_list(one) for one in lists]}
    return document("types", form)


def _list(found: TypeList) -> dict[str, Any]:
    return {
        "place": found.place,
        "architecture": found.architecture,
        "notes": found.notes,
        "types": [
            asdict(one) | {"support_ends": str(one.support_ends) if one.support_ends else None}
            for one in found.types
        ],
        "not_offered": [{"name": name, "domains": domains} for name, domains in found.unlisted],
    }
