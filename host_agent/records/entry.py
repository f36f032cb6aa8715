"""One verdict as the ledger keeps it, with every text bounded. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from host_agent.case.results import Audited
from host_agent.domain import owner
from host_agent.evidence.observation import Observation
from host_agent.finding import Finding, Outcome
from host_agent.printable import printable
from host_agent.records import hiding
from host_agent.times import LAST_TIME
from host_agent.untrusted_text import json_of

MAX_NAME = 255
"""Characters of a name; PostgreSQL and people both want an end."""
MAX_TEXT = 1000
"""Characters of a sentence, of what was expected or observed, of a remedy."""
MAX_FINDINGS = 100
MAX_ROW = 16 * 1024
"""Characters of all columns together; texts of findings are cut until they fit."""
_MAX_FINDINGS_TEXT = 10 * 1024
_LEAST_TEXT = 50
_UUID = 36
_WORD = 16
_LENGTHS = {
    "host": MAX_NAME, "uuid": _UUID, "name": MAX_NAME, "occasion": _WORD, "verdict": _WORD,
    "title": MAX_NAME, "depth": _WORD, "machine": MAX_NAME, "qemu": MAX_NAME, "boot_id": _UUID,
}  # fmt: skip
_NEEDED = {"host", "uuid", "name", "occasion", "verdict"}
_TEXTS = ("sentence", "expected", "observed", "remedy")
FINDING_FIELDS = ("check", "outcome", "sentence", "expected", "observed", "remedy")
"""What is kept of a finding: its sentence says what differs."""
_KEPT = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WARN)
"""Worst first. What passes is counted; what does not apply is nothing to remember."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One verdict, or one event, of a domain."""

    time: float
    """Seconds since 1970-01-01 UTC, by the clock of the host."""
    host: str
    uuid: str
    name: str
    """libvirt's."""
    occasion: str
    verdict: str
    """A decision, or why there is none: ``not running``, ``gone``, ``no answer``."""
    title: str | None = None
    """The owner's own name for the domain, such as Nova's."""
    depth: str | None = None
    machine: str | None = None
    qemu: str | None = None
    """Version of the QEMU under the guest."""
    boot_id: str | None = None
    passed: int = 0
    """How many checks passed."""
    findings: tuple[Finding, ...] = ()
    """Those that did not: the worst first."""

    @property
    def problem(self) -> Finding | None:
        """The finding to name first; None: nothing is wrong and nothing is missing."""
        return self.findings[0] if self.findings else None


def of(audited: Audited, *, time: float, host: str, qemu: str | None, salt: bytes | None) -> Entry:
    """Return the entry of a verdict that a host came to.

    ``salt`` is what identifiers in its findings are hashed with; None: they are kept in clear.
    """
    case, verdict = audited.case, audited.verdict
    definition = case.declared.definition
    observed = case.observation
    kept = hiding.hidden(
        [finding for finding in verdict.findings if finding.outcome in _KEPT], case, salt
    )
    entry = Entry(
        time=time,
        host=host,
        uuid=str(definition.uuid),
        name=definition.name,
        occasion=case.occasion,
        verdict=verdict.decision or "not running",
        title=owner.of(definition).name,
        depth=verdict.depth,
        machine=definition.machine,
        qemu=qemu,
        boot_id=observed.boot_id if isinstance(observed, Observation) else None,
        passed=sum(finding.outcome is Outcome.PASS for finding in verdict.findings),
        findings=tuple(sorted(kept, key=lambda finding: _KEPT.index(finding.outcome))),
    )
    return bounded(entry)


def bounded(entry: Entry) -> Entry:
    """Return the entry with texts of the lengths that are kept, also where it is told instead.

    A journal takes long ones, but the environment of a command does not (execve(2)), and a guest
    whose alarm fails with them would have silenced it.
    """
    names: dict[str, Any] = {
        name: _bounded(text, length)
        for name, length in _LENGTHS.items()
        if (text := getattr(entry, name)) is not None
    }
    findings = tuple(map(_bounded_finding, entry.findings[:MAX_FINDINGS]))
    return replace(entry, **names, findings=findings)


def _bounded_finding(finding: Finding) -> Finding:
    texts: dict[str, Any] = {
        name: _bounded(text, MAX_TEXT)
        for name in _TEXTS
        if (text := getattr(finding, name)) is not None
    }
    return replace(finding, **texts)


def bounded_name(text: str) -> str:
    """Return a name as it is kept, so that it is found again."""
    return _bounded(text, MAX_NAME)


def to_row(entry: Entry) -> dict[str, object]:
    """Return the columns of an entry, all of them safe to print and of bounded length.

    Raises ``ValueError`` where its time is none.
    """
    if not 0 <= entry.time < LAST_TIME:
        raise ValueError(f"{entry.time} is no time")
    row: dict[str, object] = {
        name: None if text is None else _bounded(text, length)
        for name, length in _LENGTHS.items()
        for text in (getattr(entry, name),)
    }
    row.update(time=entry.time, passed=entry.passed, findings=_findings(entry.findings))
    return row


def _findings(findings: Sequence[Finding]) -> str:
    """Return findings as JSON, with as much of their texts as there is room for."""
    most = MAX_TEXT
    while True:
        text = json.dumps([_form(finding, most) for finding in findings[:MAX_FINDINGS]])
        if len(text) <= _MAX_FINDINGS_TEXT or most <= _LEAST_TEXT:
            return text
        most //= 2


def from_row(row: dict[str, object]) -> Entry:
    """Return the entry of these columns; raises ``ValueError`` where they are damaged."""
    try:
        texts = {name: row[name] for name in _LENGTHS}
        for name, text in texts.items():
            if not isinstance(text, str) and (text is not None or name in _NEEDED):
                raise TypeError(f"its {name} is no text")
        time, passed = row["time"], row["passed"]
        if not isinstance(time, float) or not 0 <= time < LAST_TIME:
            raise TypeError("its time is none")
        if not isinstance(passed, int):
            raise TypeError("its count is none")
        findings = tuple(map(_finding, json_of(str(row["findings"]))))
        return Entry(time=time, passed=passed, findings=findings, **texts)  # type: ignore[arg-type]  # they are texts, see above
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(str(error)) from error


def damaged(row: dict[str, object], why: str) -> Entry:
    """Return what is told of columns that are no entry: what can be read of them, and why."""

    def read(name: str) -> str:
        text = row.get(name)
        return text if isinstance(text, str) else "?"

    time = row.get("time")
    trouble = Finding(
        check="history",
        outcome=Outcome.UNKNOWN,
        sentence=f"this entry of the ledger is damaged: {_bounded(why, MAX_TEXT)}",
    )
    return Entry(
        time=time if isinstance(time, float) and 0 <= time < LAST_TIME else 0.0,
        findings=(trouble,),
        host=read("host"),
        uuid=read("uuid"),
        name=read("name"),
        occasion=read("occasion"),
        verdict="damaged",
    )


def _bounded(text: str, length: int) -> str:
    return printable(text)[:length].rstrip()


def _form(finding: Finding, most: int) -> dict[str, object]:
    return {
        name: None if text is None else _bounded(text, most)
        for name in FINDING_FIELDS
        for text in (getattr(finding, name),)
    }


def _finding(form: dict[str, str]) -> Finding:
    finding = Finding(**{**form, "outcome": Outcome(form["outcome"])})  # type: ignore[arg-type]  # outcome is an Outcome
    if set(form) != set(FINDING_FIELDS):
        raise TypeError("a finding has other fields")
    if not all(isinstance(text, str) or text is None for text in form.values()):
        raise TypeError("a finding holds what is no text")
    return finding
