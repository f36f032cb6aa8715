"""``unavailable``: does this host still offer the machine type that the next start needs?"""

from host_agent import catalogue
from host_agent.checks.offered_type import RAISE, needed, offered
from host_agent.machine_types import parse
from host_agent.model import Case, Finding, Outcome

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
    gone = f": QEMU {life.removed} dropped it" if life and life.removed else ""
    running = case.declared.active is not None
    what = "once it is stopped it won't start again" if running else "it won't start"
    return Finding(
        check=ID, outcome=Outcome.WARN, expected=needed(case), observed=None, remedy=RAISE,
        sentence=f"this host does not offer {machine}{gone}; {what}",
    )  # fmt: skip
