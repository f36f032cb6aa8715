"""What a change means to whom, for the few cases that have one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from host_agent.difference import Difference

if TYPE_CHECKING:
    from host_agent.evidence.what_guests_notice import Notice


def of_changes(differences: Sequence[Difference]) -> "tuple[Notice, ...]":
    """Return what ``what_guests_notice`` says of changes; it is loaded where there are some."""
    if not differences:
        return ()
    from host_agent.evidence import what_guests_notice  # noqa: PLC0415

    return tuple(what_guests_notice.of_changes(differences))
