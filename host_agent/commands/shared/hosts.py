"""Which hosts a command means, and where on them its domains are."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from host_agent.commands.shared import default_uri
from host_agent.commands.shared.console import complain, progress
from host_agent.output.shared.exit_codes import UNREACHABLE

if TYPE_CHECKING:
    from host_agent.case.whereabouts import Whereabouts


def uris_or_default(uris: tuple[str, ...]) -> tuple[str, ...]:
    """Return the connections that were named, else the user's default one, else this host's."""
    return tuple(dict.fromkeys(uris)) or (default_uri.of(),)


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
