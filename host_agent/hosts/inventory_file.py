"""An inventory by the name that a command was given: its form is told by its name and its text."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from host_agent import given_file
from host_agent.errors import UsageError
from host_agent.hosts import ansible, ansible_ini, inventory
from host_agent.hosts.target import Target

STDIN = "-"
_SECONDS = 300.0
"""How long a program may look for hosts until it prints them."""
_MOST_BYTES = 64 << 20


def read(name: str, groups: Sequence[str]) -> tuple[Target, ...]:
    """Return the hosts of an inventory, of these groups or names, or all; raises ``UsageError``.

    TOML is ours; INI, YAML and what ``ansible-inventory --list`` prints are Ansible's. No program
    is run.
    """
    path = Path("/dev/stdin" if name == STDIN else name)
    source = "the inventory" if name == STDIN else name
    try:
        if path.is_dir():
            raise UsageError(f"{name} is a folder: {_by_ansible(name)}")
        text = given_file.read(path, _MOST_BYTES, _SECONDS).decode("utf-8")
        runs = os.access(path, os.X_OK) and stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        raise UsageError(f"{source}: there is no such file") from None
    except OSError as error:
        raise UsageError(f"{source} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{source} is no text: {error}") from error
    if runs and text.startswith("#!"):
        raise UsageError(f"{name} is a program, which is not run: {_by_ansible(name)}")
    return inventory.chosen(_parsed(text, path.suffix, source), groups, source)


def _parsed(text: str, suffix: str, source: str) -> tuple[Target, ...]:
    if suffix == ".toml":
        return inventory.of_toml(text, source)
    if text.lstrip().startswith("{"):
        return ansible.of_list(text, source)
    if suffix in {".yml", ".yaml"} or text.startswith("---"):
        try:
            # Few have one in YAML, and it is no library that all else needs.
            from host_agent.hosts import ansible_yaml  # noqa: PLC0415
        except ImportError as error:
            raise UsageError(
                f"{source} is YAML, which needs PyYAML: apt install python3-yaml, or pip install "
                f"pyyaml; or {_by_ansible(source)}"
            ) from error
        return ansible.targets(ansible_yaml.parse(text, source), source)
    return ansible.targets(ansible_ini.parse(text, source), source)


def _by_ansible(name: str) -> str:
    return f"ansible-inventory -i {name} --list | samemachine audit --inventory -"
