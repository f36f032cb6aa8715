"""``deprecated``: has QEMU announced that it will drop the machine type?"""

from host_agent.case.case import Case
from host_agent.checks.shared.machine_offer import RAISE, has_reached, offered
from host_agent.finding import Finding, Outcome
from host_agent.machine_types import catalogue
from host_agent.machine_types.names import parse, upstream_version

ID = "deprecated"


def check(case: Case) -> Finding:
    """Look the type up in the host's list (libvirt formatcaps.rst, ``deprecated='yes'``).

    QEMU calls a type deprecated after three years of releases and drops it after six
    (docs/about/deprecated.rst). Where a host's list marks none at all, which an old libvirt does,
    the shipped life of QEMU's own types is asked as well.
    """
    found = offered(ID, case)
    if isinstance(found, Finding):
        return found
    machine, offers = found
    if machine not in offers:
        return Finding(check=ID, outcome=Outcome.SKIP, sentence=f"{machine} is not offered here")
    life = catalogue.lifecycle(machine, parse(machine).version) if _is_upstream(machine) else None
    since = life.deprecated if life else None
    old = offers[machine].deprecated
    if not old and since and not any(one.deprecated for one in offers.values()):
        old = has_reached(case, since)
    if not old:
        return Finding(
            check=ID,
            outcome=Outcome.PASS,
            sentence=f"{machine} is not deprecated",
            observed=machine,
        )
    removed = f": QEMU {life.removed} drops it" if life and life.removed else ""
    return Finding(
        check=ID,
        outcome=Outcome.WARN,
        sentence=f"{machine} is deprecated{removed}",
        observed=machine,
        remedy=RAISE,
    )


def _is_upstream(machine: str) -> bool:
    return upstream_version(machine) is not None
