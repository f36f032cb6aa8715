"""What runs on two hosts at once, and what is only on its way from one to the other."""

from dataclasses import replace
from uuid import UUID

import pytest

from host_agent.case.doubles import Sighting, doubles

ONE, TWO = UUID(int=1), UUID(int=2)


def on(host: str, state: str = "running", reason: str = "booted") -> Sighting:
    return Sighting(place=host, host=host, name="vm1", uuid=ONE, state=state, reason=reason)


@pytest.mark.parametrize(
    ("here", "there", "double"),
    [
        (("running", "booted"), ("running", "booted"), True),
        (("running", "booted"), ("running", "migrated"), True),
        # Both went on: the source took the move for one that failed.
        (("running", "migration cancelled"), ("running", "migrated"), True),
        (("running", "booted"), ("paused", "paused"), True),
        (("paused", "I/O error"), ("paused", "paused"), True),
        (("running", "booted"), ("pmsuspended", "unknown"), True),
        # libvirts that give no reason.
        (("running", "unknown"), ("running", "unknown"), True),
        # A live migration, from its first moment to its last.
        (("running", "booted"), ("paused", "starting up"), False),
        (("running", "booted"), ("paused", "migration"), False),
        (("running", "migration cancelled"), ("paused", "migration"), False),
        (("paused", "paused"), ("paused", "migration"), False),
        (("paused", "migration"), ("paused", "migration"), False),
        (("paused", "migration"), ("running", "migrated"), False),
        (("paused", "migration"), ("paused", "paused"), False),
        # With post-copy.
        (("paused", "post-copy"), ("running", "post-copy"), False),
        (("paused", "post-copy failed"), ("running", "post-copy failed"), False),
        (("paused", "post-copy failed"), ("paused", "post-copy failed"), False),
    ],
)
def test_states(here: tuple[str, str], there: tuple[str, str], double: bool) -> None:
    for first, second in ((here, there), (there, here)):
        seen = on("a", *first), on("b", *second)
        assert doubles(seen) == ({ONE: seen} if double else {})


def test_a_third_is_on_its_way() -> None:
    """A copy on c, while the domain moves from a to b."""
    moving = on("a"), on("b", "paused", "migration"), on("c")
    assert doubles(moving) == {ONE: (moving[0], moving[2])}


def test_one_libvirtd_is_one_place() -> None:
    assert doubles([on("a"), on("a")]) == {}
    assert doubles([]) == {}


def test_two_domains_with_one_hwuuid_are_two_guests() -> None:
    one, other = on("a"), replace(on("a"), name="clone")
    assert doubles([one, other]) == {ONE: (one, other)}
    assert doubles([one, replace(other, state="paused", reason="migration")]) == {}


def test_each_domain_for_itself() -> None:
    other = replace(on("b"), uuid=TWO)
    assert doubles([on("a"), other]) == {}
    assert set(doubles([on("a"), other, on("b"), replace(other, place="c")])) == {ONE, TWO}
