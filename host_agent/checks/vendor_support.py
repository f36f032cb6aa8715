"""``vendor-support``: does the distribution stand by the machine type, where it has its own?"""

from collections.abc import Iterable

from host_agent.case.case import Case
from host_agent.checks.shared.machine_offer import RAISE, offered
from host_agent.finding import Finding, Outcome
from host_agent.machine_types.names import parse
from host_agent.machine_types.vendors import POLICIES, Policy, Vendor

ID = "vendor-support"


def check(case: Case) -> Finding:
    """Hold the type's name against the policy of who made the host's list.

    Ubuntu's policy (QemuKVMMigration): upstream types are provided as they are without further
    guarantees. Where a host offers no type of a distribution's own in the domain's family, as
    Debian does, QEMU's types are what it supports.
    """
    found = offered(ID, case)
    if isinstance(found, Finding):
        return found
    machine, offers = found
    parts = parse(machine)
    policy = _policy(offers, parts.family) if parts.family else None
    if parts.vendor is Vendor.OPAQUE:
        return Finding(
            check=ID,
            outcome=Outcome.UNKNOWN,
            observed=machine,
            sentence=f"{machine} is of no known scheme of names",
        )
    if policy is None:
        return Finding(
            check=ID,
            outcome=Outcome.SKIP,
            sentence=f"this host has no {parts.family} types but QEMU's own",
        )
    if parts.vendor is Vendor.UPSTREAM:
        return Finding(
            check=ID,
            outcome=Outcome.WARN,
            observed=machine,
            remedy=RAISE,
            sentence=f"the type is QEMU's own: {policy.upstream}",
        )
    return Finding(
        check=ID,
        outcome=Outcome.PASS,
        observed=machine,
        sentence=f"{machine} is a type of a distribution's own",
    )


def _policy(offers: Iterable[str], family: str) -> Policy | None:
    """The policy of a host that offers a distribution's own types of a family."""
    vendors = (parts.vendor for parts in map(parse, offers) if parts.family == family)
    return next((POLICIES[one] for one in vendors if one in POLICIES), None)
