"""What a watched fleet looks like after each look, and which looks are changes."""

import io
from dataclasses import replace

from hypothesis import given, settings
from rich.console import Console

from host_agent.output import watch
from host_agent.verify import watching
from host_agent.verify.watching import GONE, Change, Fleet, HostLook, Look
from tests.unit.host_agent.output.test_audit import FAILED, GOOD, OFF, QUIET, WRONG, audit
from tests.unit.host_agent.output.test_for_machines import ANY

HOST = HostLook(uri="qemu:///system", name="node1")
WHOLE = replace(HOST, whole=True)
VM1 = Look(uri=HOST.uri, uuid="1", name="vm1", word="verified", depth="guest", machine="pc-q35-7.2")
BAD = replace(VM1, word="mismatch", why="the guest is another one")


def after(*looks: Look | HostLook) -> tuple[Fleet, list[Change | None]]:
    fleet = Fleet()
    return fleet, [fleet.put(one, float(at)) for at, one in enumerate(looks)]


def drawn(fleet: Fleet, height: int = 24, width: int = 80) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, height=height).print(watch.screen(fleet, 99.0, height))
    return out.getvalue().splitlines()


def test_an_audit_says_how_a_domain_stands() -> None:
    looks = [watching.look("u", one) for one in audit(GOOD, WRONG, QUIET, OFF, FAILED).results]
    words = "verified", "mismatch", "no answer", "not running", "failed"
    assert tuple(one.word for one in looks) == words
    assert [bool(one.why) for one in looks] == [False, True, True, False, True]
    assert looks[2].why == "nobody answered"


def test_first_looks_are_no_changes() -> None:
    fleet, told = after(HOST, VM1, WHOLE, VM1, WHOLE)
    assert told == [None] * 5
    assert watch.first_line(fleet, WHOLE, 0).endswith("  node1: 1 verified\n")


def test_what_changes_is_told_once_with_the_reason() -> None:
    fleet, told = after(HOST, VM1, WHOLE, BAD, BAD, VM1)
    assert [one and (one.before, one.after, one.why) for one in told[3:]] == [
        ("verified", "mismatch", "the guest is another one"),
        None,
        ("mismatch", "verified", ""),
    ]
    (shown,) = fleet.worst_first()
    assert shown.since == 5.0
    change = told[3]
    assert change is not None
    line = watch.line(change)
    assert line.endswith("  node1  vm1  verified -> mismatch  the guest is another one\n")


def test_another_reason_is_a_change_of_what_has_stood_as_long() -> None:
    fleet, told = after(HOST, BAD, WHOLE, replace(BAD, why="more"))
    assert told[3] is not None
    assert fleet.worst_first()[0].since == 1.0


def test_domains_come_and_go() -> None:
    fleet, told = after(HOST, WHOLE, VM1, replace(VM1, word=GONE), replace(VM1, word=GONE))
    assert [one and (one.before, one.after) for one in told[2:]] == [
        ("new", "verified"),
        ("verified", "gone"),
        None,
    ]
    assert fleet.domains == {}


def test_a_host_that_is_away_keeps_what_is_known_of_it() -> None:
    away = replace(HOST, trouble="no route")
    _, told = after(HOST, VM1, WHOLE, away, away, HOST, BAD)
    assert [one and (one.before, one.after) for one in told[3:]] == [
        ("watched", "not reachable"),
        None,
        ("not reachable", "watched"),
        ("verified", "mismatch"),
    ]
    assert any("node1 not reachable: no route" in line for line in drawn(after(VM1, away)[0]))


def test_the_screen_is_no_higher_than_the_terminal_and_begins_with_the_worst() -> None:
    many = [replace(VM1, uuid=str(at), name=f"vm{at}") for at in range(99)]
    fleet, _ = after(HOST, *many, WHOLE, *(replace(BAD, uuid=str(at)) for at in range(9)))
    for height in (10, 24, 50):
        lines = drawn(fleet, height)
        assert len(lines) <= height
        assert lines[0].startswith("node1 | 9 mismatch, 90 verified | ")
        assert "MISMATCH" in lines[2]
        assert any(line.startswith("and ") and line.endswith(" more") for line in lines)
        assert lines[-1] == "q ends"


def test_a_verdict_is_never_cut() -> None:
    long = replace(BAD, word="unverified", name="n" * 60, machine="m" * 60, why="w" * 300)
    other = replace(HOST, uri="qemu:///other", name="h" * 60)
    for looks in ((HOST, long), (HOST, other, replace(long, uri=other.uri))):
        assert any(" UNVERIFIED " in line for line in drawn(after(*looks)[0]))


@given(ANY)
@settings(deadline=None, max_examples=50)
def test_no_text_is_a_command_to_the_terminal(text: str) -> None:
    odd = replace(BAD, name=text, machine=text, why=text)
    fleet, told = after(replace(HOST, name=text), WHOLE, odd, replace(HOST, trouble=text or "x"))
    for line in (*drawn(fleet), *(watch.line(one)[:-1] for one in told if one)):
        assert line.isprintable()
