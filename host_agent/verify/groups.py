"""Verifications of many domains → those of which the same is to be said. Pure.

Each mismatch, and each domain that was asked for by its name, is told by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from host_agent.case.results import Audited, Confirmed, Decision, Failed
from host_agent.verify import story


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """Domains with one verdict, reached in one way."""

    word: str
    sentence: str
    """What happened to all of them, or why they could not be looked at."""
    ticket: str | None
    """The sentence for a ticket, without a name; None: they are verified, or there is none."""
    results: tuple[Confirmed | Failed, ...]

    @property
    def audited(self) -> tuple[Audited, ...]:
        """Those that could be looked at."""
        return tuple(one.audited for one in self.results if isinstance(one, Confirmed))

    @property
    def allowed(self) -> dict[str, int]:
        """What changed as it may: name → in how many of the domains."""
        counted: dict[str, int] = {}
        for one in self.audited:
            for row in story.changed(one):
                counted[row.name] = counted.get(row.name, 0) + 1
        return counted

    @property
    def complaints(self) -> dict[str, int]:
        """What could not be written: sentence → of how many of the domains."""
        counted: dict[str, int] = {}
        for one in self.results:
            for complaint in one.complaints if isinstance(one, Confirmed) else ():
                counted[complaint] = counted.get(complaint, 0) + 1
        return counted


_ORDER = (Decision.MISMATCH, "failed", Decision.UNVERIFIED, "not running", Decision.VERIFIED)


def alike(results: Sequence[Confirmed | Failed]) -> list[Alike]:
    """Return the groups, problems first; of each the results keep their order."""
    found: dict[object, list[Confirmed | Failed]] = {}
    for result in results:
        word, sentence, ticket = _said(result)
        own = id(result) if word == Decision.MISMATCH else None
        found.setdefault((word, sentence, ticket, own), []).append(result)
    groups = []
    for same in found.values():
        word, sentence, ticket = _said(same[0])
        groups.append(Alike(word=word, sentence=sentence, ticket=ticket, results=tuple(same)))
    return sorted(groups, key=lambda group: _ORDER.index(group.word))


def _said(result: Confirmed | Failed) -> tuple[str, str, str | None]:
    if isinstance(result, Failed):
        return "failed", result.error, None
    audited = result.audited
    word = audited.verdict.decision or "not running"
    ticket = None
    if word != Decision.VERIFIED:
        name = audited.case.declared.definition.name
        ticket = story.ticket(audited).removeprefix(f"{name}: ")
    return word, story.course(audited.case), ticket
