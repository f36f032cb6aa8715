"""One domain and one site → whether it gets there, and how. Pure.

What decides a live move is ``preflight``'s; here is what is asked of a start, of what was saved,
and what follows from all of it.
"""

from host_agent.finding import Finding, Outcome
from host_agent.machine_types.offers import Offer
from host_agent.plan import checks
from host_agent.plan.facts import Answer, Kind, Planned, Question

_FOLLOWS = {
    "move-domain": Answer.CANNOT,
    "move-storage": Answer.CANNOT,
    "plan-snapshots": Answer.CANNOT,
    "plan-start-cpu": Answer.CANNOT,
    "plan-start": Answer.CANNOT,
    "plan-firmware": Answer.CANNOT,
    "move-vcpus": Answer.CANNOT,
    "plan-raise": Answer.CANNOT,
    "move-machine-type": Answer.RAISE,
    "plan-next-start": Answer.RAISE,
    "move-cpu": Answer.RESTART,
    "move-devices": Answer.RESTART,
    "move-blocks": Answer.RESTART,
    "move-vmstate": Answer.RESTART,
    "move-refusal": Answer.RESTART,
    "move-threads": Answer.RESTART,
    "move-folders": Answer.RESTART,
    "move-firmware": Answer.RESTART,
    "plan-local-disks": Answer.RESTART,
    "plan-saved": Answer.RESTART,
}
"""What follows where a check fails; the worst one decides."""
_WORST = (Answer.CANNOT, Answer.RAISE, Answer.RESTART)
_TYPES = frozenset({"move-machine-type", "plan-next-start", "plan-firmware"})
"""Checks without whose evidence nothing can be said."""
_LIVE = frozenset({"move-refusal", "move-firmware", "move-threads"})
"""The like for a live move: what they lack is a guest's own, whatever the site is."""
_STARTS, _MOVES = frozenset({"plan-start-cpu"}), frozenset({"move-cpu"})
"""The like, at a host, which could have given it."""


def judge(question: Question, source: str) -> Planned:
    """Return what becomes of a domain; ``source`` is the name of the site it is on."""
    findings = tuple(
        finding for check in checks.CHECKS for finding in check(question) if finding is not None
    )
    answer = _answer(question, findings)
    raising = {one.check: one.outcome for one in findings}.get("plan-raise")
    return Planned(
        definition=question.subject.definition,
        source=source,
        state=question.subject.state,
        active=question.subject.active is not None,
        answer=answer,
        raise_to=question.raised.name if raising is Outcome.WARN else None,
        findings=(*findings, *checks.left_behind(question, answer)),
        outlook=question.outlook,
        rehearsed=question.rehearsed,
        sealed=question.move.sealed,
    )


def _answer(question: Question, findings: tuple[Finding, ...]) -> Answer:
    failed = {_follows(question, one) for one in findings if one.outcome is Outcome.FAIL}
    worst = next((answer for answer in _WORST if answer in failed), None)
    if worst in {Answer.CANNOT, Answer.RAISE}:
        return worst
    deciding = _TYPES if worst is Answer.RESTART else _TYPES | _LIVE
    # What an atlas can't know is no reason not to answer: the plan says what was not checked.
    if question.kind is Kind.HOST:
        deciding |= _STARTS if worst is Answer.RESTART else _STARTS | _MOVES
    if any(one.outcome is Outcome.UNKNOWN and one.check in deciding for one in findings):
        return Answer.UNKNOWN
    return worst or (Answer.START if question.subject.active is None else Answer.LIVE)


def _follows(question: Question, finding: Finding) -> Answer:
    if finding.check == "move-machine-type" and isinstance(question.next_start, Offer):
        return Answer.RESTART
    return _FOLLOWS[finding.check]
