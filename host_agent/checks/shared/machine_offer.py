"""Which machine type a domain needs, and what its host offers. Shared by the checks of types."""

from collections.abc import Mapping

from host_agent.case.case import Case
from host_agent.finding import Finding, Outcome, unknown
from host_agent.machine_types.names import canonical
from host_agent.machine_types.offers import Offer
from host_agent.missing import Missing

RAISE = "samemachine upgrade DOMAIN"
"""The remedy of all that have too old a type."""


def needed(case: Case) -> str | None:
    """Return the machine type that the next start needs; None: the XML names none.

    That of the persistent XML; of the active one where the domain is transient. Aliases are
    resolved as this host resolves them today.
    """
    definition = case.declared.persistent or case.declared.definition
    machine = definition.machine
    return canonical(case.aliases.get(machine, machine)) if machine else None


def offered(check: str, case: Case) -> tuple[str, Mapping[str, Offer]] | Finding:
    """Return the type and the host's list, or the finding of a check that lacks one of them."""
    machine = needed(case)
    if machine is None:
        return Finding(
            check=check, outcome=Outcome.SKIP, sentence="the domain names no machine type"
        )
    surroundings = case.surroundings
    missing = surroundings if isinstance(surroundings, Missing) else surroundings.offers
    if isinstance(missing, Missing):
        return lacking(check, missing)
    return machine, missing


def has_reached(case: Case, version: str) -> bool:
    """Tell whether the host's QEMU is of a version or a newer one; no: it is not to be known."""
    if isinstance(case.surroundings, Missing):
        return False
    here, wanted = (
        [int(part) for part in text.split(".")[:2] if part.isdigit()]
        for text in (case.surroundings.qemu, version)
    )
    return bool(here) and here >= wanted


def lacking(check: str, missing: Missing) -> Finding:
    """Return the finding of a check that lacks evidence."""
    return unknown(check, missing)
