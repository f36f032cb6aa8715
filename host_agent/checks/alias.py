"""``alias``: does the persistent XML name a machine type, or a word that floats with QEMU?"""

from collections.abc import Mapping

from host_agent.case.case import Case
from host_agent.checks.shared.machine_offer import needed
from host_agent.finding import Finding, Outcome
from host_agent.machine_types.names import family
from host_agent.missing import Missing
from host_agent.printable import argument

ID = "alias"
_DEFAULT = "pc"
"""What libvirt takes on x86 where the XML names none (qemu_capabilities.c, preferredMachines)."""


def check(case: Case) -> Finding:
    """Look the persistent XML's machine up among this host's aliases (libvirt formatcaps.rst).

    Aliases are resolved on the host that runs the domain, never from a table. An alias that two
    machine types carry (QEMU 8.2 of Ubuntu 24.04: ``q35``) is told to all domains of that family:
    the next one that is made there gets either.
    """
    persistent = case.declared.persistent
    floating = persistent is not None and persistent.machine in case.aliases
    if not floating or (persistent and persistent.machine in _twins(case)):
        twice = _twice(case)
        if twice is not None:
            return twice
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
        remedy=f"virsh edit {argument(persistent.name, persistent.uuid)}: write machine='{target}'",
    )


def _twins(case: Case) -> Mapping[str, tuple[str, ...]]:
    return {} if isinstance(case.surroundings, Missing) else case.surroundings.twins


def _twice(case: Case) -> Finding | None:
    machine = needed(case)
    if machine is None:
        return None
    for alias, names in sorted(_twins(case).items()):
        if family(machine) in map(family, names) or case.declared.definition.machine == alias:
            default = " (libvirt's default)" if alias == _DEFAULT else ""
            return Finding(
                check=ID,
                outcome=Outcome.WARN,
                sentence=f'this host\'s QEMU has the alias "{alias}"{default} twice, for '
                f"{' and '.join(names)}: which one it means is chance",
                observed=alias,
                remedy="name the machine type itself in each domain",
            )
    return None
