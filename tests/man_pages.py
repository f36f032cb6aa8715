"""The manual's sources, as tests look at them: sections, options, and the command lines in them."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.checkout import CHECKOUT

MAN = CHECKOUT / "packaging/man"
_NAMES = re.compile(r"\*\*(-[-\w]+)\*\*")
_VALUE = re.compile(r"(?<!\*)\*([^*]+)\*(?!\*)")
_CHOICE = re.compile(r"\*\*(\w[\w-]*)\*\*")
_DEFAULT = re.compile(r"Default: ([^.]*(?:\.\w[^.]*)*)\.")
_FENCE = re.compile(r"^```(?:\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROGRAMS = "samemachine", "samemachine-guest"
_ENDS = {"|", "||", "&&", "&", ";", ">", ">>", "<", "2>&1"}


@dataclass(frozen=True, kw_only=True)
class Option:
    """What a page says of an option."""

    names: frozenset[str]
    value: str | None
    choices: tuple[str, ...]
    default: str | None


def pages() -> tuple[Path, ...]:
    """Return the sources of all pages."""
    return tuple(sorted(MAN.glob("*.md")))


def sections(page: Path) -> Mapping[str, str]:
    """Return a page's sections by their headings."""
    parts = re.split(r"^## (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def terms(text: str) -> Iterator[tuple[str, str]]:
    """Yield the terms of a definition list with what is said of them, as one line."""
    for block in re.split(r"\n\n+", text.strip()):
        term, mark, said = block.partition("\n: ")
        if mark:
            yield term, " ".join(said.split())


def options(page: Path) -> Iterator[Option]:
    """Yield the options of a page."""
    for term, said in terms(sections(page).get("OPTIONS", "")):
        default = _DEFAULT.search(said)
        value = _VALUE.search(term)
        yield Option(
            names=frozenset(_NAMES.findall(term)),
            value=value[1] if value else None,
            choices=tuple(_CHOICE.findall(term)),
            default=default[1] if default else None,
        )


def exit_codes(page: Path) -> frozenset[int]:
    """Return the exit codes that a page tells of."""
    return frozenset(int(term) for term, _ in terms(sections(page)["EXIT STATUS"]))


def command_lines(page: Path) -> Iterator[tuple[str, ...]]:
    """Yield the words of each line of ours in a page's code, up to where the shell goes on."""
    for code in _FENCE.findall(page.read_text(encoding="utf-8")):
        for line in code.replace("\\\n", " ").splitlines():
            text = re.sub(r"^[#$] ", "", line.strip())
            if text.split(" ", 1)[0].rpartition("/")[2] in _PROGRAMS:
                yield tuple(_words(text))


def help_lines(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of each example in the help of a command; what it does stands beside it."""
    for line in text.splitlines():
        example = re.split(r"\s{3,}", line.strip())[0]
        if example.split(" ", 1)[0] in _PROGRAMS:
            yield tuple(_words(example))


def _words(line: str) -> Iterator[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    for number, word in enumerate(lexer):
        if word in _ENDS:
            return
        yield word.rpartition("/")[2] if number == 0 else word
