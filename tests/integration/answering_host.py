"""A host whose guests answer, audited in a process of its own; libvirt alone is not there."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from host_agent import side_by_side
from host_agent.verify.one_domain import audit_one
from tests.hostile.auditing import OneDomain, gatherer
from tests.hostile.guests import uuid

if TYPE_CHECKING:
    from host_agent.hypervisor import Domain


def audit(number: int, folder: str, say: Callable[[object], None]) -> None:
    """Say each domain's verdict: ``FOLDER/0``, ``FOLDER/1`` ... are their channels."""
    shared = gatherer(60.0)

    def one(which: int) -> None:
        path = str(Path(folder) / str(which))
        given: dict[str, Any] = {"name": f"vm{which}", "uuid": str(uuid(which)), "path": path}
        say(audit_one(cast("Domain", OneDomain(given)), shared))

    side_by_side.each(one, range(number), 8, lambda *_: None)
