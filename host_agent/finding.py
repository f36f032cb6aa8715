"""What one check says, and how an operator may accept it for now."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from host_agent.difference import Difference
from host_agent.missing import NOT_RUNNING, Missing


class Outcome(StrEnum):
    """The result of one check."""

    PASS = "pass"  # noqa: S105 - a word, no password
    FAIL = "fail"
    WARN = "warn"
    UNKNOWN = "unknown"
    """Evidence is missing; never a pass."""
    SKIP = "skip"
    """The check does not apply to this domain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waived:
    """That somebody accepts a warning, why, and how long."""

    reason: str
    until: date
    """The last day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check says."""

    check: str
    outcome: Outcome
    sentence: str
    expected: str | None = None
    observed: str | None = None
    remedy: str | None = None
    differences: tuple[Difference, ...] = ()
    """What the sentence says, where it is of two views that differ."""
    waived: Waived | None = None
    """Of a warning that an operator accepts for now."""


def unknown(check: str, missing: Missing) -> Finding:
    """Return what a check says where its evidence is missing; never a pass."""
    return Finding(
        check=check, outcome=Outcome.UNKNOWN, sentence=missing.sentence, remedy=missing.remedy
    )


def passed(check: str, sentence: str) -> Finding:
    """Return that all is well."""
    return Finding(check=check, outcome=Outcome.PASS, sentence=sentence)


def warned(check: str, sentence: str, expected: str, observed: str, remedy: str) -> Finding:
    """Return a warning, with what was expected and what is."""
    return Finding(
        check=check,
        outcome=Outcome.WARN,
        sentence=sentence,
        expected=expected,
        observed=observed,
        remedy=remedy,
    )


def not_running(check: str) -> Finding:
    """Return what a check says of a domain that does not run."""
    return Finding(check=check, outcome=Outcome.SKIP, sentence=NOT_RUNNING.sentence)
