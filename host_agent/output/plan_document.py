"""A plan as JSON, and as a page."""

from typing import Any

from host_agent.case.results import Failed
from host_agent.finding import Outcome
from host_agent.migrate.facts import MachineThere
from host_agent.missing import Missing
from host_agent.output import plan_words as words
from host_agent.output.shared import pages as page_of
from host_agent.output.shared.document import document
from host_agent.output.shared.forms import plain_finding
from host_agent.output.shared.names import whose
from host_agent.output.shared.outlook_form import outlook_form, recovery_form
from host_agent.output.shared.planned_names import PlannedNames
from host_agent.plan import folding as plan_folding
from host_agent.plan.facts import Answer, Hop, Plan, Planned, Site
from host_agent.plan.folding import answer_of
from host_agent.printable import printable

_SCHEMA = 1
_TEMPLATE = "plan.html.j2"
_WORST = (Answer.CANNOT, Answer.UNKNOWN, Answer.RAISE, Answer.RESTART)
_REST = (Answer.LIVE, Answer.START)
"""Answers with which nothing has to be done: the page folds them."""
_SHOWN = {Outcome.FAIL, Outcome.WARN, Outcome.UNKNOWN}


def render(plan: Plan, code: int) -> str:
    """Return the plan as JSON."""
    form = {
        "schema": _SCHEMA,
        "exit_code": code,
        "seconds": round(plan.seconds, 3),
        "unreachable": list(plan.unreachable),
        "staying": list(plan.staying),
        "hops": [_hop(hop) for hop in plan.hops],
    }
    return document("plan", form)


def _hop(hop: Hop) -> dict[str, Any]:
    return {
        "sources": [_site(site) for site in hop.sources],
        "target": _site(hop.target),
        "paths": [
            {
                "source": way.source,
                "supported": way.supported,
                "why": way.why,
                "around": list(way.around),
            }
            for way in hop.ways
        ],
        "recovery_keys": recovery_form(plan_folding.recovery(hop)),
        "counts": {answer.value: number for answer, number in words.counts(hop).items()},
        "domains": [_domain(one) for one in hop.planned],
        "order": [
            {
                "step": step.do.name.lower(),
                "raise_to": step.raise_to,
                "domains": [one.name for one in step.domains],
            }
            for step in plan_folding.steps(hop.planned)
        ],
        "guests_will_see": [
            {
                "area": one.difference.area,
                "subject": one.difference.subject,
                "field": one.difference.field,
                "old": one.difference.old,
                "new": one.difference.new,
                "varies": one.varies,
                "effect": one.touched.effect,
                "who": one.touched.who,
                "source": one.touched.source,
                "domains": [domain.name for domain in one.domains],
            }
            for one in plan_folding.seen(hop.planned)
        ],
        "mixed_pool": [
            {"family": limit.family, "newest": limit.newest, "until": list(limit.until)}
            for limit in hop.limits
        ],
        "compared": list(hop.compared),
        "not_checked": list(plan_folding.not_checked(hop)),
    }


def _site(site: Site) -> dict[str, Any]:
    return {
        "name": site.name,
        "kind": site.kind,
        "qemu": site.end.qemu,
        "libvirt": site.end.libvirt,
        "release": site.release,
    }


def _domain(one: Planned | Failed) -> dict[str, Any]:
    if isinstance(one, Failed):
        return {"name": one.name, "uuid": one.uuid, "answer": Answer.UNKNOWN, "error": one.error}
    return {
        "name": one.name,
        "uuid": str(one.uuid),
        "source": one.source,
        "state": one.state,
        "answer": one.answer,
        "machine": one.definition.machine,
        "raise_to": one.raise_to,
        "findings": [plain_finding(finding) for finding in one.findings],
        "next_boot": None
        if isinstance(one.outlook, Missing)
        else [str(difference) for difference in one.outlook],
        "next_boot_unknown": one.outlook.sentence if isinstance(one.outlook, Missing) else None,
        "rehearsed": one.rehearsed.qemu if isinstance(one.rehearsed, MachineThere) else None,
        "rehearsed_as": one.rehearsed.machine if isinstance(one.rehearsed, MachineThere) else None,
        "not_rehearsed": one.rehearsed.sentence if isinstance(one.rehearsed, Missing) else None,
        "tpm": outlook_form(one.sealed),
    }


def page(plan: Plan) -> str:
    """Return the plan as one HTML file that needs no other."""
    targets = ", ".join(printable(hop.target.name) for hop in plan.hops)
    return page_of.render(
        _TEMPLATE,
        title=f"Same Machine: plan to {targets or 'nowhere'}",
        plan={"hops": [_shown(hop) for hop in plan.hops]},
    )


def _shown(hop: Hop) -> dict[str, Any]:
    names = PlannedNames(hop.planned)
    counted = words.counts(hop)
    return {
        "target": {"name": printable(hop.target.name)},
        "heading": words.heading(hop),
        "recovery": list(words.recovery_lines(hop)),
        "counts": ", ".join(
            f"{word} {counted[answer]}" for answer, word in words.WORDS.items() if counted[answer]
        )
        or "no domains",
        "ways": [
            {
                "source": printable(way.source),
                "word": words.path_word([way]),
                "why": printable(way.why),
                "around": [printable(one) for one in way.around],
            }
            for way in hop.ways
        ],
        "problems": [_row(one) for one in _problems(hop)],
        "rest": [_row(one) for one in hop.planned if answer_of(one) in _REST],
        "rest_words": ", ".join(
            f"{words.WORDS[answer]} {counted[answer]}" for answer in _REST if counted[answer]
        ),
        "order": [
            {"what": words.step_words(step), "domains": [names.of(one) for one in step.domains]}
            for step in plan_folding.steps(hop.planned)
        ],
        "seen": [
            {
                "number": len(one.domains),
                "change": words.seen_words(one),
                "effect": one.touched.effect,
                "who": one.touched.who,
            }
            for one in plan_folding.seen(hop.planned)
        ],
        "nothing_seen": words.nothing_seen(hop),
        "limits": list(words.limit_lines(hop.limits)),
        "compared": [printable(line) for line in hop.compared],
        "not_checked": [printable(line) for line in plan_folding.not_checked(hop)],
    }


def _problems(hop: Hop) -> list[Planned | Failed]:
    """Return the domains for which there is something to do, the worst first."""
    asked = [one for one in hop.planned if answer_of(one) not in _REST]
    return sorted(asked, key=lambda one: _WORST.index(answer_of(one)))


def _row(one: Planned | Failed) -> dict[str, Any]:
    if isinstance(one, Failed):
        return {
            "name": printable(one.name),
            "owner": "",
            "uuid": one.uuid,
            "source": "",
            "state": "",
            "answer": Answer.UNKNOWN,
            "css": "unknown",
            "machine": "",
            "raise_to": None,
            "findings": [{"sentence": printable(one.error), "remedy": None}],
        }
    return {
        "name": printable(one.name),
        "owner": whose(one.definition),
        "uuid": str(one.uuid),
        "source": printable(one.source),
        "state": one.state,
        "answer": words.WORDS[answer_of(one)],
        "css": "unknown" if one.answer is Answer.UNKNOWN else one.answer,
        "machine": printable(one.definition.machine or "none"),
        "raise_to": None if one.raise_to is None else printable(one.raise_to),
        "findings": [
            {
                "sentence": printable(finding.sentence),
                "remedy": None if finding.remedy is None else printable(finding.remedy),
            }
            for finding in one.findings
            if finding.outcome in _SHOWN
        ],
    }
