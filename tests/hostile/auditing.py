"""The host's side of the suite, a process of its own: audits domains whose channels it is given.

Everything from the dialled socket to the printed page is the host agent's own; libvirt alone is
not there, and each domain's XML is what it would say. Run by ``guests.audit``::

    python -m tests.hostile.auditing <domains.json >result.json
"""

import io
import json
import re
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from rich.console import Console

from host_agent import side_by_side
from host_agent.case.gather import Gatherer, nothing_kept
from host_agent.case.results import Audited, Failed, Host, HostAudit
from host_agent.errors import EvidenceError
from host_agent.evidence.baseline_element import to_element
from host_agent.evidence.decode import decode
from host_agent.evidence.report_bounds import parse
from host_agent.firmware.smbios import Smbios
from host_agent.guest.dialler import Dialler
from host_agent.guest.opened_channels import OpenedChannels
from host_agent.hypervisor import Domain, Facts
from host_agent.hypervisor.domain import Look
from host_agent.hypervisor.guest_uuids import Neighbours
from host_agent.missing import Missing, Reason
from host_agent.output.audit import print_audits
from host_agent.qemu.process import NONE
from host_agent.records import entry as ledger_entry
from host_agent.verify.one_domain import audit_one
from host_agent.verify.today import baseline_of
from tests.unit.host_agent.shared.cases import MACHINE, case, declared

SALT = bytes(16)


class OneDomain:
    """A domain that runs and has our channel."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.name = str(given["name"])
        self.uuid = UUID(given["uuid"])
        self._path = given["path"]
        self._baseline = _baseline(bytes.fromhex(given["before"])) if given.get("before") else ""

    def xml(self, *, inactive: bool) -> str:
        path = "" if inactive else f"path='{self._path}'"
        state = "" if inactive else "state='connected'"
        return (
            f"<domain type='kvm'><name>{self.name}</name><uuid>{self.uuid}</uuid>"
            f"<metadata>{self._baseline}</metadata>"
            f"<os><type arch='x86_64' machine='{MACHINE}'>hvm</type></os><devices>"
            f"<emulator>/usr/bin/qemu-system-x86_64</emulator><channel type='unix'>"
            f"<source mode='bind' {path}/><target type='virtio' name='org.samemachine.guest.0' "
            f"{state}/></channel></devices></domain>"
        )

    def is_active(self) -> bool:
        return True

    def is_persistent(self) -> bool:
        return True

    def state(self) -> tuple[str, str]:
        return "running", "booted"

    def id(self) -> int:
        return 1

    def look(self) -> Look:
        return Look(
            active=self.xml(inactive=False),
            persistent=self.xml(inactive=True),
            state="running",
            reason="booted",
            id=1,
        )

    def peek_memory(self, *_: object) -> bytes:
        raise EvidenceError(Reason.UNSUPPORTED, "there is no QEMU here")


def _baseline(raw: bytes) -> str:
    """What the metadata has: the domain as it reported itself before."""
    then = decode(parse(raw), b"", 0.1, 1.7e9)
    found = baseline_of(case(observation=then, declared=declared()), 1.7e9)
    assert found is not None
    assert isinstance(then.booted, Smbios)
    assert then.booted.named.uuid is not None
    return to_element(replace(found, uuid=then.booted.named.uuid, salt=SALT))


def gatherer(seconds: float) -> Gatherer:
    facts = Facts(
        name="node17",
        driver="QEMU",
        libvirt="11.3.0",
        hypervisor="10.0.13",
        capabilities="<capabilities/>",
    )
    missing = Missing(reason=Reason.ABSENT, sentence="not in this test")
    return Gatherer(
        hypervisor=cast("Any", SimpleNamespace()),
        facts=facts,
        dialler=Dialler(uri="qemu:///system", opened=OpenedChannels()),
        probe=None,
        processes=NONE,
        aliases={},
        lists={},
        twins={},
        here=missing,
        seconds=seconds,
        kept=nothing_kept,
        elsewhere={},
        neighbours=Neighbours(list, facts.libvirt),
    )


def form(result: Audited | Failed) -> dict[str, Any]:
    if isinstance(result, Failed):
        return {"name": result.name, "verdict": "failed", "why": result.error}
    entry = ledger_entry.of(result, time=1.0, host="node17", qemu=None, salt=SALT)
    row = ledger_entry.to_row(entry)
    observation = result.case.observation
    return {
        "name": entry.name,
        "verdict": entry.verdict,
        "row": len(json.dumps(row)),
        "why": observation.sentence if isinstance(observation, Missing) else None,
        # How long it took is no part of a verdict.
        "findings": [re.sub(r"\d+ ms", "some ms", one.sentence) for one in result.verdict.findings],
    }


def memory() -> int:
    """The most that this process ever had in memory, in KiB (proc(5), VmHWM)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0])


def main() -> None:
    given = json.load(sys.stdin)
    order: list[str] = []

    def one(domain: dict[str, Any]) -> Audited | Failed:
        it = cast("Domain", OneDomain(domain))
        result = audit_one(it, gatherer(domain["seconds"]))
        order.append(it.name)
        return result

    results = tuple(side_by_side.each(one, given, 8, lambda *_: None))
    page = io.StringIO()
    host = Host(
        uri="qemu:///system",
        name="node17",
        distribution=None,
        driver="QEMU",
        libvirt="11.3.0",
        hypervisor="10.0.13",
        package=None,
    )
    audit = HostAudit(host=host, results=results, seconds=1.0, started=1.7e9)
    print_audits(Console(file=page, width=200), [audit], verbose=True, each=True)
    print_audits(Console(file=page, width=80), [audit], verbose=False, each=False)
    json.dump(
        {
            "grpc": metadata.version("grpcio"),
            "order": order,
            "results": list(map(form, results)),
            "page": page.getvalue(),
            "memory": memory(),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
