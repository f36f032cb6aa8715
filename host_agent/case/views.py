"""The views of one machine, held side by side: declared, running, booted, serving, next. Pure."""

import re
from dataclasses import dataclass, replace

from host_agent.case.case import Case
from host_agent.case.expectation import Expectation
from host_agent.evidence.running import ProbedTables, Running
from host_agent.firmware.smbios import Named
from host_agent.missing import Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """What a machine is, by each view; None: not to be seen there, or nothing is expected."""

    machine: str | None
    """The machine type that libvirt declares of what runs, else of the next start."""
    uuid: str | None
    versions: frozenset[str] | None = None
    """System versions that are right for the machine type: any of these."""
    manufacturers: frozenset[str] | None = None
    products: frozenset[str] | None = None
    running_machine: str | None = None
    """On the command line of the QEMU process."""
    running_uuid: str | None = None
    booted: Named | None = None
    serving: Named | None = None
    next_start: Named | None = None
    """What QEMU would build now, if the domain were started."""


def of(case: Case) -> Views:
    """Return the views of a case."""
    active = case.declared.active or case.declared.persistent
    running = case.running if isinstance(case.running, Running) else None
    start = case.next_start.smbios if isinstance(case.next_start, ProbedTables) else None
    views = Views(
        machine=active.machine if active else None,
        uuid=str(active.guest_uuid) if active else None,
        running_machine=running.machine if running else None,
        running_uuid=str(running.uuid) if running and running.uuid else None,
        booted=_there(case.booted),
        serving=_there(case.live),
        next_start=start.named if start else None,
    )
    return views if isinstance(case.expected, Missing) else _expecting(views, case.expected)


def _expecting(views: Views, expected: Expectation) -> Views:
    """Return the views with what is right in them, as the check ``product`` has it."""
    if not expected.visible:
        return views
    seen = {
        one.product
        for one in (views.booted, views.serving, views.next_start)
        if one is not None and one.product
    }
    form = expected.product_form
    fitting = frozenset(one for one in seen if form and re.fullmatch(form, one))
    return replace(
        views,
        versions=_versions(expected),
        manufacturers=_with(expected.manufacturers, expected.decoded.get("manufacturer")),
        products=_with(expected.products, fitting | expected.decoded.get("product", frozenset())),
    )


def _versions(expected: Expectation) -> frozenset[str] | None:
    """Return what may be there; None: an unknown scheme of names, or anything may be there."""
    given = None if expected.version is None else frozenset({expected.version})
    if not expected.certain or ("version" in expected.overridden and given is None):
        return None
    return _with(given or expected.machine_strings, expected.decoded.get("version")) or None


def _with(known: frozenset[str] | None, more: frozenset[str] | None) -> frozenset[str] | None:
    return None if known is None else known | (more or frozenset())


def _there(view: Named | Missing) -> Named | None:
    return None if isinstance(view, Missing) else view
