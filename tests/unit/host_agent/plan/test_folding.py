"""What is said of many domains at once."""

from dataclasses import replace
from uuid import UUID

import pytest

from host_agent.case import last_boot
from host_agent.case.last_boot import NOT_KNOWN
from host_agent.case.results import Failed
from host_agent.difference import Area, Difference
from host_agent.finding import Finding, Outcome
from host_agent.machine_types.offers import Offer
from host_agent.migrate.facts import End, MachineThere
from host_agent.missing import Missing, Reason
from host_agent.plan import folding as plan_folding
from host_agent.plan import mixed_hosts
from host_agent.plan.facts import Answer, Hop, Kind, Limit, Planned, Site, Way
from host_agent.plan.folding import Do
from tests.unit.host_agent.plan.test_answer import SUBJECT
from tests.unit.host_agent.shared.cases import DEFINITION, NOTHING

EMULATOR = "/usr/bin/qemu-system-x86_64"
CODE = Difference(area=Area.ACPI, subject="DSDT", field="code", old="1 bytes", new="2 bytes")
FAMILY = Difference(
    area=Area.SMBIOS, subject="type 4 Processor", field="Processor Family", old="0x01", new="0xfe"
)
FAILED = Failed(name="broken", uuid="u", error="the domain XML can't be parsed")


def offers(*names: str, old: tuple[str, ...] = ()) -> dict[str, Offer]:
    return {name: Offer(canonical=name, deprecated=name in old) for name in (*names, *old)}


def site(name: str, *names: str, kind: Kind = Kind.HOST, old: tuple[str, ...] = ()) -> Site:
    emulator = EMULATOR if kind is Kind.HOST else ""
    return Site(
        name=name,
        kind=kind,
        end=End(name=name, uuid=name, qemu="7.2.22"),
        offers={("x86_64", emulator): offers(*names, old=old)},
    )


def planned(
    name: str,
    answer: Answer = Answer.LIVE,
    *findings: Finding,
    raise_to: str | None = None,
    outlook: tuple[Difference, ...] = (),
) -> Planned:
    return Planned(
        definition=replace(DEFINITION, name=name, uuid=UUID(int=hash(name) % 2**64)),
        source="node1",
        state="running",
        active=True,
        answer=answer,
        raise_to=raise_to,
        findings=findings,
        outlook=outlook,
    )


def failing(sentence: str, check: str = "move-devices") -> Finding:
    return Finding(check=check, outcome=Outcome.FAIL, sentence=sentence)


def warning(sentence: str) -> Finding:
    return Finding(check="move-cpu", outcome=Outcome.WARN, sentence=sentence)


def test_the_same_reason_is_said_once_and_the_worst_first() -> None:
    found = plan_folding.groups(
        (
            planned("a", Answer.RESTART, failing("PCI")),
            planned("fine"),
            planned("b", Answer.RESTART, failing("PCI")),
            planned("c", Answer.RESTART, failing("CPU")),
            planned("d", Answer.RAISE, failing("gone"), raise_to="pc-q35-7.2"),
            planned("e", Answer.RAISE, failing("gone"), raise_to="pc-q35-8.2"),
            FAILED,
            planned("f", Answer.CANNOT, failing("disk")),
        )
    )
    assert [(one.answer, [domain.name for domain in one.domains]) for one in found] == [
        (Answer.CANNOT, ["f"]),
        (Answer.RAISE, ["d"]),
        (Answer.RAISE, ["e"]),
        (Answer.RESTART, ["a", "b"]),
        (Answer.RESTART, ["c"]),
        (Answer.UNKNOWN, ["broken"]),
    ]
    assert found[-1].reasons[0].sentence == FAILED.error


def test_warnings_are_said_once() -> None:
    found = plan_folding.noted(
        (planned("a", Answer.LIVE, warning("x")), planned("b", Answer.LIVE, warning("x")), FAILED),
        Outcome.WARN,
    )
    assert [(one.finding.sentence, len(one.domains)) for one in found] == [("x", 2)]
    many = tuple(planned(str(at), Answer.LIVE, warning(f"type {at}")) for at in range(4))
    found = plan_folding.noted(many, Outcome.WARN)
    assert [(one.finding.sentence, len(one.domains), one.ways) for one in found] == [
        ("type 0", 4, 4)
    ]
    assert len(plan_folding.noted(many[:3], Outcome.WARN)) == 3


def test_types_that_are_gone_are_one_trouble() -> None:
    gone = [failing(f"no {name}", "move-machine-type") for name in ("1.7", "2.0")]
    alias = replace(gone[0], observed="pc-i440fx-10.0")
    found = plan_folding.groups(
        (
            planned("a", Answer.RAISE, gone[0], raise_to="x"),
            planned("b", Answer.RAISE, gone[1], raise_to="x"),
            planned("c", Answer.RAISE, alias, raise_to="x"),
        )
    )
    assert [len(one.domains) for one in found] == [2, 1]


def test_types_are_raised_first_and_what_runs_on_goes_before_what_stops() -> None:
    found = plan_folding.steps(
        (
            planned("s", Answer.START),
            planned("r", Answer.RESTART),
            planned("l", Answer.LIVE),
            planned("u", Answer.RAISE, raise_to="b"),
            planned("t", Answer.RAISE, raise_to="a"),
            planned("c", Answer.CANNOT),
            FAILED,
            replace(planned("m", Answer.RESTART), active=False),
        )
    )
    assert [(one.do, one.raise_to, len(one.domains)) for one in found] == [
        (Do.RAISE, "a", 1),
        (Do.RAISE, "b", 1),
        (Do.RESTORE, None, 1),
        (Do.LIVE, None, 1),
        (Do.RESTART, None, 1),
        (Do.START, None, 1),
    ]


def test_changes_are_counted_by_domain_not_by_processor() -> None:
    found = plan_folding.seen(
        (
            planned("a", outlook=(CODE, replace(FAMILY, count=4))),
            planned("b", outlook=(replace(CODE, new="3 bytes"), FAMILY)),
            planned("c", outlook=(CODE,)),
            replace(planned("d"), outlook=NOTHING),
            FAILED,
        )
    )
    told = [(one.difference.field, one.varies, len(one.domains)) for one in found]
    assert told == [("code", True, 3), ("Processor Family", False, 2)]


OLD, NEW = ("pc-i440fx-7.1", "pc-i440fx-7.2"), ("pc-i440fx-7.2", "pc-i440fx-10.0")


@pytest.mark.parametrize(
    ("sites", "limit"),
    [
        ([site("a", *OLD), site("b", *OLD)], None),
        ([site("a", *OLD), site("b", *NEW)], ("pc-i440fx-7.2", ("a",))),
        # Back to an older one: that is the one to wait for.
        ([site("b", *NEW), site("a", *OLD)], ("pc-i440fx-7.2", ("a",))),
        ([site("a", *OLD), site("c", *OLD), site("r", *NEW, kind=Kind.RELEASE)],
         ("pc-i440fx-7.2", ("a", "c"))),
        # A distribution's own types go before QEMU's.
        ([site("a", *OLD, "pc-i440fx-jammy"), site("b", *NEW, "pc-i440fx-jammy",
          "pc-i440fx-noble")], ("pc-i440fx-jammy", ("a",))),
        ([site("a", "pc-i440fx-2.1"), site("b", "pc-i440fx-10.0")], None),
        ([site("a", *OLD), site("b")], None),
    ],
)  # fmt: skip
def test_limits(sites: list[Site], limit: tuple[str, tuple[str, ...]] | None) -> None:
    found = mixed_hosts.limits(sites, (SUBJECT, SUBJECT))
    wanted = () if limit is None else (Limit(family="pc-i440fx", newest=limit[0], until=limit[1]),)
    assert found == wanted


@pytest.mark.parametrize(
    ("machine", "here", "there", "name", "note"),
    [
        ("pc-i440fx-2.1", offers("pc-i440fx-2.1", *OLD), offers(*NEW), "pc-i440fx-7.2", None),
        # Better an old one than none.
        ("pc-i440fx-2.1", offers("pc-i440fx-2.1", "pc-i440fx-5.2"),
         offers(*NEW, old=("pc-i440fx-5.2",)), "pc-i440fx-5.2", "deprecated"),
        ("pc-i440fx-2.1", offers("pc-i440fx-2.1"), offers(*NEW), None, None),
        # Never another machine.
        ("pc-i440fx-2.1", offers("pc-i440fx-2.1", "pc-q35-7.2"), offers("pc-q35-7.2"), None, None),
    ],
)  # fmt: skip
def test_what_to_raise_to(
    machine: str,
    here: dict[str, Offer],
    there: dict[str, Offer],
    name: str | None,
    note: str | None,
) -> None:
    found = mixed_hosts.raised(machine, [here, there])
    assert found.name == name, found
    assert (note or "") in (found.note or "")


def test_a_raised_type_counts_on_the_next_hop() -> None:
    raised = planned("vm1", Answer.RAISE, raise_to="pc-i440fx-7.2")
    old = replace(DEFINITION, machine="pc-i440fx-2.1")
    subject = replace(SUBJECT, active=old, persistent=old)
    onward = plan_folding.onward(subject, raised, "10.0.13")
    assert onward.active is not None
    assert onward.persistent is not None
    assert {onward.active.machine, onward.persistent.machine} == {"pc-i440fx-7.2"}
    # One that is stopped and started is what its definition says by then.
    later = replace(subject, persistent=replace(old, machine="pc-i440fx-10.0"))
    onward = plan_folding.onward(later, planned("vm1", Answer.RESTART), "10.0.13")
    assert onward.definition.machine == "pc-i440fx-10.0"


def test_who_came_live_keeps_its_boot() -> None:
    booted = replace(SUBJECT, boot=last_boot.by("7.2.22"))
    live = plan_folding.onward(booted, planned("vm1", Answer.LIVE), "10.0.13").boot
    assert (set(live.versions), live.whole) == ({"7.2.22", "10.0.13"}, True)
    again = plan_folding.onward(booted, planned("vm1", Answer.RESTART), "10.0.13").boot
    assert again == last_boot.by("10.0.13")
    assert plan_folding.onward(booted, planned("vm1", Answer.RESTART), None).boot == NOT_KNOWN


def test_what_no_check_judges_is_said_of_the_domains_that_have_it() -> None:
    tpm, both = planned("a"), planned("b")
    tpm = replace(tpm, definition=replace(tpm.definition, unjudged=("<devices/tpm>",)))
    both = replace(
        both,
        definition=replace(
            both.definition, unjudged=("<devices/tpm>", "<genid>"), unknown=("<flux>",)
        ),
    )
    hop = Hop(
        sources=(site("here", *OLD),),
        target=site("there", *NEW),
        ways=(),
        planned=(tpm, both, planned("c")),
    )
    assert [line for line in plan_folding.not_checked(hop) if "<" in line] == [
        "a, b: seen by the guest, but judged by no check: <devices/tpm>",
        "b: seen by the guest, but judged by no check: <genid>",
        "b: not known to this samemachine: <flux>",
    ]


def test_what_was_not_rehearsed_is_said_with_its_reason() -> None:
    away = Missing(reason=Reason.UNSUPPORTED, sentence="it can't be run from here", remedy="--root")
    made = MachineThere(qemu="10.0.13", differences=())
    hop = Hop(sources=(site("here", *OLD),), target=site("there", *NEW), ways=(), planned=())
    said = []
    for rehearsed in ((None, None), (made, made), (made, away), (away, away)):
        both = zip("ab", rehearsed, strict=True)
        domains = tuple(replace(planned(name), rehearsed=one) for name, one in both)
        lines = plan_folding.not_checked(replace(hop, planned=domains))
        told = [line.partition(": ")[0] for line in lines if "rehears" in line]
        said.append((any(line.startswith("what guests see") for line in lines), told))
    why = "not rehearsed, because it can't be run from here (--root)"
    assert said == [
        (True, ["what guests see is compared for machine types alone, as atlases have them"]),
        (False, []),
        (True, ["b"]),
        (True, ["a, b"]),
    ]
    assert f"a, b: {why}" in lines


@pytest.mark.parametrize("kind", list(Kind))
def test_something_is_never_checked(kind: Kind) -> None:
    target = site("there", *NEW, kind=kind)
    hop = Hop(sources=(site("here", *OLD),), target=target, ways=(), planned=())
    lines = plan_folding.not_checked(hop)
    assert "networks" in lines[0]
    unknown = Finding(check="move-storage", outcome=Outcome.UNKNOWN, sentence="vda can't be told")
    more = replace(
        hop,
        planned=(replace(planned("a", Answer.LIVE, unknown), outlook=NOTHING), planned("b")),
        ways=(Way(source="here", supported=None, why="not seen"),),
        unchecked=("ROMs",),
    )
    told = plan_folding.not_checked(more)
    assert lines == tuple(line for line in told if line in lines)
    for words in (
        "ROMs",
        "release path of here: not seen",
        "a: vda can't be told",
        "what a will see there: not to be had",
    ):
        assert words in told
