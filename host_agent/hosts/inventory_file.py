"""An inventory by the name that a command was given: its form is told by its name and its text."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from host_agent import given_file
from host_agent.errors import UsageError
from host_agent.hosts import ansible, ansible_beside, ansible_ini, ansible_tree, inventory
from host_agent.hosts.target import Target
from host_agent.untrusted_text import TextError, json_of

STDIN = "-"
_SECONDS = 300.0
"""How long a program may look for hosts until it prints them."""
_MOST_BYTES = 64 << 20


def read(name: str, groups: Sequence[str]) -> tuple[Target, ...]:
    """Return the hosts of an inventory, of these groups or names, or all; raises ``UsageError``.

    Of two with one connection it is the first.
    """
    return inventory.chosen(every(name), groups, _source(name))


def every(name: str) -> tuple[Target, ...]:
    """Return all hosts of an inventory; raises ``UsageError``.

    TOML is ours; INI, YAML and what ``ansible-inventory --list`` prints are Ansible's. No program
    is run.
    """
    path, source = Path("/dev/stdin" if name == STDIN else name), _source(name)
    try:
        if path.is_dir():
            raise UsageError(f"{name} is a folder: {_by_ansible(name)}")
        text = given_file.read(path, _MOST_BYTES, _SECONDS).decode("utf-8")
        is_file = stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        raise UsageError(f"{source}: there is no such file") from None
    except OSError as error:
        raise UsageError(f"{source} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{source} is no text: {error}") from error
    if is_file and os.access(path, os.X_OK) and text.startswith("#!"):
        raise UsageError(f"{name} is a program, which is not run: {_by_ansible(name)}")
    found = _parsed(text, path.suffix, source)
    if isinstance(found, ansible.Parsed):
        # What comes by a pipe lies nowhere.
        beside = _beside(path.parent, found) if is_file else None
        return ansible.targets(found, source, beside)
    return found


def _source(name: str) -> str:
    return "the inventory" if name == STDIN else name


def _parsed(text: str, suffix: str, source: str) -> tuple[Target, ...] | ansible.Parsed:
    if suffix == ".toml":
        return inventory.of_toml(text, source)
    if text.lstrip().startswith("{"):
        return _of_json(text, source)
    if suffix in {".yml", ".yaml"} or _looks_like_yaml(text):
        return ansible_tree.read(_yaml(text, source), source)
    return ansible_ini.parse(text, source)


def _of_json(text: str, source: str) -> tuple[Target, ...] | ansible.Parsed:
    """Tell what ``ansible-inventory --list`` printed from a tree, which JSON may hold as well."""
    try:
        document = ansible.mapping(json_of(text), source)
    except TextError as error:
        raise UsageError(f"{source} is no JSON: {error}") from error
    parts = [part for one in document.values() if isinstance(one, dict) for part in one.items()]
    if any(key in {"hosts", "children"} and isinstance(value, dict) for key, value in parts):
        return ansible_tree.read(document, source)
    return ansible.of_list(document, source)


def _looks_like_yaml(text: str) -> bool:
    """Tell by the first line that is no comment: in INI no host ends with a colon."""
    lines = (line.strip() for line in text.splitlines())
    first = next((line for line in lines if line and line[0] not in "#;"), "")
    return first.startswith("---") or first.partition(" #")[0].rstrip().endswith(":")


def _yaml(text: str, source: str) -> Any:
    try:
        # Few have one in YAML, and it is no library that all else needs.
        from host_agent.hosts import ansible_yaml  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            f"{source} is YAML, which needs PyYAML: apt install python3-yaml, or pip install "
            f"pyyaml; or {_by_ansible(source)}"
        ) from error
    return ansible_yaml.document(text, source)


def _beside(folder: Path, found: ansible.Parsed) -> ansible.Beside:
    try:
        return ansible_beside.read(folder, found, _yaml)
    except OSError as error:
        raise UsageError(f"{error.filename or folder} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{folder}: variables beside the inventory are no text: {error}"
        ) from error


def _by_ansible(name: str) -> str:
    return f"ansible-inventory -i {name} --list | samemachine audit --inventory -"
