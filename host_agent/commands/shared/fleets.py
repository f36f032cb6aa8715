"""The fleet's memory that a command was told to use."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from host_agent.commands.shared.configured import Configured
from host_agent.errors import LedgerError, UsageError

if TYPE_CHECKING:
    from host_agent.fleet.memory import Memory

_ANSWER_SECONDS = 30.0


def fleet_option(what: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Return the option for where the fleet's memory is."""
    return click.option(
        "--fleet",
        cls=Configured,
        key="fleet",
        metavar="URL",
        envvar="SAMEMACHINE_FLEET",
        help=f"{what}: postgresql://user@host/database; the password belongs into ~/.pgpass  "
        "[default: $SAMEMACHINE_FLEET]",
    )


def open_memory(url: str | None, seconds: float = _ANSWER_SECONDS) -> "Memory":
    """Return the memory of a URL; raises ``UsageError``, ``LedgerError``."""
    if not url:
        raise UsageError("which fleet? --fleet postgresql://user@host/database")
    try:
        from host_agent.fleet.memory import Memory
    except ImportError as error:
        raise LedgerError(f"the fleet's memory needs SQLAlchemy 1.4 or newer ({error})") from error
    return Memory(url, seconds)
