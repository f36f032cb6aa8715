"""``unavailable``: does this host still offer the machine type that the next start needs?"""

from host_agent.case.case import Case
from host_agent.checks.shared.machine_offer import RAISE, has_reached, needed, offered
from host_agent.finding import Finding, Outcome
from host_agent.machine_types import catalogue
from host_agent.machine_types.names import parse

ID = "unavailable"


def check(case: Case) -> Finding:
    """Look the type up in the host's list (libvirt formatcaps.rst).

    libvirt keeps a domain whose type is gone in its list; only the start fails, with "Emulator …
    does not support machine type …". It is what an upgrade of the host leaves behind.
    """
    found = offered(ID, case)
    if isinstance(found, Finding):
        return found
    machine, offers = found
    if machine in offers:
        return Finding(
            check=ID, outcome=Outcome.PASS, sentence=f"this host offers {machine}", observed=machine
        )
    life = catalogue.lifecycle(machine, parse(machine).version)
    removed = life.removed if life else None
    gone = f" (QEMU {removed} dropped it)" if removed and has_reached(case, removed) else ""
    return Finding(
        check=ID,
        outcome=Outcome.WARN,
        expected=needed(case),
        observed=None,
        remedy=RAISE,
        sentence=f"{machine} is not offered here{gone}: the next start fails",
    )
