"""Warnings that somebody accepts for now."""

import io
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from host_agent.case.results import Audited, Failed, HostAudit
from host_agent.errors import UsageError
from host_agent.finding import Waived
from host_agent.output import audit as audit_
from host_agent.output import audit_document
from host_agent.output.shared import counting
from host_agent.verify import waivers
from host_agent.verify.waivers import Waiver, apply, parse
from tests import json_output
from tests.unit.host_agent.shared import forty
from tests.unit.host_agent.shared.cases import RUNNING
from tests.unit.host_agent.shared.type_rows import OWN, on

TODAY = date(2026, 11, 25)
FILE = """
[[waive]]
check = "deprecated"
machine = "pc-i440fx-2.8"
domain = "vm1"
host = "node23"
reason = "ticket 4711"
until = 2026-11-25
[[waive]]
check = "alias"
reason = "all of them"
until = 2027-01-01
"""
OLD = on("pc-i440fx-2.8", *OWN, old=("pc-i440fx-2.8",))


def waiver(check: str = "deprecated", until: date = TODAY, **conditions: str) -> Waiver:
    return Waiver(check=check, reason="ticket 4711", until=until, **conditions)


def marked(*accepted: Waiver) -> dict[str, Waived | None]:
    (audit,) = apply([forty.audit(OLD)], accepted, TODAY).audits
    (result,) = audit.results
    assert isinstance(result, Audited)
    return {one.check: one.waived for one in result.verdict.findings}


def printed(audit: HostAudit, *, verbose: bool = False) -> str:
    out = io.StringIO()
    audit_.print_audits(Console(file=out, width=100), [audit], verbose=verbose)
    return out.getvalue()


def test_a_file_is_read() -> None:
    first, second = parse(FILE, "policy.toml")
    assert first == waiver(machine="pc-i440fx-2.8", domain="vm1", host="node23")
    assert str(first) == "deprecated of machine pc-i440fx-2.8, domain vm1, host node23"
    assert (str(second), second.until) == ("alias", date(2027, 1, 1))
    assert parse("", "empty.toml") == ()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("machine", "machin"), "waiver 1: unknown key 'machin'; known are: check"),
        (("[[waive]]", "[[waiver]]"), "unknown key 'waiver'"),
        (("[[waive]]", "[waive]"), "no TOML"),
        (('reason = "ticket 4711"\n', ""), "waiver 1: reason is missing"),
        (('"ticket 4711"', '" "'), "waiver 1: reason is a text that is not empty"),
        (('"ticket 4711"', "4711"), "waiver 1: reason is a text"),
        (("2026-11-25", '"2026-11-25"'), "waiver 1: until is a day without quotes"),
        (("2026-11-25", "2026-11-25T00:00:00"), "waiver 1: until is a day without quotes"),
        (("2026-11-25", "2026-13-25"), "no TOML"),
        (('"alias"', '"aliases"'), "waiver 2: no check 'aliases'; there are: agent, alias"),
    ],
)
def test_a_mistake_is_told(changed: tuple[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=r"^policy\.toml") as told:
        parse(FILE.replace(*changed), "policy.toml")
    assert said in str(told.value)


@given(st.text(max_size=200) | st.sampled_from(["waive = 1", "waive = [1]", "[waive]\na = 1"]))
def test_no_text_breaks_it(content: str) -> None:
    try:
        parse(content, "x")
    except UsageError:
        return


@pytest.mark.parametrize(
    ("accepted", "applies"),
    [
        (waiver(), True),
        (waiver(machine="pc-i440fx-2.8"), True),
        (waiver(machine="pc-i440fx-2.9"), False),
        (waiver(domain="vm1"), True),
        (waiver(domain=str(OLD.declared.definition.uuid)), True),
        (waiver(domain="vm"), False),
        (waiver(host=forty.HOST.name), True),
        (waiver(host="another"), False),
        (waiver(domain="vm1", host="another"), False),
        (waiver("alias"), False),
        (waiver(until=date(2026, 11, 24)), False),
        (waiver(until=date(2026, 11, 26)), True),
    ],
)
def test_conditions(accepted: Waiver, applies: bool) -> None:
    found = marked(accepted)
    expected = Waived(reason="ticket 4711", until=accepted.until) if applies else None
    assert found["deprecated"] == expected
    assert all(waived is None for check, waived in found.items() if check != "deprecated")


def test_only_a_warning_is_waived() -> None:
    wrong = replace(OLD, running=replace(RUNNING, machine="pc-q35-7.2"))
    (audit,) = apply([forty.audit(wrong)], [waiver("running-qemu")], TODAY).audits
    (result,) = audit.results
    assert isinstance(result, Audited)
    assert [one.waived for one in result.verdict.findings if one.check == "running-qemu"] == [None]
    assert counting.exit_code([audit], 0) == 1


def test_one_that_is_over_is_told_where_it_would_apply() -> None:
    over = waiver(until=date(2026, 11, 24), domain="vm1")
    applied = apply([forty.audit(OLD)], [over, replace(over, domain="gone")], TODAY)
    assert applied.over == (
        "the waiver of deprecated of domain vm1 was over on 2026-11-24 (ticket 4711)",
    )
    assert applied.audits == (forty.audit(OLD),)


def test_waived_ones_are_counted_and_shown_when_asked_for() -> None:
    audit = forty.audit(OLD)
    (audit,) = apply(
        [replace(audit, results=(*audit.results, Failed(name="x", uuid="y", error="e")))],
        [waiver()],
        TODAY,
    ).audits
    told = printed(audit)
    assert "deprecated: QEMU 10.1" not in told
    assert "1 waived deprecated: --verbose" in " ".join(told.split())
    verbose = printed(audit, verbose=True)
    assert "deprecated, until 2026-11-25: ticket 4711" in verbose
    assert "waived: pc-i440fx-2.8 is deprecated" in verbose
    document = json_output.read(audit_document.render([audit], [], 0))
    findings = {one["check"]: one for one in document["hosts"][0]["domains"][0]["findings"]}
    assert findings["deprecated"]["waived"] == {"reason": "ticket 4711", "until": "2026-11-25"}
    assert "waived" not in findings["alias"]


def test_the_example_of_the_documentation_is_valid() -> None:
    example = (waivers.__doc__ or "").split("::\n", 1)[1].split("\n\nOnly", 1)[0]
    assert parse(example.replace("\n    ", "\n"), "x")[0].domain == "legacy1"


def test_the_example_of_the_manual_is_valid() -> None:
    page = Path(__file__).parents[4] / "packaging/man/samemachine-audit.1.md"
    example = page.read_text(encoding="utf-8").split("```\n[[waive]]", 1)[1].split("```", 1)[0]
    assert parse(f"[[waive]]{example}", page.name)[0].domain == "legacy1"
