"""A fleet as a report has it: hosts of three releases, and what was recorded of their domains."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from host_agent.atlas import files
from host_agent.case.results import HostAudit
from host_agent.output import audit_document
from host_agent.output.report_page import Report
from host_agent.records import audit_file
from host_agent.records.audited import AuditedHost, told_apart
from host_agent.records.entry import Entry
from host_agent.verify import fleet_support, two_hosts
from tests.integration.ledger_entries import FINDING, entry
from tests.unit.host_agent.output.test_audit import FAILED, GOOD, OFF, QUIET, WRONG, audit
from tests.unit.host_agent.output.test_for_machines import WARNED
from tests.unit.host_agent.output.test_for_machines import hostile as hostile_cases
from tests.unit.host_agent.shared import forty
from tests.unit.host_agent.shared.cases import COPY, TRIXIE, case
from tests.unit.host_agent.shared.type_rows import RELEASES

ON = date(2026, 3, 2)
BOOKWORM = replace(
    TRIXIE,
    codename="bookworm",
    version="12",
    created=date(2021, 8, 14),
    released=date(2023, 6, 10),
    eol=date(2026, 6, 10),
    extended=(("LTS", date(2028, 6, 30)),),
)
KNOWN = (*RELEASES, BOOKWORM, TRIXIE)


def audits() -> list[HostAudit]:
    """Three hosts: one in trouble, one that was upgraded under its domains, one of Ubuntu's."""
    bad = audit(GOOD, WARNED, WRONG, QUIET, OFF, FAILED, case(elsewhere=(COPY,)))
    moved = forty.audit(*(forty.moved(number) for number in range(1, 9)))
    other = audit(GOOD, GOOD)
    noble = replace(
        other.host,
        name="node31",
        distribution="Ubuntu 24.04",
        hypervisor="8.2.2",
        package="qemu-system-x86 1:8.2.2",
        uri="qemu+ssh://node31/system",
    )
    return [bad, moved, replace(other, host=noble)]


def hosts(found: Sequence[HostAudit], *unreachable: str) -> tuple[AuditedHost, ...]:
    """Return audits as a file brings them back."""
    return audit_file.parse(audit_document.render(found, unreachable, 0), "audit.json").hosts


TYPES = "pc-i440fx-7.2", "pc-q35-7.2", "pc-q35-7.2", "pc-i440fx-2.3", "microvm", "pc-q35-10.0"
"""Equal or not, gone and new between bookworm and trixie."""


def mixed(found: Sequence[AuditedHost]) -> tuple[AuditedHost, ...]:
    """Return the hosts with domains of all these types."""
    return tuple(
        replace(
            host,
            domains=tuple(
                one if one.machine is None else replace(one, machine=TYPES[at % len(TYPES)])
                for at, one in enumerate(host.domains)
            ),
        )
        for host in found
    )


def history(found: Sequence[AuditedHost]) -> tuple[Entry, ...]:
    """Return three entries of each domain."""
    return tuple(
        entry(
            time=1.7e9 + 3600 * number,
            uuid=domain.uuid,
            name=domain.name,
            host=host.name,
            occasion=occasion,
            verdict=verdict,
            findings=(FINDING,) if verdict == "mismatch" else (),
        )
        for host, domain in {
            one.uuid: (host, one) for host in found for one in host.domains
        }.values()
        for number, (occasion, verdict) in enumerate(
            (("restart", "verified"), ("arrival", "mismatch"), ("shutdown", "gone"))
        )
    )


def report(found: Sequence[HostAudit], *unreachable: str) -> Report:
    """Return the report of some audits."""
    return of_hosts(told_apart(mixed(hosts(found))), *unreachable)


def of_hosts(there: tuple[AuditedHost, ...], *unreachable: str) -> Report:
    """Return the report of some hosts."""
    pair = two_hosts.most_apart(there)
    return Report(
        made=1.7e9,
        hosts=there,
        unreachable=unreachable,
        history=history(there),
        support=fleet_support.of(there, KNOWN, ON),
        diff=None
        if pair is None
        else two_hosts.compare(
            *pair,
            (
                files.nearest("x86_64", pair[0].hypervisor),
                files.nearest("x86_64", pair[1].hypervisor),
            ),
        ),
        notes=("A note.",),
    )


def hostile_audits(text: str) -> list[HostAudit]:
    """Return two hosts whose every text that a stranger may choose is this one."""
    failed = replace(FAILED, name=text, uuid=text, error=text)
    found = audit(*hostile_cases(text), failed)
    host = replace(found.host, name=text, distribution=text, package=text, libvirt=text)
    one = replace(found, host=replace(host, uri="qemu:///one"))
    other = replace(found, host=replace(host, uri="qemu:///other", hypervisor=text))
    return [one, other]


def hostile(text: str) -> Report:
    """Return the report of these, with a history that is no better."""
    made = report(hostile_audits(text), text)
    told = tuple(
        replace(
            one,
            name=text,
            title=text,
            host=text,
            qemu=text,
            occasion=text,
            verdict=text,
            findings=(replace(FINDING, check=text, sentence=text),),
        )
        for one in made.history
    )
    return replace(made, history=told, notes=(text,))
