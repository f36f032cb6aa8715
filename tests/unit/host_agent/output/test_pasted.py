"""Names of strangers on a console, and in commands that people paste."""

import io
import shlex
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.commands.shared.console import plain
from host_agent.hypervisor.selection import present
from host_agent.output.shared.planned_names import PlannedNames
from host_agent.printable import argument, operand, printable, quoted
from tests.unit.host_agent.plan.test_folding import planned

HOSTILE = ["[/]", "[bold]x", "[red", "a[/b]", ":smile:", "$(reboot)", "a b", "'", "`id`", "-x;y"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_console_shows_a_name_as_it_is(name: str) -> None:
    file = io.StringIO()
    plain(file=file, width=80).print(name)
    assert file.getvalue() == f"{name}\n"


@given(st.sampled_from(HOSTILE) | st.text())
def test_a_quoted_name_is_one_word(name: str) -> None:
    assert shlex.split(f"virsh start {quoted(name)}") == ["virsh", "start", printable(name)]


ONE = "5b0c8a3e-6f6d-4b7e-9a55-0d6c0d0a0a01"


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("vm1", "vm1"),
        ("a b", "'a b'"),
        ("$(reboot)", "'$(reboot)'"),
        ("1st", "1st"),
        ("a-", "a-"),
        # Options, for every program that they are given to.
        ("-x", ONE),
        ("--all", ONE),
        # virsh and samemachine look for a running domain of this number first.
        ("7", ONE),
        ("+7", ONE),
        # And for a UUID, that may be another domain's.
        ("5b0c8a3e-6f6d-4b7e-9a55-0d6c0d0a0a02", ONE),
        ("5b0c8a3e6f6d4b7e9a550d6c0d0a0a02", ONE),
        # What is printed otherwise than it is finds nothing when it is pasted.
        ("vm\u3164", ONE),
        ("vm\n1", ONE),
        ("x" * 3000, ONE),
        (" ", ONE),
        ("", ONE),
    ],
)
def test_what_names_a_domain_in_a_command(name: str, word: str) -> None:
    assert argument(name, UUID(ONE)) == argument(name, ONE) == word


@given(st.sampled_from(HOSTILE) | st.text())
def test_what_names_a_domain_is_found_again(name: str) -> None:
    asked = shlex.split(f"samemachine show {argument(name, ONE)}")[2:]
    assert len(asked) == 1
    assert not asked[0].startswith("-")
    domain = SimpleNamespace(name=name, uuid=UUID(ONE), id=lambda: None)
    other = SimpleNamespace(name="7", uuid=UUID(int=7), id=lambda: 7)
    found = present([cast("Any", other), cast("Any", domain)], asked, "test:///default")
    assert list(found.values()) == [domain]


def test_an_operand_is_no_option() -> None:
    assert [operand("-x y"), operand("x y")] == ["-- '-x y'", "'x y'"]


@pytest.mark.parametrize("name", ["vm{}", "a long name of a domain {}"])
def test_a_command_for_many_names_all_of_them_or_none(name: str) -> None:
    several = [planned(name.format(at)) for at in range(9)]
    names = PlannedNames(several)
    assert names.every(several) == "DOMAIN..."
    assert "+" in names.some(several)
    assert shlex.split(names.every(several[:2])) == [name.format(at) for at in range(2)]
