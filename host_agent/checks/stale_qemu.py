"""``stale-qemu``: does the domain still run a QEMU binary that was replaced on disk?"""

from host_agent.case.case import Case
from host_agent.finding import Finding, Outcome, not_running, unknown
from host_agent.missing import Missing

ID = "stale-qemu"


def check(case: Case) -> Finding:
    """Compare the file that the process runs with the one at its path (proc(5), /proc/PID/exe).

    A security fix that was installed does not protect a domain that still runs the old binary.
    """
    if case.declared.active is None:
        return not_running(ID)
    if isinstance(case.running, Missing):
        return unknown(ID, case.running)
    if case.running.replaced is None:
        return Finding(
            check=ID,
            outcome=Outcome.UNKNOWN,
            sentence="the process's binary may not be seen",
            remedy="run as root",
        )
    if case.running.replaced:
        return Finding(
            check=ID,
            outcome=Outcome.WARN,
            sentence=f"{case.running.binary} was replaced while the domain ran: a fix may be "
            "installed that does not run yet",
            remedy="migrate the domain, or stop and start it",
        )
    return Finding(
        check=ID, outcome=Outcome.PASS, sentence=f"{case.running.binary} is the installed one"
    )
