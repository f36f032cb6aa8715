"""A plan as people, programs and browsers read it, also of hostile names."""

import io
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from lxml import etree
from rich.console import Console

from host_agent.case.results import Failed
from host_agent.difference import Area, Difference
from host_agent.finding import Finding, Outcome
from host_agent.migrate.facts import End, MachineThere
from host_agent.output import plan as output
from host_agent.output import plan_document, plan_words
from host_agent.plan.facts import Answer, Hop, Kind, Limit, Plan, Planned, Site, Way
from tests import json_output
from tests.unit.host_agent.output import test_audit_page
from tests.unit.host_agent.plan.test_folding import CODE, FAMILY, failing, planned, warning
from tests.unit.host_agent.shared.cases import DEFINITION, NOTHING
from tests.unit.host_agent.shared.tpm_rows import LOST, OTHER, SAME, TPM, outlook

GOLDEN = Path(__file__).parents[3] / "data" / "output"
HERE = Site(
    name="node17",
    kind=Kind.HOST,
    offers={},
    release="ubuntu:jammy",
    end=End(name="node17", uuid="1", qemu="6.2.0", libvirt="8.0.0"),
)
THERE = Site(
    name="noble-host",
    kind=Kind.HOST,
    offers={},
    release="ubuntu:noble",
    end=End(name="noble-host", uuid="2", qemu="8.2.2", libvirt="10.0.0"),
)
FORKY = Site(
    name="debian:forky",
    kind=Kind.RELEASE,
    offers={},
    release="debian:forky",
    end=End(name="debian:forky", uuid=None, qemu="11.1.2"),
)
PRODUCT = Difference(
    area=Area.SMBIOS,
    subject="type 1 System",
    field="Product Name",
    old="'Standard PC (i440FX + PIIX, 1996)'",
    new="'Ubuntu 22.04 PC (i440FX + PIIX, 1996)'",
)
RAISE = replace(
    warning("pc-i440fx-jammy: newest that all 2 hosts offer"),
    check="plan-raise",
    remedy="samemachine upgrade NAME --to pc-i440fx-jammy",
)
GONE = failing(
    "noble-host (QEMU 8.2.2): there is no machine type pc-i440fx-1.7", "move-machine-type"
)
PCI = replace(
    failing("the guest has what belongs to this host: pci device hostdev0"),
    remedy="detach it, or stop and start the guest there",
)
SAVED = replace(
    failing("its saved state stays on this host, also in an offline migration", "plan-saved"),
    remedy="start it here: virsh start NAME",
)
DISK = failing("on this host's own file system: vda (/srv/scratch.qcow2)", "move-storage")
PASSTHROUGH = replace(warning("the guest has its host's own CPU"), remedy="host-model moves")
WAY = Way(
    source="node17", supported=True, why="an LTS to the next LTS; both are supported on 2026-11-25"
)


def named(name: str, number: int, answer: Answer, *findings: Finding, **more: Any) -> Planned:
    found = planned(name, answer, *findings, **more)
    machine = "pc-i440fx-1.7" if answer is Answer.RAISE else "pc-i440fx-jammy"
    definition = replace(DEFINITION, name=name, uuid=UUID(int=number), machine=machine)
    return replace(found, source="node17", definition=definition)


DOMAINS: tuple[Planned | Failed, ...] = (
    *(named(f"db{at:02}", at, Answer.LIVE, outlook=(PRODUCT, CODE)) for at in range(1, 33)),
    *(named(f"gpu{at}", 40 + at, Answer.RESTART, PCI, PASSTHROUGH, outlook=(PRODUCT,))
      for at in (1, 2)),
    *(named(f"old{at}", 50 + at, Answer.RAISE, GONE, RAISE, raise_to="pc-i440fx-jammy",
            outlook=(PRODUCT, replace(CODE, new="9 bytes"))) for at in (1, 2, 3)),
    named("scratch", 60, Answer.CANNOT, DISK, outlook=(PRODUCT,)),
    replace(named("asleep", 61, Answer.RESTART, SAVED, outlook=(FAMILY,)), state="shut off",
            active=False),
    replace(named("spare", 62, Answer.START), state="shut off", active=False, outlook=NOTHING),
    Failed(name="broken", uuid=str(UUID(int=63)), error="the domain XML can't be parsed"),
)  # fmt: skip
HOP = Hop(
    sources=(HERE,),
    target=THERE,
    ways=(WAY,),
    planned=DOMAINS,
    limits=(
        Limit(family="pc-i440fx", newest="pc-i440fx-jammy", until=("node17",)),
        Limit(family="pc-q35", newest="pc-q35-jammy", until=("node17",)),
    ),
    compared=("node17: QEMU 6.2.0 (qemu-system-x86 1:6.2), x86_64, asked",),
    unchecked=("sizes of option ROMs and firmware of noble-host: its own QEMU was not asked",),
)
PLAN = Plan(hops=(HOP,), seconds=4.1)
QUIET = replace(HOP, planned=DOMAINS[:2], limits=())
BACKWARD = replace(
    WAY,
    supported=False,
    why="no path of Ubuntu's policy: the LTS focal goes to groovy, jammy",
    around=("focal", "jammy", "noble"),
)


def printed(plan: Plan, *, verbose: bool = False, width: int = 90) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False)
    output.print_plan(console, plan, plan_words.exit_code(plan), verbose=verbose)
    return out.getvalue()


FORMS = {
    "plan.txt": lambda: printed(PLAN),
    "plan.json": lambda: plan_document.render(PLAN, plan_words.exit_code(PLAN)),
    # How all pages look is not the plan's.
    "plan.html": lambda: re.sub(r"(?s)<style>.*</style>", "", plan_document.page(PLAN)),
}


@pytest.mark.parametrize("name", FORMS)
def test_golden(name: str) -> None:
    """SAMEMACHINE_GOLDEN=write writes what is printed today; read it before it is kept."""
    told, file = FORMS[name](), GOLDEN / name
    if os.environ.get("SAMEMACHINE_GOLDEN") == "write":
        file.write_text(told, encoding="utf-8")
    assert told == file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("domains", "changes", "code"),
    [
        (DOMAINS[:2], {}, 0),
        ((), {}, 0),
        ((planned("a", Answer.START),), {}, 0),
        ((planned("a", Answer.RESTART),), {}, 1),
        ((planned("a", Answer.RAISE),), {}, 1),
        ((planned("a", Answer.CANNOT),), {}, 1),
        ((DOMAINS[0], DOMAINS[-1]), {}, 3),
        ((planned("a", Answer.UNKNOWN),), {}, 3),
        ((DOMAINS[0],), {"unreachable": ("node3 is away",)}, 4),
        ((planned("a", Answer.RAISE),), {"unreachable": ("node3 is away",)}, 1),
    ],
)  # fmt: skip
def test_exit_code(
    domains: tuple[Planned | Failed, ...], changes: dict[str, tuple[str, ...]], code: int
) -> None:
    plan = Plan(hops=(replace(HOP, planned=domains),), seconds=1.0, **changes)
    assert plan_words.exit_code(plan) == code


def test_a_path_that_is_not_supported_is_no_success() -> None:
    plan = replace(PLAN, hops=(replace(QUIET, ways=(BACKWARD,)),))
    assert plan_words.exit_code(plan) == 1
    told = printed(plan)
    assert "live path: not supported" in told
    assert "way round: focal -> jammy -> noble" in told


def test_a_healthy_host_is_few_lines() -> None:
    healthy = tuple(
        named(f"vm{at:02}", at, Answer.LIVE, outlook=(PRODUCT, CODE)) for at in range(40)
    )
    plan = replace(PLAN, hops=(replace(HOP, planned=healthy, unchecked=(), limits=()),))
    assert len(printed(plan, width=100).splitlines()) <= 14


def test_hops_follow_one_another() -> None:
    second = replace(QUIET, sources=(THERE,), target=FORKY)
    told = printed(replace(PLAN, hops=(QUIET, second), staying=("node9",)))
    first, _, rest = told.partition("noble-host ubuntu:noble 8.2.2 -> debian:forky 11.1.2")
    assert "node17 ubuntu:jammy 6.2.0 -> noble-host" in first
    assert "node9 is the target itself" in first
    # The exit code is of all hops.
    assert "exit" not in first
    assert "exit 0" in rest
    assert (
        len(json_output.read(plan_document.render(replace(PLAN, hops=(QUIET, second)), 0))["hops"])
        == 2
    )


def test_everything_is_told_to_who_asks() -> None:
    told = printed(PLAN, verbose=True)
    assert "move-devices fail: the guest has what belongs" in told
    assert "broken: the domain XML can't be parsed" in told


def test_whose_recovery_key_is_asked_for_is_said_first() -> None:
    seen = MachineThere(qemu="8.2.2", differences=())
    asks, opens = outlook(OTHER, False), outlook(SAME, True)
    fates: list[Any] = [asks, asks, asks, outlook(LOST, None), NOTHING, opens, opens, opens]
    guests = [
        replace(one, rehearsed=seen, definition=replace(one.definition, firmware="efi"))
        for one in (named(f"vm{at:02}", at, Answer.LIVE) for at in range(40))
    ]
    sealed = [
        replace(one, sealed=fate, definition=replace(one.definition, tpm=TPM))
        for one, fate in zip(guests, fates, strict=False)
    ]
    whole = replace(HOP, planned=(*sealed, *guests[len(fates) :]))
    plan = replace(PLAN, hops=(whole,))
    first, second, *_ = printed(plan, width=200).splitlines()
    assert first == (
        "3 of 40 UEFI guests will ask for the recovery key at their first stop and start: suspend "
        "the bindings before: vm00, vm01, vm02"
    )
    assert second.startswith("of 2 of 40 UEFI guests it is not known whether they will ask")
    assert plan_document.page(plan).index("3 of 40 UEFI guests") < plan_document.page(plan).index(
        "<h2>"
    )
    (hop,) = json_output.read(plan_document.render(plan, 0))["hops"]
    assert hop["recovery_keys"] == {
        "guests": 40,
        "will_ask": ["vm00", "vm01", "vm02"],
        "not_known": ["vm03", "vm04"],
    }
    told = {one["name"]: one["tpm"] for one in hop["domains"]}
    assert told["vm00"]["keys"][0]["opens"] is False
    assert told["vm04"]["unknown"] == NOTHING.sentence
    assert told["vm39"] is None


def test_who_did_not_ask_for_a_rehearsal_is_told_that_nobody_looked() -> None:
    one = named("vm1", 1, Answer.LIVE)
    sealing = replace(one, definition=replace(one.definition, firmware="efi", tpm=TPM))
    told = printed(replace(PLAN, hops=(replace(HOP, planned=(sealing,)),)), width=200)
    assert "recovery key" not in told
    assert "vm1: whether what is bound to the TPM opens at the first stop and start there: " in told


HOSTILE = "\x1b[2J\u202e<script>alert(1)</script>{{ 7 * 7 }}"


def hostile() -> Plan:
    bad = Failed(name=HOSTILE, uuid="u", error=HOSTILE)
    finding = replace(failing(HOSTILE), remedy=HOSTILE)
    one = replace(
        named(
            HOSTILE,
            1,
            Answer.RESTART,
            finding,
            warning(HOSTILE),
            replace(warning(HOSTILE), outcome=Outcome.UNKNOWN),
            outlook=(replace(PRODUCT, new=HOSTILE),),
        ),
        raise_to=HOSTILE,
        source=HOSTILE,
    )
    named_badly = replace(HERE, name=HOSTILE, release=HOSTILE)
    hop = replace(
        HOP,
        sources=(named_badly,),
        target=replace(named_badly, end=THERE.end),
        planned=(one, bad),
        ways=(replace(BACKWARD, source=HOSTILE, why=HOSTILE, around=(HOSTILE,)),),
        limits=(Limit(family="pc", newest=HOSTILE, until=(HOSTILE,)),),
        compared=(HOSTILE,),
        unchecked=(HOSTILE,),
    )
    return Plan(hops=(hop,), seconds=1.0, staying=(HOSTILE,), unreachable=(HOSTILE,))


def test_hostile_names_do_nothing() -> None:
    told, page = printed(hostile(), verbose=True), plan_document.page(hostile())
    for text in (told, page):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "<script" not in page
    assert "{{ 7 * 7 }}" in page
    assert (
        json_output.read(plan_document.render(hostile(), 1))["hops"][0]["domains"][0]["name"]
        == HOSTILE
    )


@pytest.mark.parametrize("plan", [PLAN, hostile(), Plan(hops=(), seconds=0.0)])
def test_a_page_is_well_formed_and_needs_no_other_file(plan: Plan) -> None:
    page = test_audit_page.sound(plan_document.page(plan))
    assert [tag for tag, _ in page.elements].count("h1") == 1
    assert [tag for tag, _ in page.elements].count("section") == len(plan.hops)


def test_the_page_begins_with_what_needs_something() -> None:
    """What moves live or starts there is folded, however much of it there is."""
    many = tuple(planned(f"ok{number}", Answer.LIVE) for number in range(32))
    late = (
        planned("restarted", Answer.RESTART), planned("raised", Answer.RAISE),
        planned("stuck", Answer.CANNOT), planned("off", Answer.START),
    )  # fmt: skip
    plan = replace(PLAN, hops=(replace(PLAN.hops[0], planned=(*many, *late)),))
    document = etree.HTML(plan_document.page(plan).encode())
    names = [row.findtext("th") for row in document.xpath("//h2[1]/following::tr[td/code]")]
    assert names[:4] == ["stuck", "raised", "restarted", "ok0"]
    folded = document.find(".//details")
    assert folded is not None
    assert folded.findtext("summary") == "live 32, start there 1"
    assert len(folded.findall(".//tbody/tr")) == 33
