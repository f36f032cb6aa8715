"""Results as JUnit XML: a gate of a pipeline, after an evacuation for example.

A suite a host, a class a domain, a case a check. A fail is a failure; evidence that is missing and
required is an error; the rest that is unknown, and what does not apply, is skipped. So the suite is
red where the command's exit code is not 0. Warnings pass, and stand in what the case printed.

Elements and attributes are those of Jenkins' ``junit-10.xsd`` (xunit-plugin), which Ant, Maven
Surefire, pytest and GitLab's reader share.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as Xml

from host_agent.case.results import Audited, Decision, Failed
from host_agent.finding import Finding, Outcome
from host_agent.output.shared.of_hosts import OfHost
from host_agent.printable import printable
from host_agent.verify import folding

_FAILURE, _ERROR, _SKIPPED = "failure", "error", "skipped"
_NAME = 255


def render(hosts: Sequence[OfHost], unreachable: Sequence[str]) -> str:
    """Return the document."""
    root = Xml.Element("testsuites", name="samemachine")
    for one in hosts:
        cases = [case for result in one.results for case in _cases(result)]
        suite = _suite(root, one.host or "unknown host", cases)
        if one.seconds is not None:
            suite.set("time", f"{one.seconds:.3f}")
        if one.started is not None:
            when = datetime.fromtimestamp(one.started, UTC).replace(tzinfo=None)
            suite.set("timestamp", when.isoformat(timespec="seconds"))
        if one.host:
            suite.set("hostname", _text(one.host))
    for uri in unreachable:
        _suite(root, uri, [_case(uri, "libvirt", _ERROR, "the host can't be reached")])
    for total in ("tests", "failures", "errors"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    Xml.indent(root)
    # In ASCII: whatever the locale of who prints it, it is what it says.
    return str(Xml.tostring(root, encoding="us-ascii"), "ascii") + "\n"


def _suite(root: Xml.Element, name: str, cases: Sequence[Xml.Element]) -> Xml.Element:
    suite = Xml.SubElement(root, "testsuite", name=_text(name), tests=str(len(cases)))
    for total, kind in (("failures", _FAILURE), ("errors", _ERROR), ("skipped", _SKIPPED)):
        suite.set(total, str(sum(case.find(kind) is not None for case in cases)))
    suite.extend(cases)
    return suite


def _cases(result: Audited | Failed) -> Iterator[Xml.Element]:
    if isinstance(result, Failed):
        yield _case(result.name, "verdict", _ERROR, result.error)
        return
    name = result.case.declared.definition.name
    lacking: Sequence[Finding] = ()
    if result.verdict.decision is Decision.UNVERIFIED:
        lacking = folding.reasons(result.case, result.verdict)
        if not lacking:
            yield _case(name, "verdict", _ERROR, "nothing to hold it against: it has no baseline")
    for finding in result.verdict.findings:
        yield _of_finding(name, finding, required=finding in lacking)


def _of_finding(name: str, finding: Finding, *, required: bool) -> Xml.Element:
    kinds = {
        Outcome.FAIL: _FAILURE,
        Outcome.UNKNOWN: _ERROR if required else _SKIPPED,
        Outcome.SKIP: _SKIPPED,
    }
    kind = kinds.get(finding.outcome)
    made = _case(name, finding.check, kind, finding.sentence, finding.remedy)
    if finding.outcome is Outcome.WARN:
        waived = f" (waived until {finding.waived.until})" if finding.waived else ""
        told = f"warning{waived}: the guest {finding.sentence}"
        Xml.SubElement(made, "system-out").text = _text(told)
    return made


def _case(
    domain: str, name: str, kind: str | None, sentence: str, remedy: str | None = None
) -> Xml.Element:
    made = Xml.Element("testcase", classname=_text(domain, _NAME), name=name, time="0")
    if kind is not None:
        wrong = Xml.SubElement(made, kind, message=_text(sentence))
        if kind != _SKIPPED:
            wrong.set("type", "mismatch" if kind == _FAILURE else "unverified")
            wrong.text = _text(sentence) + (f"\n-> {_text(remedy)}" if remedy else "")
    return made


def _text(text: str, most: int = 2000) -> str:
    """XML 1.0 has no word for control characters: they are escaped as on a terminal."""
    return printable(text, most)
