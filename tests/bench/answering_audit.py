"""An audit of guests that answer, from the dialled socket to the page; libvirt is not there.

``python -m tests.bench.answering_audit FOLDER NUMBER AT_ONCE``. Exits 0 where all are verified.
"""

import sys
from typing import TYPE_CHECKING, Any, cast

from rich.console import Console

from host_agent import side_by_side
from host_agent.case.results import Audited, Failed, Host, HostAudit
from host_agent.output.audit import print_audits
from host_agent.verify.one_domain import audit_one
from tests.hostile.auditing import OneDomain, gatherer
from tests.hostile.guests import uuid

if TYPE_CHECKING:
    from host_agent.hypervisor import Domain

_HOST = Host(
    uri="qemu:///system",
    name="node17",
    distribution=None,
    driver="QEMU",
    libvirt="11.3.0",
    hypervisor="10.0.13",
    package=None,
)


def main(folder: str, number: int, at_once: int) -> int:
    shared = gatherer(60.0)

    def one(which: int) -> Audited | Failed:
        given: dict[str, Any] = {
            "name": f"guest-{which:05}",
            "uuid": str(uuid(which)),
            "path": f"{folder}/{which}",
        }
        return audit_one(cast("Domain", OneDomain(given)), shared)

    results = tuple(side_by_side.each(one, range(number), at_once, lambda *_: None))
    audit = HostAudit(host=_HOST, results=results, seconds=1.0, started=1.7e9)
    print_audits(Console(width=80), [audit], verbose=False, each=False)
    answered = [one for one in results if isinstance(one, Audited) and one.verdict.depth == "guest"]
    print(f"{len(answered)} of {number} answered")
    return 0 if len(answered) == number else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
