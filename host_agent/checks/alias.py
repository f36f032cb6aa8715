"""``alias``: does the persistent XML name a machine type, or a word that floats with QEMU?"""

from host_agent.model import Case, Finding, Outcome

ID = "alias"


def check(case: Case) -> Finding:
    """Look the persistent XML's machine up among this host's aliases (libvirt formatcaps.rst).

    Aliases are resolved on the host that runs the domain, never from a table.
    """
    persistent = case.declared.persistent
    if persistent is None:
        return Finding(check=ID, outcome=Outcome.SKIP, sentence="the domain is transient")
    machine = persistent.machine
    if machine is None or machine not in case.aliases:
        return Finding(
            check=ID,
            outcome=Outcome.SKIP if machine is None else Outcome.PASS,
            sentence="the persistent XML names "
            + (f"the machine type {machine} itself" if machine else "no machine type"),
            observed=machine,
        )
    target = case.aliases[machine]
    return Finding(
        check=ID,
        outcome=Outcome.WARN,
        sentence=f'the persistent XML says "{machine}": the type floats with QEMU (today {target})',
        expected=target,
        observed=machine,
        remedy=f"virsh edit {persistent.name}: write machine='{target}'",
    )
