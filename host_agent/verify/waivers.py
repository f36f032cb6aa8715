"""Warnings that an operator accepts for now: a policy file → findings that are marked. Pure.

::

    [[waive]]
    check = "deprecated"            # which check; every other condition may be left out
    machine = "pc-i440fx-2.8"       # the machine type, as the XML or its alias's target has it
    domain = "legacy1"              # name or UUID
    host = "node17"
    reason = "replaced in March, ticket 4711"
    until = 2027-03-31              # the last day

Only a warning can be waived: a mismatch is a fact about the guest, not a policy. A waiver that is
over counts no more, and is told.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from host_agent import checks
from host_agent.case.case import Case
from host_agent.case.results import Audited, Failed, HostAudit
from host_agent.checks.shared.machine_offer import needed
from host_agent.errors import UsageError
from host_agent.finding import Finding, Outcome, Waived
from host_agent.untrusted_text import TextError, toml_of

_NEEDED = ("check", "reason", "until")
_CONDITIONS = ("machine", "domain", "host")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """One accepted warning."""

    check: str
    reason: str
    until: date
    machine: str | None = None
    domain: str | None = None
    """Name or UUID."""
    host: str | None = None

    def __str__(self) -> str:
        """Return for example ``deprecated of domain legacy1 on host node17``."""
        said = [f"{name} {value}" for name in _CONDITIONS if (value := getattr(self, name))]
        return f"{self.check} of {', '.join(said)}" if said else self.check


def parse(text: str, name: str) -> tuple[Waiver, ...]:
    """Return the waivers of a file called ``name``; raises ``UsageError`` for what is not known."""
    try:
        document = toml_of(text)
    except TextError as error:
        raise UsageError(f"{name} is no TOML: {error}") from error
    tables = document.pop("waive", [])
    if document:
        raise UsageError(f"{name}: unknown key {next(iter(document))!r}; there is only [[waive]]")
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise UsageError(f"{name}: each waiver is a table of its own, [[waive]]")
    return tuple(
        _waiver(table, f"{name}, waiver {number}") for number, table in enumerate(tables, 1)
    )


def _waiver(table: Mapping[str, Any], where: str) -> Waiver:
    for key in table:
        if key not in (*_NEEDED, *_CONDITIONS):
            known = ", ".join((*_NEEDED, *_CONDITIONS))
            raise UsageError(f"{where}: unknown key {key!r}; known are: {known}")
    for key in _NEEDED:
        if key not in table:
            raise UsageError(f"{where}: {key} is missing")
    until = table["until"]
    # A datetime is a date to isinstance.
    if not isinstance(until, date) or isinstance(until, datetime):
        raise UsageError(f"{where}: until is a day without quotes, such as 2027-03-31")
    texts = {key: table[key] for key in ("check", "reason", *_CONDITIONS) if key in table}
    for key, value in texts.items():
        if not isinstance(value, str) or not value.strip():
            raise UsageError(f"{where}: {key} is a text that is not empty")
    if texts["check"] not in checks.IDS:
        raise UsageError(
            f"{where}: no check {texts['check']!r}; there are: {', '.join(sorted(checks.IDS))}"
        )
    return Waiver(until=until, **texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """Audits with their waived findings marked."""

    audits: tuple[HostAudit, ...]
    over: tuple[str, ...]
    """What to say of waivers that would have applied, but are over."""


def apply(audits: Sequence[HostAudit], waivers: Sequence[Waiver], today: date) -> Applied:
    """Mark what is waived on a day."""
    now = valid(waivers, today)
    over = [one for one in waivers if one not in now]
    return Applied(
        audits=tuple(_marked(audit, now) for audit in audits),
        over=tuple(
            f"the waiver of {one} was over on {one.until} ({one.reason})"
            for one in over
            if any(_applies(one, *found) for found in _warnings(audits))
        ),
    )


def valid(waivers: Sequence[Waiver], today: date) -> list[Waiver]:
    """Return those that are not over on a day."""
    return [one for one in waivers if today <= one.until]


def marked(result: Audited | Failed, host: str, waivers: Sequence[Waiver]) -> Audited | Failed:
    """Mark what is waived of one domain, by waivers that are valid."""
    if isinstance(result, Failed):
        return result
    findings = tuple(
        _finding(finding, result.case, host, waivers) for finding in result.verdict.findings
    )
    return replace(result, verdict=replace(result.verdict, findings=findings))


def _marked(audit: HostAudit, waivers: Sequence[Waiver]) -> HostAudit:
    results = tuple(marked(result, audit.host.name, waivers) for result in audit.results)
    return replace(audit, results=results)


def _finding(finding: Finding, case: Case, host: str, waivers: Iterable[Waiver]) -> Finding:
    if finding.outcome is Outcome.WARN:
        for one in waivers:
            if _applies(one, finding, case, host):
                return replace(finding, waived=Waived(reason=one.reason, until=one.until))
    return finding


def _warnings(audits: Sequence[HostAudit]) -> Iterable[tuple[Finding, Case, str]]:
    for audit in audits:
        for result in audit.results:
            if isinstance(result, Audited):
                for finding in result.verdict.findings:
                    if finding.outcome is Outcome.WARN:
                        yield finding, result.case, audit.host.name


def _applies(waiver: Waiver, finding: Finding, case: Case, host: str) -> bool:
    definition = case.declared.definition
    return (
        waiver.check == finding.check
        and waiver.machine in {None, definition.machine, needed(case)}
        and waiver.domain in {None, definition.name, str(definition.uuid)}
        and waiver.host in {None, host}
    )
