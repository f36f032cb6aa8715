"""Options whose default the configuration may set, and a command that it names."""

import shlex
from collections.abc import Mapping
from typing import Any

import click

from host_agent.commands.shared import config
from host_agent.errors import UsageError


class Configured(click.Option):
    """An option with a key in the configuration, which has its type and its default."""

    def __init__(self, *declarations: Any, key: str, **settings: Any) -> None:
        self.key = key
        known = config.KEYS[key]
        default: Any = known.default
        if isinstance(default, float):
            settings["type"] = click.FloatRange(known.least, known.most)
        elif isinstance(default, int) and not isinstance(default, bool):
            settings["type"] = click.IntRange(int(known.least), int(known.most))
        if default not in {"", ()}:
            settings |= {"default": default, "show_default": True}
        super().__init__(*declarations, **settings)


def defaults(command: click.Command, values: Mapping[str, config.Value]) -> dict[str, Any]:
    """Return what a command's options default to, as click takes it."""
    return {
        str(option.name): values[option.key]
        for option in command.params
        # What is empty is chosen as if it were not there.
        if isinstance(option, Configured) and values.get(option.key) not in {None, "", ()}
    }


def command_words(command: str) -> tuple[str, ...]:
    """Return the words of ``serve --exec``, which no shell reads; raises ``UsageError``."""
    try:
        return tuple(shlex.split(command))
    except ValueError as error:
        raise UsageError(f"--exec {command!r}: {error}") from error
