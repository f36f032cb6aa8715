"""The identifiers that are known of a domain today, and what of its baseline they tell. Pure.

A baseline keeps tokens; what is seen today tells which things they stand for. What is gone, and not
declared any more, keeps its token.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from google.protobuf.message import DecodeError as ProtobufError

from host_agent import decode, identifiers
from host_agent.identifiers import TOKEN
from host_agent.missing import Missing
from host_agent.model import (
    Baseline,
    Case,
    Declared,
    Finding,
    Observation,
    ProbedTables,
    Smbios,
)
from host_agent.printable import printable
from samemachine.v1 import guest_pb2

_SHORTEST = 4
"""Characters of an identifier that is looked for in sentences: a shorter one names nothing."""
_UNMISTAKABLE = 8
"""From so many on it is found within a word, too."""
_MAC = r"\b[0-9a-f]{2}(?::[0-9a-f]{2}){5,31}\b"


def known(
    declared: Declared, observation: Observation | Missing,
    *views: Smbios | ProbedTables | Missing,
) -> frozenset[str]:  # fmt: skip
    """Return the identifiers in what is declared and seen."""
    found: set[str] = set()
    for definition in (declared.active, declared.persistent):
        found |= definition.identifiers if definition else frozenset()
    if isinstance(observation, Observation):
        found |= _in_report(observation.raw)
    for view in views:
        tables = view.smbios if isinstance(view, ProbedTables) else view
        if isinstance(tables, Smbios):
            found |= identifiers.in_tables(tables.tables)
        if isinstance(view, ProbedTables):
            found |= identifiers.in_options(view.options)
    return frozenset(found)


def told(before: Baseline | Missing, known_: Iterable[str]) -> Baseline | Missing:
    """Return the baseline with the identifiers that are known in the place of their tokens."""
    if isinstance(before, Missing) or before.salt is None:
        return before
    tell = identifiers.teller(before.salt, known_)
    seen = before.observation
    report = guest_pb2.Report.FromString(identifiers.changed(seen.raw, tell))
    options = before.options
    return replace(
        before,
        observation=decode.decode(report, b"", seen.seconds, seen.received, hashed=True),
        options=None if options is None else identifiers.changed_options(options, tell),
    )


def hidden(findings: Sequence[Finding], case: Case, salt: bytes | None) -> tuple[Finding, ...]:
    """Return findings as they are kept: with tokens for the identifiers in their texts.

    Without a salt they are kept as they are. The domain's own UUID stays, also where an owner gave
    it out as the serial number as well.
    """
    if salt is None or not findings:
        return tuple(findings)
    pattern = _pattern(of_case(case) - {str(case.declared.definition.uuid)})

    def hide(text: str) -> str:
        return pattern.sub(lambda found: identifiers.token(salt, found[0]), text)

    def hide_if(text: str | None) -> str | None:
        return None if text is None else hide(text)

    return tuple(
        replace(
            finding, sentence=hide(finding.sentence), expected=hide_if(finding.expected),
            observed=hide_if(finding.observed), remedy=hide_if(finding.remedy), differences=(),
        )
        for finding in findings
    )  # fmt: skip


def of_case(case: Case) -> frozenset[str]:
    """Return the identifiers that may be in what is said of a domain."""
    found = known(
        case.declared, case.observation, case.memory, case.now, case.next_start, case.forecast
    )
    if isinstance(case.baseline, Missing):
        return found
    return found | known(case.declared, case.baseline.observation)


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    texts = {printable(word) for word in words if not TOKEN.search(word)}
    forms = [
        re.escape(text) if len(text) >= _UNMISTAKABLE else rf"(?<!\w){re.escape(text)}(?!\w)"
        for text in sorted(texts, key=len, reverse=True)
        if len(text) >= _SHORTEST
    ]
    return re.compile("|".join([*forms, _MAC]))


def _in_report(raw: bytes) -> frozenset[str]:
    try:
        return identifiers.in_report(raw)
    except ProtobufError:
        return frozenset()
