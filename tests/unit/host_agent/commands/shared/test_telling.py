"""What can't be told of one domain costs the others nothing."""

import io
from collections.abc import Sequence
from pathlib import Path

import pytest

from host_agent.commands.shared.console import plain
from host_agent.commands.shared.telling import held, printed, tell


def told(things: Sequence[str]) -> tuple[str, int]:
    for thing in things:
        if thing.startswith("bad"):
            raise IndexError(thing)
    return " ".join(things), len(things)


def failed(thing: str, why: str) -> str:
    assert why.startswith(f"IndexError: {thing}")
    return f"failed:{thing}"


@pytest.mark.parametrize(
    ("things", "text"),
    [
        (["a", "b"], "a b"),
        (["a", "bad", "b"], "a failed:bad b"),
        (["bad1", "bad2"], "failed:bad1 failed:bad2"),
        ([], ""),
    ],
)
def test_one_that_cant_be_told_is_replaced(things: list[str], text: str) -> None:
    assert held(things, told, failed) == (text, len(things))


def test_what_no_thing_is_to_blame_for_is_raised() -> None:
    def never(things: Sequence[str]) -> tuple[str, int]:
        raise IndexError("never")

    with pytest.raises(IndexError, match="never"):
        held(["a"], never, lambda thing, _: thing)


def test_nothing_is_written_before_all_of_it_is_known(tmp_path: Path) -> None:
    file = tmp_path / "out"
    code = tell(file, ["a", "bad"], lambda _, things: told(things), failed)
    assert (code, file.read_text()) == (2, "a failed:bad")


def test_what_is_printed_comes_back_as_text() -> None:
    seen = io.StringIO()
    console = plain(file=seen, width=80)
    assert printed(console, lambda: console.print("[b]x")) == "[b]x\n"
    assert seen.getvalue() == ""
