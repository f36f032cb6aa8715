"""What was found is told of every domain, whatever is wrong with the telling of one.

What nobody foresaw in one domain may come out only where it is put into words. It costs the others
neither their place on the page nor in the JSON.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from host_agent.case.results import Audited, Confirmed, Failed
from host_agent.commands.shared.console import destination
from host_agent.commands.shared.loudness import quiet
from host_agent.guard import guarded
from host_agent.output.shared.exit_codes import VERIFIED

if TYPE_CHECKING:
    from rich.console import Console

_T = TypeVar("_T")
Page = tuple[str, int]
"""A text, and the exit code that goes with it."""


def tell(
    output: Path | None,
    things: Sequence[_T],
    told: "Callable[[Console, Sequence[_T]], Page]",
    failed: Callable[[_T, str], _T],
    *,
    for_people: bool = False,
    shared: bool = False,
) -> int:
    """Write what ``told`` says of things, and return the exit code.

    Where it can't say it of all, each is tried alone, and one that can't be told is replaced by
    what ``failed`` makes of it and of the sentence that says why. ``told`` writes nothing itself.
    What is for people is not written where it is quiet and all is well. ``shared``: whether others
    may read a file, as ``new_file`` has it.
    """
    with destination(output, shared=shared) as console:
        text, code = held(things, partial(told, console), failed)
        if not (for_people and quiet() and code == VERIFIED):
            console.file.write(text)
    return code


def held(
    things: Sequence[_T], told: Callable[[Sequence[_T]], Page], failed: Callable[[_T, str], _T]
) -> Page:
    """Return what ``told`` says of all things, those that can't be told as ``failed`` has them."""
    found = guarded(partial(told, things), lambda _: None)
    if found is not None:
        return found
    return told([_sound(thing, told, failed) for thing in things])


def _sound(thing: _T, told: Callable[[Sequence[_T]], Page], failed: Callable[[_T, str], _T]) -> _T:
    def tried() -> _T:
        told([thing])
        return thing

    return guarded(tried, partial(failed, thing))


def untold(result: Audited | Confirmed | Failed, why: str) -> Failed:
    """Return what is said of a domain whose result can't be told."""
    why = f"what was found can't be told: {why}"
    if isinstance(result, Failed):
        return replace(result, error=why)
    audited = result.audited if isinstance(result, Confirmed) else result
    definition = audited.case.declared.definition
    return Failed(name=definition.name, uuid=str(definition.uuid), error=why)


def printed(console: "Console", print_: Callable[[], None]) -> str:
    """Return what is printed to a console, which does not come to see it."""
    with console.capture() as captured:
        print_()
    return captured.get()
