"""The files with variables that lie beside an inventory of Ansible's: group_vars, host_vars.

Ansible's ``host_group_vars`` plug-in: of NAME, NAME.yml, NAME.yaml and NAME.json the first counts;
a folder NAME is read whole, in the order of its names. A file that is a vault is left out.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from host_agent import given_file
from host_agent.errors import UsageError
from host_agent.hosts.ansible import ALL, UNGROUPED, Beside, Parsed, Variables
from host_agent.untrusted_text import TextError, json_of

_ENDINGS = "", ".yml", ".yaml", ".json"
_MOST_BYTES = 16 << 20
_MOST_DEPTH = 20
_MOST_FILES = 100_000
_VAULT = "$ANSIBLE_VAULT;"

Load = Callable[[str, str], Any]
"""Makes of a text what it says, by the name of its file; raises ``UsageError``."""


def read(folder: Path, parsed: Parsed, load: Load) -> Beside:
    """Return the variables of files in ``folder``; raises ``UsageError`` and ``OSError``."""
    groups = dict.fromkeys((ALL, UNGROUPED, *parsed.groups))
    return Beside(
        groups=_of(folder / "group_vars", list(groups), load),
        hosts=_of(folder / "host_vars", list(parsed.hosts), load),
    )


def _of(folder: Path, names: list[str], load: Load) -> dict[str, Variables]:
    try:
        there = {entry.name for entry in os.scandir(folder)}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    found = {}
    for name in names:
        first = next((f"{name}{end}" for end in _ENDINGS if f"{name}{end}" in there), None)
        if first is not None:
            found[name] = _variables(folder / first, load)
    return found


def _variables(path: Path, load: Load) -> Variables:
    found: dict[str, Any] = {}
    for number, file in enumerate(_files(path, 0)):
        if number == _MOST_FILES:
            raise UsageError(f"{path} has more than {_MOST_FILES} files")
        text = given_file.read(file, _MOST_BYTES).decode("utf-8")
        if text.startswith(_VAULT):
            continue
        try:
            given = json_of(text)
        except TextError:
            given = load(text, str(file))
        if given is not None and not isinstance(given, dict):
            raise UsageError(f"{file}: variables are meant, KEY: VALUE")
        found |= {str(key): value for key, value in (given or {}).items()}
    return found


def _files(path: Path, depth: int) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    if depth > _MOST_DEPTH:
        raise UsageError(f"{path} is nested too deep")
    for inner in sorted(path.iterdir()):
        if inner.name.startswith(".") or inner.name.endswith("~"):
            continue
        if inner.suffix in _ENDINGS and (not inner.suffix or inner.is_file()):
            yield from _files(inner, depth + 1)
