"""A watched fleet as a screen, and each change as a line. Pure."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group
from rich.table import Table
from rich.text import Text

from host_agent.output.audit import STYLES
from host_agent.printable import printable, shortened
from host_agent.times import clock, span
from host_agent.verify.watching import ORDER, Change, Fleet, HostLook, Shown

_LEAST_CHANGES, _MOST_CHANGES = 3, 8
"""How many changes are shown on a small screen and on a large one."""
_FIXED = 5
"""Lines that are neither a domain nor a change."""
_WIDEST = {"DOMAIN": 18, "HOST": 12, "TYPE": 15}
"""Columns of what may be long, so that 80 are enough for all."""
_WHY = 300
"""Characters of a reason; the screen cuts it."""


def screen(fleet: Fleet, now: float, height: int) -> Group:
    """Return all of it, at most so many lines high: the worst first."""
    changes = min(len(fleet.changes), _MOST_CHANGES if height > 24 else _LEAST_CHANGES)
    troubles = [one for one in fleet.hosts.values() if one.trouble]
    room = max(1, height - _FIXED - max(1, changes) - len(troubles[:_LEAST_CHANGES]))
    shown = fleet.worst_first()
    drawn = shown if len(shown) <= room else shown[: max(1, room - 1)]
    parts: list[Text | Table] = [_head(fleet, now)]
    parts += [_trouble(one) for one in troubles[:_LEAST_CHANGES]]
    parts.append(_table(fleet, drawn, now))
    if len(drawn) < len(shown):
        parts.append(_line(f"and {len(shown) - len(drawn)} more", "dim"))
    parts.append(_line("last changes", "bold"))
    newest = [*fleet.changes][-changes:] if changes else []
    parts += [_change(one) for one in reversed(newest)] or [_line("none yet", "dim")]
    parts.append(_line("q ends", "dim"))
    return Group(*parts)


def counts(fleet: Fleet, uri: str | None = None) -> str:
    """Return how many domains stand how; of one host, or of all."""
    counted = fleet.counts(uri)
    told = ", ".join(f"{counted[word]} {word}" for word in ORDER if counted[word])
    return told or "no domains"


def line(change: Change) -> str:
    """Return a change as a line, ending with a newline."""
    return f"{day_and_time(change.time)}  {_words(change)}\n"


def first_line(fleet: Fleet, host: HostLook, now: float) -> str:
    """Return how a host stands that was looked at for the first time, ending with a newline."""
    return f"{day_and_time(now)}  {printable(host.name)}: {counts(fleet, host.uri)}\n"


def day_and_time(seconds: float) -> str:
    """Return day, time and zone, so that lines of several hosts can be held together."""
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%dT%H:%M:%S%z}"


def _words(change: Change) -> str:
    who = printable(change.host) + (f"  {printable(change.name)}" if change.name else "")
    why = f"  {shortened(change.why, _WHY)}" if change.why else ""
    return f"{who}  {change.before} -> {change.after}{why}"


def _head(fleet: Fleet, now: float) -> Text:
    hosts = len(fleet.hosts)
    where = printable(next(iter(fleet.hosts.values())).name) if hosts == 1 else f"{hosts} hosts"
    return _line(f"{where} | {counts(fleet)} | {clock(now)}", "bold")


def _trouble(host: HostLook) -> Text:
    why = shortened(host.trouble, _WHY)
    return _line(f"{printable(host.name)} not reachable: {why}", "bold red")


def _table(fleet: Fleet, shown: Sequence[Shown], now: float) -> Table:
    several = len(fleet.hosts) > 1
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    titles = ("DOMAIN", *(("HOST",) if several else ()), "VERDICT", "BY", "TYPE", "FOR", "WHY")
    for title in titles:
        # Whatever the others need, a verdict is never cut; a reason has what is left.
        table.add_column(
            title,
            no_wrap=True,
            overflow="ellipsis",
            max_width=_WIDEST.get(title),
            ratio=1 if title == "WHY" else None,
        )
    for one in shown:
        look = one.look
        host = fleet.hosts.get(look.uri)
        table.add_row(
            Text(printable(look.name)),
            *((Text(printable(host.name if host else look.uri)),) if several else ()),
            Text(look.word if look.word == "verified" else look.word.upper(), STYLES[look.word]),
            Text(look.depth or "-"),
            Text(printable(look.machine) or "-"),
            Text(span(max(0.0, now - one.since))),
            Text(shortened(look.why, _WHY), "dim"),
        )
    return table


def _change(change: Change) -> Text:
    text = _line(f"{clock(change.time)}  ", "dim")
    text.append(_words(change), STYLES.get(change.after, ""))
    return text


def _line(text: str, style: str) -> Text:
    return Text(text, style, no_wrap=True, overflow="ellipsis")
