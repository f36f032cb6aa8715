"""The host agent's configuration: a TOML file, all of it optional; an unknown key is an error.

A key is what an option of the same name defaults to, so the command line and the environment win
over it. ``KEYS`` is the one place where a key's default and bounds stand; the command line's
options take theirs from it.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from host_agent import given_file
from host_agent.errors import UsageError
from host_agent.untrusted_text import TextError, toml_of

DEFAULT_PATH = Path("/etc/samemachine/host.toml")

Value = str | bool | int | float | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What a key may be: of its default's type, and a number within bounds."""

    default: Value
    least: float = 0
    most: float = 0

    def taken(self, value: object) -> Value:
        """Return a value as TOML gave it, as it is used; raises ``ValueError``."""
        if isinstance(self.default, tuple):
            if isinstance(value, list) and all(isinstance(one, str) and one for one in value):
                return tuple(value)
            raise ValueError('is a list of texts, such as ["one", "two"]')
        if isinstance(self.default, str):
            if isinstance(value, str):
                return value
            raise ValueError("is a text, in quotes")
        if isinstance(self.default, bool):
            if isinstance(value, bool):
                return value
            raise ValueError("is true or false, without quotes")
        kind = "number" if isinstance(self.default, float) else "whole number"
        right = isinstance(value, int | float if isinstance(self.default, float) else int)
        # A truth value is a number to Python; what is not a number (nan) is within no bounds.
        if right and not isinstance(value, bool) and self.least <= value <= self.most:  # type: ignore[operator]  # a number
            return value  # type: ignore[return-value]  # a number
        raise ValueError(f"is a {kind} from {self.least:g} to {self.most:g}")


# Empty means: what the sample says is chosen then.
KEYS: Mapping[str, Key] = MappingProxyType({
    "connect":            Key(default=()),
    "probe":              Key(default=True),
    "timeout":            Key(default=10.0, least=0.1, most=3600),
    "ledger":             Key(default=""),
    "fleet":              Key(default=""),
    "waive":              Key(default=()),
    "clear-identifiers":  Key(default=False),
    "serve.connect":      Key(default=""),
    "serve.exec":         Key(default=""),
    "serve.jobs":         Key(default=2, least=1, most=64),
    "serve.boot-wait":    Key(default=300.0, least=1, most=86400),
    "serve.arrival-wait": Key(default=60.0, least=1, most=86400),
    "serve.keep":         Key(default=400, least=1, most=36500),
    "serve.metrics":      Key(default=""),
})  # fmt: skip


def parse(text: str, source: str) -> Mapping[str, Value]:
    """Return the keys that are set in a file called ``source``; raises ``UsageError``."""
    try:
        document = toml_of(text)
    except TextError as error:
        raise UsageError(f"{source} is no TOML: {error}") from error
    found: dict[str, Value] = {}
    for name, value in _flat(document):
        where = f"{source}{_line(text, name)}"
        if name not in KEYS:
            raise UsageError(f"{where}: unknown key {name!r}; {_near(name)}")
        try:
            found[name] = KEYS[name].taken(value)
        except ValueError as error:
            raise UsageError(f"{where}: {name} {error}") from error
    return found


def load(path: Path | None = None) -> Mapping[str, Value]:
    """Return what a file sets, or the default one where it exists; raises ``UsageError``."""
    chosen = path or DEFAULT_PATH
    try:
        return parse(given_file.text(chosen), str(chosen))
    except FileNotFoundError:
        if path is None:
            return {}
        raise UsageError(f"{path}: there is no such file") from None
    except OSError as error:
        raise UsageError(
            f"{chosen} can't be read: {error.strerror}; 'samemachine --config /dev/null' does "
            "without it"
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{chosen} is no TOML: {error}") from error


def _flat(document: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    tables = {name.partition(".")[0] for name in KEYS if "." in name}
    for name, value in document.items():
        if name in tables and isinstance(value, dict):
            yield from ((f"{name}.{inner}", one) for inner, one in value.items())
        else:
            yield name, value


def _near(name: str) -> str:
    near = difflib.get_close_matches(name, KEYS, n=2, cutoff=0.75) or [
        key for key in KEYS if key.rpartition(".")[2] == name.rpartition(".")[2]
    ]
    return f"did you mean {' or '.join(near)}?" if near else f"known are: {', '.join(KEYS)}"


def _line(text: str, name: str) -> str:
    """Where a key or table stands, for people; tomllib does not tell."""
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+\s*([^]]+?)\s*\]", line):
            table = re.sub(r"""["'\s]""", "", header[1])
            named = table
        elif key := re.match(r"""\s*([\w."'\s-]+?)\s*=""", line):
            named = f"{table}.{key[1]}".lstrip(".")
        else:
            continue
        if re.sub(r"""["'\s]""", "", named) == name:
            return f", line {number}"
    return ""
