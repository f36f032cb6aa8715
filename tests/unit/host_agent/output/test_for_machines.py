"""What pipelines and monitoring read, also of hostile names and sentences."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.case.case import Case
from host_agent.case.results import Audited, Confirmed, Failed
from host_agent.output import for_machines, junit, nagios
from host_agent.output.shared.counting import exit_code
from host_agent.output.shared.of_hosts import OfHost, of_audits, of_confirmed
from host_agent.verify import waivers
from host_agent.verify.policy import judge
from tests.unit.host_agent.output.test_audit import FAILED, GOOD, OFF, QUIET, WRONG, audit
from tests.unit.host_agent.shared import forty
from tests.unit.host_agent.shared.cases import DEFINITION, case, declared, seen
from tests.unit.host_agent.verify.test_waivers import TODAY

GONE = ("qemu+ssh://gone/system",)
WARNED = case(declared=replace(declared(), persistent=replace(DEFINITION, machine="pc-q35-7.2")))
ANY = st.text(st.characters(), max_size=60)


def hostile(text: str) -> tuple[Case, Case]:
    """A domain whose definition, and one whose guest, says it."""
    definition = replace(DEFINITION, name=text, machine=text)
    # Strings of SMBIOS end with a zero byte, and what is no UTF-8 was escaped when it was read.
    said = text.replace("\0", "").encode("utf-8", "backslashreplace").decode("utf-8")
    return (
        case(declared=replace(declared(definition), persistent=definition)),
        seen(version=said, product=said),
    )


def of(*cases: Case | Failed) -> tuple[OfHost, ...]:
    return of_audits([audit(*cases)])


# Nagios.


@pytest.mark.parametrize(
    ("cases", "unreachable", "code", "word"),
    [
        ((), (), 0, "OK"), ((GOOD,), (), 0, "OK"), ((GOOD, OFF), (), 0, "OK"),
        ((GOOD, WARNED), (), 1, "WARNING"), ((WARNED, WRONG), (), 2, "CRITICAL"),
        ((WRONG, QUIET), GONE, 2, "CRITICAL"), ((GOOD, QUIET), (), 3, "UNKNOWN"),
        ((GOOD, FAILED), (), 3, "UNKNOWN"), ((GOOD,), GONE, 3, "UNKNOWN"),
        ((WARNED, QUIET), (), 3, "UNKNOWN"),
    ],
)  # fmt: skip
def test_a_plugins_state(
    cases: Sequence[Case | Failed], unreachable: Sequence[str], code: int, word: str
) -> None:
    text, ours = for_machines.page("nagios", of(*cases), unreachable, 99)
    assert ours == code
    assert text.startswith(f"SAMEMACHINE {word} - ")
    first, _, more = text.partition("\n")
    assert first.count("|") == 1
    assert "|" not in more
    figures = dict(one.split("=", 1) for one in first.partition(" | ")[2].split(" "))
    assert figures["verified"].split(";")[0] == str(
        sum(one is GOOD or one is WARNED for one in cases)
    )
    assert figures["unreachable"] == f"{len(unreachable)};0;;0;"
    form = re.compile(r"[0-9.]+s?;[0-9]*;[0-9]*;0;[0-9]*")
    assert all(form.fullmatch(figure) for figure in figures.values())


def test_a_waived_warning_is_none() -> None:
    (finding,) = [one for one in judge(WARNED).findings if one.outcome == "warn"]
    accepted = waivers.Waiver(check=finding.check, reason="known", until=TODAY)
    marked = waivers.apply([audit(WARNED)], [accepted], TODAY).audits
    assert nagios.state(of_audits(marked), 0) is nagios.State.OK


def test_what_two_packages_predict_alarms_nobody() -> None:
    moved = forty.audit(*(forty.moved(number) for number in range(1, 4)))
    assert nagios.state(of_audits([moved]), 0) is nagios.State.OK


def test_the_lines_after_the_first_are_bounded() -> None:
    many = [replace(FAILED, name=f"vm{number}", error=f"{number} " * 40) for number in range(99)]
    text = nagios.render(of(*many), ())
    assert len(text) < 4096
    assert re.search(r"\nand \d+ more lines: samemachine audit\n$", text)


@given(ANY)
def test_nothing_ends_a_line_or_the_text_of_a_plugin(text: str) -> None:
    rendered = nagios.render(of(replace(FAILED, error=text, name=text), *hostile(text)), (text,))
    for line in (nagios.unknown(text), rendered):
        assert line.endswith("\n")
        first, *more = line[:-1].split("\n")
        assert first.isprintable()
        assert first.count("|") == (" | verified=" in first)
        assert not set("|<>`$&") & set("".join(more))
        assert all(one.isprintable() for one in more)


# JUnit.

# Of Jenkins' xunit-plugin, junit-10.xsd: what an element may hold, and which attributes it has
# (those with a star it must have).
ELEMENTS: Mapping[str, tuple[str, str]] = {
    "testsuites": ("testsuite", "name time tests failures errors"),
    "testsuite": (
        "testsuite properties testcase system-out system-err",
        "name* tests* failures* errors* group time skipped timestamp hostname id package file log "
        "url",
    ),
    "testcase": ("skipped error failure system-out system-err", "name* time classname group"),
    "failure": ("", "type message"),
    "error": ("", "type message"),
    "skipped": ("", "type message"),
    "system-out": ("", ""),
}  # fmt: skip
TIME = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?")


def read(text: str) -> Xml.Element:
    """The document, held against what Jenkins' schema and GitLab's reader ask for."""
    assert text.isascii()
    root = Xml.fromstring(text)
    assert root.tag == "testsuites"
    for element in root.iter():
        may, attributes = ELEMENTS[element.tag]
        assert {one.tag for one in element} <= set(may.split())
        known = attributes.split()
        assert set(element.attrib) <= {one.rstrip("*") for one in known}
        assert {one[:-1] for one in known if one.endswith("*")} <= set(element.attrib)
        assert TIME.fullmatch(element.get("time", ""))
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.get("tests", "")) == len(cases)
        for total, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(total, "")) == len(suite.findall(f"testcase/{kind}"))
        # GitLab tells cases apart by both.
        called = [(one.get("classname"), one.get("name")) for one in cases]
        assert all(len(one.findall("*")) <= 1 for one in cases)
        assert not any(None in one for one in called)
    return root


def cases_of(text: str) -> dict[str, str]:
    found = {}
    for one in read(text).iter("testcase"):
        kinds = [kind.tag for kind in one]
        found[one.get("name", "")] = kinds[0] if kinds else "passed"
    return found


@pytest.mark.parametrize(
    ("cases", "unreachable"),
    [
        ((), ()), ((GOOD,), ()), ((GOOD, OFF), ()), ((WARNED,), ()), ((GOOD, QUIET), ()),
        ((GOOD, FAILED), ()), ((GOOD,), GONE), ((WRONG, QUIET), ()),
    ],
)  # fmt: skip
def test_a_suite_is_red_where_the_exit_code_is_not_0(
    cases: Sequence[Case | Failed], unreachable: Sequence[str]
) -> None:
    code = exit_code([audit(*cases)], len(unreachable))
    text, same = for_machines.page("junit", of(*cases), unreachable, code)
    root = read(text)
    assert same == code
    assert (root.get("failures") != "0" or root.get("errors") != "0") == bool(code)
    assert (root.get("failures") != "0") == (code == 1)


def test_a_case_a_check() -> None:
    assert cases_of(junit.render(of(WRONG), ()))["machine-type"] == "failure"
    assert cases_of(junit.render(of(QUIET), ()))["agent"] == "error"
    assert cases_of(junit.render(of(WARNED), ()))["pending-change"] == "system-out"
    assert set(cases_of(junit.render(of(OFF), ())).values()) <= {"skipped", "passed", "system-out"}
    assert cases_of(junit.render((), GONE)) == {"libvirt": "error"}


def test_a_verification_that_lacks_a_baseline_is_an_error() -> None:
    fresh: Any = case(baseline=forty.silent(GOOD, QUIET.observation).observation)  # type: ignore[arg-type]
    judged = judge(fresh, against_baseline=True)
    confirmed = Confirmed(audited=Audited(case=fresh, verdict=judged), kept=False)
    hosts = of_confirmed([confirmed, FAILED])
    assert [one.host for one in hosts] == ["node17", ""]
    root = read(junit.render(hosts, ()))
    assert [suite.get("name") for suite in root] == ["node17", "unknown host"]
    assert root.get("errors") != "0"


@given(ANY, ANY)
def test_no_text_is_an_element_or_a_command(name: str, error: str) -> None:
    found = of(replace(FAILED, name=name, error=error), *hostile(error))
    root = read(junit.render(found, (error,)))
    for element in root.iter():
        for text in (*element.attrib.values(), (element.text or "").strip()):
            assert all(line.isprintable() for line in text.split("\n"))
