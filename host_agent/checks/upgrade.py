"""``upgrade``: has the machine type that was staged, or is being applied, come true?"""

from host_agent.case.case import Case
from host_agent.finding import Finding, Outcome
from host_agent.printable import argument, quoted

ID = "upgrade"


def check(case: Case) -> Finding:
    """Hold the active XML against the goal of the domain's upgrade (``samemachine upgrade``).

    A reboot inside the guest keeps the QEMU process, and with it the machine type; only a full stop
    and a start apply what is staged (QEMU ``hw/core/machine.c``: a machine is made once).
    """
    goal, active, persistent = case.raised_to, case.declared.active, case.declared.persistent
    if goal is None:
        return Finding(check=ID, outcome=Outcome.SKIP, sentence="no upgrade is staged")
    now, then = (
        None if side is None else case.aliases.get(side.machine or "", side.machine)
        for side in (active, persistent)
    )
    if now == goal:
        return Finding(
            check=ID,
            outcome=Outcome.PASS,
            expected=goal,
            observed=now,
            sentence=f"the domain runs as {goal}, to which it was raised",
        )
    definition = case.declared.definition
    name = argument(definition.name, definition.uuid)
    if then == goal:
        return Finding(
            check=ID,
            outcome=Outcome.SKIP,
            expected=goal,
            observed=now,
            sentence=f"{goal} is staged: the next full stop and start apply it, a reboot in the "
            "guest does not",
        )
    return Finding(
        check=ID,
        outcome=Outcome.WARN,
        expected=goal,
        observed=then,
        sentence=f"{goal} was staged, but somebody changed the definition to {then}",
        remedy=f"samemachine upgrade {name} --to {quoted(goal)} --stage, or "
        f"samemachine rollback {name} --forget",
    )
