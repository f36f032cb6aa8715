"""Which atlases speak for the two QEMUs of a move, and what is asked of whom."""

from dataclasses import replace
from typing import Any

import pytest

from host_agent.atlas.atlas import Atlas
from host_agent.atlas.state_touching import States
from host_agent.errors import UsageError
from host_agent.migrate.facts import End
from host_agent.migrate.forecast import once
from host_agent.migrate.states import states
from host_agent.missing import Missing, Reason
from tests.fingerprint_builder import atlas, machine
from tests.unit.host_agent.shared.cases import DEFINITION, MACHINE
from tests.vmstate_builder import description, field, state

A, B = field("a"), field("b", 2)
HERE = replace(atlas(machine(MACHINE)), states=state(e1000=description("e1000", A)))
THERE = replace(atlas(machine(MACHINE)), states=state(e1000=description("e1000", A, B)))
ENDS = End(name="a", uuid=None, qemu="0.9.1"), End(name="b", uuid=None, qemu=None)
HUNG = Missing(reason=Reason.HUNG, sentence="libvirt did not turn the XML into options")


def asked(_: str, __: tuple[str, ...]) -> Atlas:
    return HERE


def refused(_: str, __: tuple[str, ...]) -> Atlas:
    raise UsageError("this QEMU can't be asked")


def with_card() -> tuple[str, ...]:
    return ("qemu", "-device", "e1000,id=net0")


def test_the_domains_devices_are_held_against_what_is_taken_there() -> None:
    found = states(DEFINITION, ENDS, THERE, asked, with_card)
    assert isinstance(found, States)
    assert [one.model for one in found.touching] == ["e1000"]
    other = states(DEFINITION, ENDS, THERE, asked, lambda: ("qemu",))
    assert isinstance(other, States)
    assert other.touching == ()


def test_what_libvirt_can_not_say_is_not_known() -> None:
    assert states(DEFINITION, ENDS, THERE, asked, lambda: HUNG) is HUNG


@pytest.mark.parametrize(
    ("given", "ask", "changes"),
    [
        (None, asked, {}),
        (THERE, None, {}),
        (THERE, refused, {}),
        (THERE, asked, {"machine": None}),
        (THERE, asked, {"emulator": None}),
    ],
)
def test_without_two_atlases_nobody_is_asked(
    given: Atlas | None, ask: Any, changes: dict[str, Any]
) -> None:
    def never() -> tuple[str, ...]:
        raise AssertionError

    assert states(replace(DEFINITION, **changes), ENDS, given, ask, never) is None


def test_a_qemu_is_asked_once_whatever_it_answers() -> None:
    calls: list[str] = []

    def answering(emulator: str, types: tuple[str, ...]) -> Atlas:
        calls.append(emulator)
        return refused(emulator, types) if emulator == "broken" else HERE

    ask = once(answering)
    assert ask("good", ()) is ask("good", ())
    for _ in range(2):
        with pytest.raises(UsageError):
            ask("broken", ())
    assert calls == ["good", "broken"]
