"""``pending-change``: will the next start give the guest another machine than it has now?"""

from host_agent.model import Case, Definition, Finding, Outcome

ID = "pending-change"


def check(case: Case) -> Finding:
    """Compare the persistent XML, which applies at the next start, with the active one.

    libvirt writes the alias's target into the active XML only (``qemuDomainDefPostParse`` resolves
    it when a domain is defined, but XML of older versions still holds aliases), so both sides are
    resolved before they are compared.
    """
    active, persistent = case.declared.active, case.declared.persistent
    if active is None:
        return Finding(check=ID, outcome=Outcome.SKIP, sentence="the domain is not running")
    if persistent is None:
        return Finding(check=ID, outcome=Outcome.SKIP, sentence="the domain is transient")
    changes = [
        (name, now, then)
        for name, now, then in (
            (name, _value(active, name, case), _value(persistent, name, case)) for name in _NAMES
        )
        if now != then
    ]
    if not changes:
        return Finding(
            check=ID, outcome=Outcome.PASS, sentence="the next start gives the same machine"
        )
    sentences = [
        f"{name} {now or 'none'} now, {then or 'none'} at the next start"
        for name, now, then in changes
    ]
    _, now, then = changes[0]
    return Finding(
        check=ID,
        outcome=Outcome.WARN,
        sentence="the persistent XML differs: " + "; ".join(sentences),
        expected=then,
        observed=now,
        remedy=f"stop and start {active.name} when the change is wanted, or undo it with "
        f"virsh edit {active.name}",
    )


_NAMES = (
    "machine type",
    "emulator",
    "architecture",
    "firmware",
    "loader",
    "smbios mode",
    "sysinfo",
)


def _value(definition: Definition, name: str, case: Case) -> str | None:
    machine = definition.machine
    return {
        "machine type": case.aliases.get(machine, machine) if machine else None,
        "emulator": definition.emulator,
        "architecture": definition.architecture,
        "firmware": definition.firmware,
        "loader": definition.loader,
        "smbios mode": definition.smbios_mode,
        "sysinfo": _flat(definition) or None,
    }[name]


def _flat(definition: Definition) -> str:
    return ", ".join(
        f"{block}.{entry}={text}"
        for block, entries in sorted(definition.sysinfo.items())
        for entry, text in sorted(entries.items())
    )
