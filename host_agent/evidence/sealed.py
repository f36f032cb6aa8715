"""What a forecast of a TPM's registers means for what is bound to them, as a finding. Pure."""

from collections.abc import Sequence

from host_agent.evidence.measured import Bound, Outlook, Register
from host_agent.finding import Finding, Outcome
from host_agent.missing import Missing

_REMEDY = (
    "suspend the bindings in the guest before (BitLocker: manage-bde -protectors -disable; a LUKS2 "
    "disk: have its passphrase or recovery key at hand), and bind them anew afterwards"
)
_LOADER = (
    "--read-esp: its loader is rehearsed as well, from a copy of its EFI system partition in memory"
)
_OF_LOADERS = {1, 4, 5, 7}
"""The registers that a boot from a disk changes: boot entries that name a partition, and what
loaders measure."""
NOT_AS_IT_HAS = "a rehearsal of what runs does not give what the guest has"
CAME = "another QEMU booted the guest, and what it measured can't be rehearsed here"


def asking(check: str, outlook: Outlook, when: str) -> Finding | None:
    """Say which disks will ask for their recovery keys; None: of none it is known."""
    disks = [one for one in outlook.keys or () if one.opens is False]
    if not disks:
        return None
    return Finding(
        check=check,
        outcome=Outcome.WARN,
        sentence=f"after {when} {_listed(disks)} will not open by the TPM: "
        f"{_changed(outlook.registers)} will be another",
        expected=f"PCR {_numbers(_bound(disks))} as today",
        observed=f"changed: PCR {_numbers(_changing(outlook.registers))}",
        remedy=_REMEDY,
    )


def without_asking(check: str, outlook: Outlook, when: str, why_not: str) -> Finding:
    """Say what changes where no disk is known to ask; ``why_not``: a register is not known."""
    changed = _changed(outlook.registers)
    does = f"{when} changes {changed}" if changed else "no register changes"
    lost = [one.number for one in outlook.registers if one.changes is None]
    if lost:
        does += f"; of PCR {_numbers(lost)} it is not known: {why_not}"
        if outlook.unread:
            does += f" (not copied: {'; '.join(outlook.unread)})"
    keys = outlook.keys
    if keys is None:
        sentence = f"{does}; what is bound to the TPM is not known"
    elif outlook.asks is None:
        unsure = [one for one in keys if one.opens is None]
        sentence = f"{does}; whether {_listed(unsure)} opens is not known"
    else:
        opens = f"{_listed(keys)} will open" if keys else "no LUKS2 disk is bound to the TPM"
        sentence = f"{does}; {opens}"
    if outlook.asks is not None:
        return Finding(check=check, outcome=Outcome.PASS, sentence=sentence)
    remedy = _LOADER if not outlook.loader and _OF_LOADERS & {*lost} else None
    return Finding(check=check, outcome=Outcome.UNKNOWN, sentence=sentence, remedy=remedy)


def of_start(check: str, found: Outlook | Missing, when: str) -> Finding:
    """Say what becomes of a guest's disks; ``when``: after which start, in words."""
    if isinstance(found, Missing):
        return Finding(
            check=check,
            outcome=Outcome.UNKNOWN,
            sentence=f"whether what is bound to its TPM opens at {when} is not known: "
            f"{found.sentence}",
            remedy=found.remedy,
        )
    return asking(check, found, when) or without_asking(check, found, when, NOT_AS_IT_HAS)


def _changing(registers: Sequence[Register]) -> list[int]:
    return [one.number for one in registers if one.changes]


def _changed(registers: Sequence[Register]) -> str:
    return ", ".join(f"PCR {one.number} ({', '.join(one.why)})" for one in registers if one.changes)


def _bound(keys: Sequence[Bound]) -> list[int]:
    return sorted({number for one in keys for number in one.token.pcrs or ()})


def _numbers(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _listed(keys: Sequence[Bound]) -> str:
    return ", ".join(map(str, keys))
