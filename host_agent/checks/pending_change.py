"""``pending-change``: will the next start give the guest another machine than it has now?"""

import hashlib

from host_agent.case.case import Case
from host_agent.domain.definition import FW_CFG, Definition
from host_agent.finding import Finding, Outcome, not_running
from host_agent.firmware.smbios_fields import quoted
from host_agent.printable import argument

ID = "pending-change"


def check(case: Case) -> Finding:
    """Compare the persistent XML, which applies at the next start, with the active one.

    libvirt writes the alias's target into the active XML only (``qemuDomainDefPostParse`` resolves
    it when a domain is defined, but XML of older versions still holds aliases), so both sides are
    resolved before they are compared.
    """
    active, persistent = case.declared.active, case.declared.persistent
    if active is None:
        return not_running(ID)
    if persistent is None:
        return Finding(check=ID, outcome=Outcome.SKIP, sentence="the domain is transient")
    now, then = _values(active, case), _values(persistent, case)
    changes = [
        (name, now.get(name), then.get(name))
        for name in {**now, **then}
        if now.get(name) != then.get(name)
    ]
    if not changes:
        return Finding(
            check=ID, outcome=Outcome.PASS, sentence="the next start gives the same machine"
        )
    sentences = [
        f"{name} {now or 'none'} now, {then or 'none'} at the next start"
        for name, now, then in changes[:_MOST]
    ]
    if len(changes) > _MOST:
        sentences.append(f"and {len(changes) - _MOST} more")
    _, is_now, will_be = changes[0]
    return Finding(
        check=ID,
        outcome=Outcome.WARN,
        sentence="the persistent XML differs: " + "; ".join(sentences),
        expected=will_be,
        observed=is_now,
        remedy=f"stop and start {active.name} when the change is wanted, or undo it with "
        f"virsh edit {argument(active.name, active.uuid)}",
    )


_MOST = 6
_LONGEST = 100


def _values(definition: Definition, case: Case) -> dict[str, str | None]:
    """Return what decides the machine, by name."""
    machine, hwuuid = definition.machine, definition.hardware_uuid
    return {
        "machine type": case.aliases.get(machine, machine) if machine else None,
        "emulator": definition.emulator,
        "architecture": definition.architecture,
        "firmware": definition.firmware,
        "loader": definition.loader,
        "hwuuid": str(hwuuid) if hwuuid else None,
        "smbios mode": definition.smbios_mode,
        **{
            f"sysinfo {block} {entry}": _shown(block, text)
            for block, entries in definition.sysinfo.items()
            for entry, text in entries.items()
        },
    }


def _shown(block: str, text: str) -> str:
    """Return an entry's text where no secret can be in it, else its hash; short in any case."""
    if block == FW_CFG:
        return f"SHA-256 {hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]}"
    shown = quoted(text.encode("utf-8", "replace"))
    if len(shown) <= _LONGEST:
        return shown
    # What differs may be in the part that is not shown.
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
    return f"{shown[:_LONGEST]}…' (SHA-256 {digest})"
