"""What people and programs read, also of hostile names."""

import io
import json

import pytest
from rich.console import Console

from host_agent.model import Audited, Failed, Host, HostAudit
from host_agent.output import json as json_output
from host_agent.output import summary, text
from host_agent.verdict import judge
from tests.unit.host_agent.cases import NOT_ENROLLED, SILENT, case, declared, seen

HOST = Host(
    uri="qemu:///system", name="node1", distribution="Debian 12", driver="QEMU", libvirt="9.0.0",
    hypervisor="7.2.22", package="qemu-system-x86 1:7.2",
)  # fmt: skip
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


def printed(*audits: HostAudit, verbose: bool = False) -> str:
    out = io.StringIO()
    text.print_audits(Console(file=out, width=120, highlight=False), audits, verbose=verbose)
    return out.getvalue()


@pytest.mark.parametrize(
    ("cases", "unreachable", "code"),
    [
        ((), 0, 0), ((GOOD,), 0, 0), ((GOOD, OFF), 0, 0), ((GOOD, QUIET), 0, 3),
        ((GOOD, FAILED), 0, 3), ((GOOD,), 1, 4), ((QUIET,), 1, 4), ((WRONG, QUIET), 1, 1),
    ],
)  # fmt: skip
def test_exit_code(cases: tuple[object, ...], unreachable: int, code: int) -> None:
    assert summary.exit_code([audit(*cases)], unreachable) == code


def test_the_first_line_is_the_hosts_and_problems_come_first() -> None:
    lines = printed(audit(GOOD, QUIET, WRONG, OFF)).splitlines()
    assert lines[0].startswith("node1 | Debian 12 | QEMU 7.2.22 (qemu-system-x86 1:7.2) | libvirt")
    assert lines[1] == "mismatch 1   unverified 1   verified 1   not running 1"
    words = [line.split()[1] for line in lines[3:] if not line.startswith(" ")]
    assert words == ["MISMATCH", "UNVERIFIED", "verified", "NOT"]


def test_a_good_domain_is_one_line() -> None:
    assert len(printed(audit(GOOD)).strip().splitlines()) == 4
    assert len(printed(audit(GOOD), verbose=True).strip().splitlines()) == 4 + 12


def test_one_sentence_is_said_once() -> None:
    shown = printed(audit(case(observation=SILENT, memory=SILENT)))
    assert shown.count("nobody answered") == 1
    names = " ".join(line[:28].strip() for line in shown.splitlines()[4:])
    assert "agent, identity, machine-type, product, exact, next-boot, next-start" in names


def test_nothing_hostile_reaches_the_terminal() -> None:
    hostile = audit(WRONG, FAILED)
    out = io.StringIO()
    text.print_show(Console(file=out, width=120, highlight=False), hostile)
    for shown in (printed(hostile, verbose=True), out.getvalue()):
        assert all(line.isprintable() for line in shown.splitlines())
        assert "odd\\x1b[31m" in shown


def test_json_is_ascii_and_says_everything() -> None:
    raw = json_output.render([audit(GOOD, WRONG, QUIET, OFF, FAILED)], ["qemu+ssh://x/system"], 1)
    assert raw.isascii()
    document = json.loads(raw)
    assert (document["schema"], document["exit_code"]) == (1, 1)
    assert document["unreachable"] == ["qemu+ssh://x/system"]
    (host,) = document["hosts"]
    assert [domain["verdict"] for domain in host["domains"]] == [
        "verified", "mismatch", "unverified", None, "failed",
    ]  # fmt: skip
    assert host["domains"][2]["evidence"]["guest"]["missing"] == "silent"
