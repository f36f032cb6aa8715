"""A plan that goes on from target to target, each way rehearsed, by QEMUs that tests write."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from host_agent.migrate.facts import End, MachineThere, Under
from host_agent.migrate.rehearsal import Rehearsals
from host_agent.missing import Missing
from host_agent.output import plan_document
from host_agent.plan import hop as plan_hop
from host_agent.plan.facts import Answer, Hop, Kind, Options, Plan, Planned, Site, Subject
from host_agent.plan.hop import Located, Stop
from host_agent.qemu.rehearsal_store import RehearsalStore
from tests.integration.scripted_qemu import write
from tests.integration.test_probe_failures import nothing_is_left, open_folder
from tests.unit.host_agent.plan.test_answer import SUBJECT
from tests.unit.host_agent.plan.test_folding import offers
from tests.unit.host_agent.shared.cases import DEFINITION

if TYPE_CHECKING:
    from host_agent.migrate.destination import Destination

__all__ = ["nothing_is_left", "open_folder"]

OLD, NEW = "pc-q35-3.0", "pc-q35-9.0"
XML = f"<domain><name>vm1</name><os><type machine='{OLD}'>hvm</type></os></domain>"
VERSION = {"qemu": {"major": 10, "minor": 0, "micro": 13}}
# One that gives a guest another host bridge, and one that does so for newer machine types alone.
SECOND = f"qemu.answers['query-version'] = {VERSION!r}\nqemu.config[8] = 0x06000003"
THIRD = f"{SECOND}\nqemu.config[8] = 0x06000004 if qemu.type == {NEW!r} else 0x06000003"


@dataclass(slots=True)
class Libvirt:
    """Writes command lines of domains, and remembers of which XML."""

    asked: list[str] = field(default_factory=list)

    def arguments(self, xml: str) -> tuple[str, ...] | Missing:
        self.asked.append(xml)
        return ("qemu", "-machine", OLD, "-accel", "tcg", "-m", "8", "-smp", "1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A domain, where it is, and two sites to which it goes one after the other."""

    subject: Subject
    source: Stop
    goals: tuple[Stop, Stop]
    libvirt: Libvirt
    kept: Path

    def planned(self, names: Sequence[str] = ("vm1",)) -> list[Hop]:
        options = Options(uris=(), goals=("second", "third"), on=date(2026, 1, 1))
        stops: tuple[Stop, ...] = (self.source,)
        located: tuple[Located, ...] = tuple(
            (self.source, _named(self.subject, name)) for name in names
        )
        found = []
        for goal in self.goals:
            found.append(plan_hop.hop(stops, goal, located, options))
            located = tuple(plan_hop.onward(located, found[-1].planned, goal))
            stops = (goal,)
        return found


def _named(subject: Subject, name: str) -> Subject:
    definition = replace(subject.definition, name=name)
    return replace(subject, active=definition, persistent=definition)


def _site(name: str, qemu: str, *types: str) -> Site:
    offered = {("x86_64", ""): offers(*types)}
    return Site(
        name=name, kind=Kind.ATLAS, end=End(name=name, uuid=None, qemu=qemu), offers=offered
    )


@pytest.fixture
def way(open_folder: Path, tmp_path: Path) -> Way:
    programs = []
    for name, lines in (("here", ()), ("second", (SECOND,)), ("third", (THIRD,))):
        folder = open_folder / name
        folder.mkdir(mode=0o755)
        programs.append(str(write(folder, "qemu = Qemu()", *lines, "qemu.serve()")))
    definition = replace(DEFINITION, machine=OLD, emulator=programs[0], type="qemu")
    kept, libvirt = tmp_path / "kept", Libvirt()
    store = RehearsalStore(kept)

    def goal(name: str, program: str, *types: str) -> Stop:
        under = Under(seconds=60, qemu=program)
        return Stop(site=_site(name, "10.0.13", *types), rehearsals=Rehearsals(under, store))

    return Way(
        subject=replace(
            SUBJECT, active=definition, persistent=definition, xml=XML, native=libvirt.arguments
        ),
        source=Stop(site=_site("here", "7.2.22", OLD, NEW), local=True),
        goals=(goal("second", programs[1], OLD, NEW), goal("third", programs[2], NEW)),
        libvirt=libvirt,
        kept=kept,
    )


def seen(one: Planned) -> set[tuple[str, str | None, str | None]]:
    """What is told of every PCI function alike."""
    assert isinstance(one.rehearsed, MachineThere), one.rehearsed
    return {(one.field, one.old, one.new) for one in one.rehearsed.differences}


def test_each_way_is_rehearsed_from_where_the_domain_is_by_then(way: Way) -> None:
    (second,), (third,) = (hop.planned for hop in way.planned())
    assert isinstance(second, Planned)
    assert isinstance(third, Planned)
    assert (second.answer, third.answer) == (Answer.LIVE, Answer.RAISE)
    assert seen(second) == {("revision", "2", "3")}
    assert isinstance(second.rehearsed, MachineThere)
    assert (second.rehearsed.qemu, second.rehearsed.machine) == ("10.0.13", None)
    # As the type that it is to be raised to, beside what it had on the second.
    assert third.raise_to == NEW
    assert seen(third) == {("revision", "3", "4")}
    assert isinstance(third.rehearsed, MachineThere)
    assert third.rehearsed.machine == NEW


def test_a_raised_type_is_the_one_that_goes_on(way: Way) -> None:
    second, third = way.goals
    turned = replace(way, goals=(third, replace(second, site=_site("second", "10.0.13", NEW))))
    (first,), (after,) = (hop.planned for hop in turned.planned())
    assert isinstance(first, Planned)
    assert isinstance(after, Planned)
    assert (first.answer, first.raise_to) == (Answer.RAISE, NEW)
    assert seen(first) == {("revision", "2", "4")}
    assert (after.answer, seen(after)) == (Answer.LIVE, {("revision", "4", "3")})


def test_many_domains_of_a_shape_and_many_ways_are_a_rehearsal_a_qemu(way: Way) -> None:
    hops = way.planned(("vm1", "vm2", "vm3"))
    assert [len(hop.planned) for hop in hops] == [3, 3]
    # Here, on the second, and on the third.
    assert len(list(way.kept.iterdir())) == 3


def test_what_was_rehearsed_is_said(way: Way) -> None:
    hops = way.planned(("vm1", "vm2"))
    assert [hop.compared[-1] for hop in hops] == [
        "second: QEMU 10.0.13, rehearsed for 2 domains",
        f"third: QEMU 10.0.13, rehearsed for 2 domains (2 as {NEW})",
    ]
    form = json.loads(plan_document.render(Plan(hops=tuple(hops), seconds=1.0), 0))
    told = [
        (one["name"], one["rehearsed"], one["rehearsed_as"], one["not_rehearsed"])
        for hop in form["hops"]
        for one in hop["domains"]
    ]
    assert told == [
        ("vm1", "10.0.13", None, None),
        ("vm2", "10.0.13", None, None),
        ("vm1", "10.0.13", NEW, None),
        ("vm2", "10.0.13", NEW, None),
    ]


def test_a_way_whose_begin_can_not_be_run_is_not_rehearsed(way: Way) -> None:
    second, third = way.goals
    away = replace(second, rehearsals=Rehearsals(Under(seconds=60)))
    for hop in replace(way, goals=(away, third)).planned():
        (one,) = hop.planned
        assert isinstance(one, Planned)
        assert isinstance(one.rehearsed, Missing)
        assert one.rehearsed.sentence == "the QEMU of second can't be run from here"


def test_a_target_with_a_libvirt_writes_the_command_line_as_it_will_be(way: Way) -> None:
    there = Libvirt()
    source = replace(way.source, host=cast("Destination", Host(there)))
    assert plan_hop._arguments(source, way.subject, NEW) == there.arguments(XML)
    assert there.asked[0] == XML.replace(OLD, NEW)
    assert plan_hop._arguments(source, way.subject, OLD) == there.arguments(XML)
    assert there.asked[2] == XML


def test_without_a_libvirt_nothing_is_rehearsed(way: Way) -> None:
    lacking = replace(way, subject=replace(way.subject, native=None))
    (one,) = lacking.planned()[0].planned
    assert isinstance(one, Planned)
    assert isinstance(one.rehearsed, Missing)
    assert "no libvirt" in one.rehearsed.sentence


@dataclass(slots=True)
class Host:
    """A target of which only its libvirt is asked."""

    libvirt: Libvirt

    def arguments(self, xml: str) -> tuple[str, ...] | Missing:
        return self.libvirt.arguments(xml)
