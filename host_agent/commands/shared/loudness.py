"""How much a command says beside its result: ``--quiet``, ``--debug``."""

from collections.abc import Callable
from typing import Any

import click

_Command = Callable[..., int]
_QUIET = "samemachine.quiet"


def quiet() -> bool:
    """Tell whether nobody wants to hear how far it is, nor that all is well."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(_QUIET))


def quiet_option(command: _Command, help_: str = "no progress") -> _Command:
    """Give a command that shows how far it is the option not to."""

    def said(context: click.Context, _: click.Parameter, value: bool) -> None:
        context.meta[_QUIET] = value

    return _flag("-q", "--quiet", callback=said, help=help_)(command)


def debug_option(command: _Command) -> _Command:
    """Give a command that asks something the option to say what, of whom, and how long it took."""

    def said(context: click.Context, _: click.Parameter, value: bool) -> None:
        if value:
            from host_agent import asked

            context.with_resource(
                asked.told(lambda line: click.echo(f"samemachine: {line}", err=True))
            )

    words = "say on standard error what was asked of whom, and how long it took"
    return _flag("-d", "--debug", callback=said, help=words)(command)


def loudness(command: _Command) -> _Command:
    """Give a command both options."""
    return quiet_option(debug_option(command))


def _flag(*names: str, **settings: Any) -> Callable[[_Command], _Command]:
    return click.option(*names, is_flag=True, expose_value=False, **settings)
