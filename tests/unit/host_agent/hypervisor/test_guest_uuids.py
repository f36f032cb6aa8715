"""Which UUIDs the guests of one libvirtd see, and which of them are the same."""

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import pytest

from host_agent.errors import LibvirtError, LibvirtTimeoutError
from host_agent.hypervisor.guest_uuids import Neighbours, guest_uuids

SEEN = UUID(int=7)


@dataclass
class Domain:
    name: str
    uuid: UUID
    element: str = ""
    number: int | None = 1
    trouble: Exception | None = None

    def id(self) -> int | None:
        return self.number

    def xml(self, *, inactive: bool) -> str:
        assert not inactive
        if self.trouble is not None:
            raise self.trouble
        return f"<domain><uuid>{self.uuid}</uuid>{self.element}</domain>"


HWUUID = f"<hwuuid>{SEEN}</hwuuid>"
OLD, NEW = Domain("old", UUID(int=1), HWUUID), Domain("new", UUID(int=2), HWUUID)
ITSELF, OFF = Domain("itself", SEEN), Domain("off", UUID(int=3), HWUUID, number=None)
GONE = Domain("gone", UUID(int=4), trouble=LibvirtError("there is no such domain"))
ODD = Domain("odd", UUID(int=8), trouble=ZeroDivisionError("nobody foresaw it"))
BROKEN = Domain("broken", UUID(int=5), "<hwuuid>x</hwuuid>")
ALL = [OLD, NEW, ITSELF, OFF, GONE, BROKEN, ODD]


def test_what_runs_by_what_its_guest_sees() -> None:
    seen = {
        OLD.uuid: SEEN, NEW.uuid: SEEN, SEEN: SEEN, GONE.uuid: GONE.uuid, BROKEN.uuid: BROKEN.uuid,
        ODD.uuid: ODD.uuid,
    }  # fmt: skip
    assert guest_uuids(cast("Any", ALL), "12.8.0") == seen
    # No libvirt before has the element, so none is asked for.
    hangs = Domain("hangs", UUID(int=6), trouble=LibvirtTimeoutError("no answer"))
    assert guest_uuids(cast("Any", [hangs]), "11.5.0") == {hangs.uuid: hangs.uuid}
    with pytest.raises(LibvirtTimeoutError):
        guest_uuids(cast("Any", [hangs]), "11.6.0")


def test_neighbours_are_listed_again_after_a_while() -> None:
    now, there = [0.0], [OLD, OFF]
    asked = []

    def domains() -> list[Domain]:
        asked.append(now[0])
        return list(there)

    neighbours = Neighbours(cast("Any", domains), "12.8.0", clock=lambda: now[0])
    assert neighbours.others("old", SEEN) == ()
    assert neighbours.others("new", SEEN) == ("old",)
    there += [NEW, ITSELF]
    assert neighbours.others("old", SEEN) == ()
    now[0] = 10.0
    assert neighbours.others("old", SEEN) == ("itself", "new")
    assert neighbours.others("old", UUID(int=9)) == ()
    assert asked == [0.0, 10.0]


def test_a_libvirtd_that_hangs_is_not_waited_for_by_each_domain() -> None:
    asked = []

    def domains() -> list[Domain]:
        asked.append(1)
        return [Domain("hangs", UUID(int=6), trouble=LibvirtTimeoutError("no answer")), OLD]

    now = [0.0]
    neighbours = Neighbours(cast("Any", domains), "12.8.0", clock=lambda: now[0])
    for _ in range(3):
        assert neighbours.others("new", SEEN) == ()
    assert len(asked) == 1
