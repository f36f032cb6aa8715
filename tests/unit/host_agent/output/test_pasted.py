"""Names of strangers on a console, and in commands that people paste."""

import io
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.commands.shared.console import plain
from host_agent.printable import printable, quoted

HOSTILE = ["[/]", "[bold]x", "[red", "a[/b]", ":smile:", "$(reboot)", "a b", "'", "`id`", "-x;y"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_console_shows_a_name_as_it_is(name: str) -> None:
    file = io.StringIO()
    plain(file=file, width=80).print(name)
    assert file.getvalue() == f"{name}\n"


@given(st.sampled_from(HOSTILE) | st.text())
def test_a_quoted_name_is_one_word(name: str) -> None:
    assert shlex.split(f"virsh start {quoted(name)}") == ["virsh", "start", printable(name)]
