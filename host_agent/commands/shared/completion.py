"""What the shell offers for an argument: bounded in time, and never an error.

A name is asked for on this host only: any other connection may want a password, or take long.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

import click
from click.shell_completion import CompletionItem

from host_agent.commands.shared.hosts import uris_or_default
from host_agent.printable import printable

_SECONDS = 1.0
"""Longer than that nobody waits for a key."""
_AT_HAND = {"qemu", "qemu+unix", "test"}
"""Schemes of a libvirt behind a socket of this host, or in this process."""

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _offer(words: Callable[[click.Context], Sequence[str]]) -> Completer:
    from host_agent import bounded

    def offered(context: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
        found: Sequence[str] = ()
        with suppress(Exception):
            found = bounded.call(lambda: words(context), _SECONDS)
        return [CompletionItem(word) for word in found if word.startswith(typed)]

    return offered


def _domains(context: click.Context) -> list[str]:
    from host_agent.hypervisor import Hypervisor

    given = context.params.get("uris") or context.params.get("uri") or ()
    uri, *others = uris_or_default((given,) if isinstance(given, str) else tuple(given))
    parts = urlsplit(uri)
    if others or parts.netloc or parts.scheme not in _AT_HAND:
        return []
    hypervisor = Hypervisor.open_read_only(uri)
    names = [domain.name for domain in hypervisor.domains()]
    named = {str(name) for name in context.params.get("domains") or ()}
    # A name that would draw on the terminal is not offered.
    return [name for name in names if name not in named and name == printable(name)]


def _releases(_: click.Context) -> list[str]:
    from host_agent.machine_types import release_dates
    from host_agent.missing import Missing

    known = release_dates.known()
    return [] if isinstance(known, Missing) else sorted({one.codename for one in known})


def _checks(_: click.Context) -> list[str]:
    from host_agent.output.shared import manual_page

    return [one.id for one in manual_page.entries()]


domains = _offer(_domains)
"""Names of this host's domains."""
checks = _offer(_checks)
"""Names of checks."""
releases = _offer(_releases)
"""Code names of releases."""


def atlas(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """Return what names an atlas: ``live``, or a file."""
    if typed and "live".startswith(typed):
        return [CompletionItem("live")]
    return [CompletionItem(typed, type="file")]
