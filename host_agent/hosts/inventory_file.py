"""An inventory by the name that a command was given: TOML is ours, all else Ansible's."""

from collections.abc import Sequence
from pathlib import Path

from host_agent import given_file
from host_agent.errors import UsageError
from host_agent.hosts import ansible, ansible_inventory, inventory
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

    What Ansible has printed of one is taken as it is; of any other it is asked.
    """
    source = _source(name)
    try:
        if name == STDIN:
            return _printed(given_file.read(Path("/dev/stdin"), _MOST_BYTES, _SECONDS), source)
        path = Path(name)
        if path.suffix == ".toml":
            text = given_file.read(path, _MOST_BYTES, _SECONDS).decode("utf-8")
            return inventory.of_toml(text, source)
        if path.suffix == ".json" and not path.is_dir():
            found = _json(given_file.read(path, _MOST_BYTES, _SECONDS), source)
            if ansible.is_list(found):
                return ansible.targets(found, source)
        path.stat()
    except FileNotFoundError:
        raise UsageError(f"{source}: there is no such file") from None
    except OSError as error:
        raise UsageError(f"{source} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{source} is no text: {error}") from error
    return _printed(ansible_inventory.listed(name), source)


def _source(name: str) -> str:
    return "the inventory" if name == STDIN else name


def _printed(raw: bytes, source: str) -> tuple[Target, ...]:
    return ansible.targets(_json(raw, source), source)


def _json(raw: bytes, source: str) -> object:
    try:
        return json_of(raw.decode("utf-8"))
    except (TextError, UnicodeDecodeError) as error:
        raise UsageError(f"{source} is no JSON: {error}") from error
