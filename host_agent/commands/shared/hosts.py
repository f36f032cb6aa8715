"""Which hosts a command means, and where on them its domains are."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from host_agent.commands.shared import default_uri
from host_agent.commands.shared.console import complain, progress
from host_agent.hosts.target import Target
from host_agent.output.shared.exit_codes import UNREACHABLE

if TYPE_CHECKING:
    from host_agent.case.whereabouts import Whereabouts

_Command = Callable[..., int]
_INVENTORY, _GROUPS, _READ = (
    "samemachine.inventory", "samemachine.groups", "samemachine.inventory.read",
)  # fmt: skip


def inventory_option(command: _Command) -> _Command:
    """Give a command the options for hosts that a file names."""
    for option in (
        click.option(
            "--group",
            multiple=True,
            metavar="NAME",
            expose_value=False,
            callback=_remembered(_GROUPS),
            help="only the hosts of this group of the inventory, or the host of this name; "
            "repeatable",
        ),
        click.option(
            "--inventory",
            metavar="FILE",
            expose_value=False,
            callback=_remembered(_INVENTORY),
            type=click.Path(allow_dash=True),
            help="hosts by a file: TOML, or an inventory of Ansible's, which "
            "ansible-inventory reads; '-': what that printed, from standard input",
        ),
    ):
        command = option(command)
    return command


def _remembered(key: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def remember(context: click.Context, _: click.Parameter, value: Any) -> None:
        context.meta[key] = value

    return remember


def targets(uris: tuple[str, ...]) -> tuple[Target, ...]:
    """Return the hosts that were named, by connection and by inventory, each once.

    Raises ``UsageError``.
    """
    context = click.get_current_context(silent=True)
    listed = _listed(context) if context is not None else ()
    if context is not None and listed:
        # What is named for want of anything else is not meant beside an inventory.
        source = context.get_parameter_source("uris")
        uris = uris if source is ParameterSource.COMMANDLINE else ()
    named = uris or (() if listed else (default_uri.of(),))
    of_uri = {one.uri: one for one in listed}
    found = (*(of_uri.get(uri) or Target(name=uri, uri=uri) for uri in named), *listed)
    return tuple({one.uri: one for one in found}.values())


def listed() -> bool:
    """Tell whether hosts are named by an inventory."""
    context = click.get_current_context(silent=True)
    return context is not None and context.meta.get(_INVENTORY) is not None


def listed_in() -> str | None:
    """Return what tells the inventory from any other; None: there is none, or it is a pipe."""
    context = click.get_current_context(silent=True)
    name = None if context is None else context.meta.get(_INVENTORY)
    if context is None or name in {None, "-"}:
        return None
    return f"{Path(str(name)).absolute()} {context.meta.get(_GROUPS)}"


def _listed(context: click.Context) -> tuple[Target, ...]:
    """Return the hosts of the inventory, which is read once: it may be a pipe."""
    name, groups = context.meta.get(_INVENTORY), context.meta.get(_GROUPS) or ()
    if name is None:
        if groups:
            raise click.UsageError("--group is of an inventory: --inventory FILE")
        return ()
    if _READ not in context.meta:
        from host_agent.hosts import inventory_file

        context.meta[_READ] = inventory_file.read(name, groups)
    listed: tuple[Target, ...] = context.meta[_READ]
    return listed


def uris_or_default(uris: tuple[str, ...]) -> tuple[str, ...]:
    """Return the connections that were named, else the user's default one, else this host's."""
    return tuple(one.uri for one in targets(uris))


def whereabouts(uris: tuple[str, ...], names: Sequence[str]) -> "Whereabouts":
    """Find domains on the hosts that were named; which of these can't be reached is said."""
    from host_agent.case.whereabouts import find

    asked = uris_or_default(uris)
    if len(asked) == 1:
        return find(asked, names)
    with progress("looking for domains") as told:
        where = find(asked, names, told)
    for error in where.unreachable.values():
        complain(str(error), UNREACHABLE)
    return where
