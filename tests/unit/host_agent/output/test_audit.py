"""What people and programs read, also of hostile names."""

import io
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from rich.console import Console

from host_agent.case.case import Case
from host_agent.case.results import Audited, Failed, Host, HostAudit
from host_agent.domain.definition import parse
from host_agent.machine_types.offers import Offer
from host_agent.missing import Missing, Reason
from host_agent.output import audit as audit_
from host_agent.output import audit_document, show
from host_agent.output.shared import counting
from host_agent.verify.policy import judge
from tests import json_output
from tests.unit.host_agent.shared import forty
from tests.unit.host_agent.shared.cases import (
    DEFINITION,
    MACHINE,
    NOT_ENROLLED,
    RUNNING,
    SILENT,
    SURROUNDINGS,
    case,
    declared,
    seen,
)
from tests.unit.host_agent.shared.type_rows import BIONIC, RELEASES

DOMAINS = Path(__file__).parents[3] / "data" / "domains"
NOVA = "http://openstack.org/xmlns/libvirt/nova/1.1"
HOST = Host(
    uri="qemu:///system",
    name="node1",
    distribution="Debian 12",
    driver="QEMU",
    libvirt="9.0.0",
    hypervisor="7.2.22",
    package="qemu-system-x86 1:7.2",
)
GOOD = case()
WRONG = seen(version="pc-q35-9.0\u202e\x1b[2J")
QUIET = case(observation=SILENT)
OFF = case(declared=declared(active=None), observation=NOT_ENROLLED)
FAILED = Failed(name="odd\x1b[31m", uuid="u", error="the XML is \x07 broken")


def audit(*cases: object) -> HostAudit:
    results = tuple(
        one if isinstance(one, Failed) else Audited(case=one, verdict=judge(one))  # type: ignore[arg-type]
        for one in cases
    )
    return HostAudit(host=HOST, results=results, seconds=0.4, started=1.7e9)


def printed(*audits: HostAudit, verbose: bool = False, each: bool = False, width: int = 120) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False)
    code = counting.exit_code(audits, 0)
    audit_.print_audits(console, audits, verbose=verbose, each=each, exit_code=code)
    return out.getvalue()


def test_what_is_skipped_for_one_reason_is_shown_once() -> None:
    fresh = case(baseline=Missing(reason=Reason.ABSENT, sentence="no baseline was taken"))
    told = shown(audit(fresh))
    skipped = [line for line in told.splitlines() if "no baseline was taken" in line]
    assert len(skipped) == 1
    assert re.match(r"same-\w+ \+\d+ +skip", skipped[0])
    for finding in judge(fresh).findings:
        if finding.outcome != "skip":
            assert re.search(rf"^{finding.check} +{finding.outcome}", told, re.MULTILINE)


def shown(audited: HostAudit) -> str:
    out = io.StringIO()
    show.print_show(Console(file=out, width=120, highlight=False), audited)
    return out.getvalue()


@pytest.mark.parametrize(
    ("cases", "unreachable", "code"),
    [
        ((), 0, 0), ((GOOD,), 0, 0), ((GOOD, OFF), 0, 0), ((GOOD, QUIET), 0, 3),
        ((GOOD, FAILED), 0, 3), ((GOOD,), 1, 4), ((QUIET,), 1, 4), ((WRONG, QUIET), 1, 1),
    ],
)  # fmt: skip
def test_exit_code(cases: tuple[object, ...], unreachable: int, code: int) -> None:
    assert counting.exit_code([audit(*cases)], unreachable) == code


def test_the_first_line_is_the_hosts_and_problems_come_first() -> None:
    lines = printed(audit(GOOD, QUIET, WRONG, OFF)).splitlines()
    assert lines[0].startswith("node1 | Debian 12 | QEMU 7.2.22 (qemu-system-x86 1:7.2) | libvirt")
    assert lines[1] == (
        "verified 1 (1 by guest)   mismatch 1   no answer 1   not running 1   exit 1"
    )
    words = [line.split()[0] for line in lines[3:] if line and not line.startswith(" ")]
    assert words == ["MISMATCH", "NO"]


def test_a_good_domain_is_counted_or_one_line_where_it_was_asked_for() -> None:
    assert len(printed(audit(GOOD)).splitlines()) == 2
    assert printed(audit(GOOD, OFF), each=True).splitlines()[3:] == [
        "verified     vm1  pc-i440fx-7.2, by guest",
        "not running  vm1  shut off, next start as pc-i440fx-7.2",
    ]
    verbose = printed(audit(GOOD), verbose=True).splitlines()
    assert len(verbose) == 4 + len(audit(GOOD).results[0].verdict.findings)  # type: ignore[union-attr]


def test_one_sentence_is_said_once() -> None:
    told = printed(audit(case(observation=SILENT, memory=SILENT)))
    assert told.count("nobody answered") == 1
    assert "(and identity, machine-type, product)" in told


def test_the_exit_code_is_said_once_with_the_last_host() -> None:
    told = printed(audit(GOOD), audit(QUIET))
    assert told.count("exit ") == 1
    assert "no answer 1   exit 3\n" in told


def test_no_domains() -> None:
    assert printed(audit()).splitlines()[1:] == ["no domains   exit 0"]


GOLDEN = Path(__file__).parents[3] / "data" / "output"


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as context:
        context.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def nova_instance(number: int) -> Case:
    nova = parse((DOMAINS / "nova.xml").read_text(encoding="utf-8"))
    found = forty.moved(number, definition={"name": nova.name, "metadata": nova.metadata})
    return replace(found, running=replace(RUNNING, uuid=forty.uuid(number), machine="pc-q35-7.2"))


def problems() -> list[Case]:
    identity = forty.moved(
        12, memory=forty.smbios(99, 0x01), observation=NOT_ENROLLED, definition={"channel": None}
    )
    return [
        *(forty.moved(number) for number in range(1, 12)),
        identity,
        *(forty.moved(number) for number in range(13, 30)),
        nova_instance(30),
        forty.silent(forty.moved(31), SILENT),
        *(forty.moved(number) for number in range(32, 41)),
    ]


def alone(number: int) -> Case:
    """No guest agent, an upgraded package, and two that float with it."""
    changes: dict[str, Any] = {"channel": None} | ({"machine": "pc"} if number < 3 else {})
    return forty.upgraded(number, observation=NOT_ENROLLED, definition=changes)


def aged(number: int) -> Case:
    """On a release that is over: QEMU's own types on a distribution that has its own, and gone."""
    offers = {
        name: Offer(canonical=name, deprecated=name == MACHINE)
        for name in (("pc-i440fx-bionic",) if number < 10 else ("pc-i440fx-bionic", MACHINE))
    }
    surroundings = replace(SURROUNDINGS, here=BIONIC, releases=RELEASES, offers=offers)
    return forty.moved(number, surroundings=surroundings)


HOSTS: dict[str, tuple[Callable[[], list[Case]], int, int]] = {
    "moved": (lambda: [forty.moved(number) for number in range(1, 41)], 0, 12),
    "upgraded": (lambda: [forty.upgraded(number) for number in range(1, 41)], 0, 12),
    "no-agents": (lambda: [alone(number) for number in range(1, 41)], 0, 13),
    "problems": (problems, 1, 30),
    "aged": (lambda: [aged(number) for number in range(1, 41)], 0, 18),
}
"""What is on the host, the exit code, and how many lines may be printed."""


@pytest.mark.usefixtures("utc")
@pytest.mark.parametrize("host", HOSTS)
def test_forty_domains(host: str) -> None:
    """SAMEMACHINE_GOLDEN=write writes what is printed today; read it before it is kept."""
    cases, code, most = HOSTS[host]
    audited = forty.audit(*cases())
    told = printed(audited, width=80)
    file = GOLDEN / f"{host}.txt"
    if os.environ.get("SAMEMACHINE_GOLDEN") == "write":
        file.write_text(told, encoding="utf-8")
    assert told == file.read_text(encoding="utf-8")
    assert counting.exit_code([audited], 0) == code
    lines = told.splitlines()
    assert len(lines) <= most
    # The host's line is as long as its versions; a terminal gets it wrapped.
    assert all(len(line) <= 80 and line == line.rstrip() for line in lines[1:])
    assert told == printed(audited, width=80)


LONG = "x" * 500
NAMES = (
    LONG,
    "\u202emv\u202c",
    "a\x1b[2Jb",
    "a b; rm -rf /",
    "[red]",
    "\n\r\t",
    "a\nrm b",
    "ß€名前",
    "'",
    "",
)


@pytest.mark.parametrize("width", [20, 80, 200])
@pytest.mark.parametrize("name", NAMES)
def test_no_name_is_cut_off_or_a_command(name: str, width: int) -> None:
    metadata = {NOVA: f"<n:i xmlns:n='{NOVA}'><n:name>{escape(name)}</n:name></n:i>"}
    if any(not (one.isprintable() or one.isspace()) for one in name):
        metadata = {}
    changes: dict[str, Any] = {"name": name, "metadata": metadata, "machine": "pc"}
    cases = [forty.upgraded(1, definition=changes), forty.upgraded(2, definition={"machine": name})]
    quiet = forty.silent(forty.moved(3, definition=changes), SILENT)
    audited = forty.audit(*cases, quiet)
    for told in (
        printed(audited, width=width),
        printed(audited, width=width, verbose=True),
        shown(audited),
    ):
        assert all(line.isprintable() for line in told.splitlines())
        assert "\u202e" not in told
        # A line that a name makes up would stand at the margin.
        assert not re.search("^rm ", told, re.MULTILINE)
        if name == LONG:
            assert re.sub(r"\s", "", told).count(LONG) >= 1


def test_a_name_can_be_pasted_into_a_command() -> None:
    named = [forty.upgraded(n, definition={"name": name}) for n, name in ((1, "a b"), (2, "a;b"))]
    assert "'a b' 'a;b'  ->" in printed(forty.audit(*named))


def test_display_names_that_two_domains_have_are_libvirts() -> None:
    def instance(number: int, name: str) -> Case:
        text = f"<n:i xmlns:n='{NOVA}'><n:name>{name}</n:name></n:i>"
        changes = {"name": f"instance-{number}", "metadata": {NOVA: text}}
        return forty.upgraded(number, definition=changes)

    told = printed(forty.audit(instance(1, "web"), instance(2, "web"), instance(3, "db")))
    assert "instance-1 instance-2 db  ->" in told


def test_nothing_hostile_reaches_the_terminal() -> None:
    hostile = audit(WRONG, FAILED)
    for told in (printed(hostile, verbose=True), printed(hostile), shown(hostile)):
        assert all(line.isprintable() for line in told.splitlines())
        assert "odd\\x1b[31m" in told


@pytest.mark.parametrize(
    ("uuid", "cell"), [(RUNNING.uuid, "same"), (UUID(int=7), str(UUID(int=7))), (None, "-")]
)
def test_show_has_the_uuid_of_the_process(uuid: UUID | None, cell: str) -> None:
    one = replace(GOOD, running=replace(RUNNING, uuid=uuid))
    (line,) = [row for row in shown(audit(one)).splitlines() if row.startswith("uuid")]
    # What does not fit goes on in the line below.
    assert cell.startswith(line.split()[2])


def test_show_names_the_owner() -> None:
    assert "owner: shop-db-1 (Nova, project acme)" in shown(forty.audit(nova_instance(1)))
    assert "owner" not in shown(audit(GOOD))


def test_show_says_what_no_check_judges() -> None:
    odd = replace(
        DEFINITION, unjudged=("<devices/tpm>",), unknown=("<flux>",), hardware_uuid=UUID(int=7)
    )
    told = " ".join(shown(audit(case(declared=declared(odd)))).split())
    assert "seen by the guest, not judged: <devices/tpm>" in told
    assert "not known of libvirt's XML: <flux>; whether the guest sees it is not" in told
    assert f"hwuuid: the guest is to see {UUID(int=7)}" in told
    assert "not judged" not in shown(audit(GOOD))


def test_json_is_ascii_and_says_everything() -> None:
    raw = audit_document.render(
        [audit(GOOD, WRONG, QUIET, OFF, FAILED)], ["qemu+ssh://x/system"], 1
    )
    assert raw.isascii()
    document = json_output.read(raw)
    assert (document["schema"], document["exit_code"]) == (1, 1)
    assert document["unreachable"] == ["qemu+ssh://x/system"]
    (host,) = document["hosts"]
    assert [domain["verdict"] for domain in host["domains"]] == [
        "verified",
        "mismatch",
        "unverified",
        None,
        "failed",
    ]
    assert host["domains"][2]["evidence"]["guest"]["missing"] == "silent"


def test_json_says_what_is_known_and_who_the_owner_is() -> None:
    audited = forty.audit(nova_instance(1), forty.moved(2))
    one, two = json_output.read(audit_document.render([audited], [], 1))["hosts"][0]["domains"]
    assert one["owner"] == {"kind": "Nova", "name": "shop-db-1", "project": "project acme"}
    assert two["owner"] == {"kind": "libvirt", "name": None, "project": None}
    (finding,) = [found for found in two["findings"] if found["check"] == "next-boot"]
    assert finding["differences"] == [
        {
            "area": "SMBIOS",
            "subject": "type 4 Processor",
            "field": "Processor Family",
            "old": "0x01",
            "new": "0xfe",
            "count": 1,
            "effect": "inventory",
            "known": True,
        }
    ]
    assert all("differences" not in found for found in two["findings"] if found["check"] == "agent")
