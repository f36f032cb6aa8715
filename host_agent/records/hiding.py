"""What is hidden of a finding before it is kept: addresses and serial numbers."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from host_agent.case.case import Case
from host_agent.evidence import identifiers
from host_agent.evidence.identifiers import TOKEN
from host_agent.evidence.recognition import known
from host_agent.finding import Finding
from host_agent.missing import Missing
from host_agent.printable import printable

_SHORTEST = 4
"""Characters of an identifier that is looked for in sentences: a shorter one names nothing."""


_UNMISTAKABLE = 8
"""From so many on it is found within a word, too."""


_MAC = re.compile(r"\b[0-9a-f]{2}(?::[0-9a-f]{2}){5,31}\b")


_MOST_CUTS = 16
"""In one sentence; a guest may send as many marks as it likes."""


_QUOTES = "'\"("


_CUT = "…"
"""What ``shortened`` leaves where a text, and maybe an identifier in it, was cut."""


def hidden(findings: Sequence[Finding], case: Case, salt: bytes | None) -> tuple[Finding, ...]:
    """Return findings as they are kept: with tokens for the identifiers in their texts.

    Without a salt they are kept as they are. The domain's own UUIDs stay, also where an owner gave
    one out as the serial number as well.
    """
    if salt is None or not findings:
        return tuple(findings)
    definition = case.declared.definition
    words = Words(of_case(case) - {str(definition.uuid), str(definition.guest_uuid)})

    def hide(text: str) -> str:
        return words.hidden(text, lambda found: identifiers.token(salt, found))

    def hide_if(text: str | None) -> str | None:
        return None if text is None else hide(text)

    return tuple(
        replace(
            finding,
            sentence=hide(finding.sentence),
            expected=hide_if(finding.expected),
            observed=hide_if(finding.observed),
            remedy=hide_if(finding.remedy),
            differences=(),
        )
        for finding in findings
    )


def of_case(case: Case) -> frozenset[str]:
    """Return the identifiers that may be in what is said of a domain."""
    found = known(
        case.declared, case.observation, case.memory, case.now, case.next_start, case.forecast
    )
    if isinstance(case.baseline, Missing):
        return found
    return found | known(case.declared, case.baseline.observation)


class Words:
    """Identifiers, found in sentences in time that grows with the sentence.

    A guest may have tens of thousands, and one regular expression of them all would try each at
    each place. So they are sorted, and at each place the longest that stands there is looked up:
    it is the nearest before the rest of the sentence, or one that this one begins with.
    """

    def __init__(self, words: Iterable[str]) -> None:
        texts = {printable(word) for word in words if not TOKEN.search(word)}
        self._words = sorted(text for text in texts if len(text) >= _SHORTEST)
        self._longest = max(map(len, self._words), default=0)
        self._begins: list[int] = []
        """For each the longest other one that it begins with, by place; -1: it begins with none."""
        open_: list[int] = []
        for at, word in enumerate(self._words):
            while open_ and not word.startswith(self._words[open_[-1]]):
                open_.pop()
            self._begins.append(open_[-1] if open_ else -1)
            open_.append(at)

    def hidden(self, text: str, token: Callable[[str], str]) -> str:
        """Return the text with tokens for what stands in it, and for addresses."""
        parts: list[str] = []
        at = kept = 0
        while at < len(text):
            length = self._at(text, at)
            if not length:
                at += 1
                continue
            parts += [text[kept:at], token(text[at : at + length])]
            kept = at = at + length
        found = "".join([*parts, text[kept:]])
        return self._without_rests(_MAC.sub(lambda mac: token(mac[0]), found))

    def _at(self, text: str, at: int) -> int:
        """Return the length of the identifier that stands there; 0: none does."""
        rest = text[at : at + self._longest]
        near = bisect_right(self._words, rest) - 1
        # What it has in common with the text is all that one which stands there can be of it.
        common = _common(self._words[near], rest) if near >= 0 else 0
        while near >= 0 and common >= _SHORTEST:
            length = len(self._words[near])
            if length <= common and self._stands_alone(text, at, length):
                return length
            near = self._begins[near]
        return 0

    @staticmethod
    def _stands_alone(text: str, at: int, length: int) -> bool:
        """A short one is found only where it is a word of its own."""
        if length >= _UNMISTAKABLE:
            return True
        around = text[max(0, at - 1) : at] + text[at + length : at + length + 1]
        return not any(character.isalnum() or character == "_" for character in around)

    def _without_rests(self, text: str) -> str:
        """Drop the beginning of an identifier that was cut off with the rest of its sentence."""
        *parts, last = text.split(_CUT)
        if len(parts) > _MOST_CUTS:
            parts, last = parts[:_MOST_CUTS], ""
        parts.append(last)
        for number, part in enumerate(parts[:-1]):
            rest = ""
            # Word by word from the cut on, as long as it still is of an identifier.
            for word in reversed(part.split(" ")):
                longer = f"{word.lstrip(_QUOTES)} {rest}".rstrip()
                if len(longer) > self._longest or not self._is_in_one(longer):
                    break
                rest = longer
            if len(rest) >= _SHORTEST:
                parts[number] = part[: len(part) - len(rest)]
        return _CUT.join(parts)

    def _is_in_one(self, text: str) -> bool:
        return any(text in word for word in self._words)


def _common(one: str, other: str) -> int:
    """Return how many characters both begin with."""
    number = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        number += 1
    return number
