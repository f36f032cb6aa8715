"""What the manual says of each finding, from the page that is shipped with the program. Pure.

The page (``data/samemachine-checks.7.md``, section 7 of the manual) is the one source: the man page
is made of it, and ``samemachine checks`` prints its paragraphs. A heading of the second degree is a
part, one of the third is a finding: a question, what is compared, then what each outcome means.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from host_agent.finding import Outcome

PAGE = "data", "samemachine-checks.7.md"
_PART, _FINDING, _TERM = "## ", "### ", re.compile(r"\*\*([^*]+)\*\*\n: ")
_LINK = re.compile(r"\[([^]]+)\]\([^)]*\)")
_MARK = re.compile(r"\*\*?|`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One finding's paragraph, as plain text."""

    id: str
    part: str
    """When it is looked at, such as ``before a move``."""
    question: str
    """What it asks, in one line."""
    compares: str
    outcomes: Mapping[Outcome, str]
    """What each outcome means; one that the finding never has is not there."""
    remedy: str
    source: str


class ManualError(ValueError):
    """The page is not of the form that it should be."""


@cache
def entries() -> tuple[Entry, ...]:
    """Return all findings in the order of the page."""
    return parse(resources.files("host_agent").joinpath(*PAGE).read_text(encoding="utf-8"))


def parse(text: str) -> tuple[Entry, ...]:
    """Read a page; raises ``ManualError``."""
    found: list[Entry] = []
    for part in text.split(f"\n{_PART}")[1:]:
        title, _, body = part.partition("\n")
        found += [_entry(title.strip().lower(), one) for one in body.split(f"\n{_FINDING}")[1:]]
    return tuple(found)


def _entry(part: str, text: str) -> Entry:
    id_, _, body = text.partition("\n")
    prose, *terms = _TERM.split(body.strip())
    question, _, compares = prose.strip().partition("\n\n")
    told = {name.lower(): plain(said) for name, said in zip(terms[::2], terms[1::2], strict=True)}
    try:
        remedy, source = told.pop("remedy"), told.pop("source")
        outcomes = {Outcome(name): said for name, said in told.items()}
    except (KeyError, ValueError) as error:
        raise ManualError(f"{id_}: {error}") from error
    if not (question and compares and outcomes):
        raise ManualError(f"{id_}: a question, what is compared, and the outcomes belong there")
    return Entry(
        id=id_.strip(),
        part=part,
        question=plain(question),
        compares=plain(compares),
        outcomes=outcomes,
        remedy=remedy,
        source=source,
    )


def plain(text: str) -> str:
    """Return Markdown as one paragraph of text without marks."""
    return " ".join(_MARK.sub("", _LINK.sub(r"\1", text)).split())
