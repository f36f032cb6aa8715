"""``sealed``: will what is bound to the TPM's registers still open at the next start?"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from host_agent.case.case import Case
from host_agent.evidence.running import Running
from host_agent.finding import Finding, Outcome, not_running, unknown
from host_agent.missing import Missing

if TYPE_CHECKING:
    # Few audits rehearse.
    from host_agent.evidence.measured import Bound, Outlook, Register

ID = "sealed"

_REMEDY = (
    "suspend the bindings in the guest before (BitLocker: manage-bde -protectors -disable; a LUKS2 "
    "disk: have its passphrase or recovery key at hand), and bind them anew afterwards"
)


def check(case: Case) -> Finding:
    """Say which of PCR 0 to 7 a reset and a stop and start change, and which disk asks then.

    By rehearsals of the firmware with a new TPM and a copy of the variable store; a forecast counts
    only where the one of today's software gives what the guest has.
    """
    if case.declared.active is None:
        return not_running(ID)
    if case.declared.active.tpm is None:
        return _skip("the domain has no TPM")
    found = case.measured
    if found is None:
        return _skip("a rehearsal was not asked for (--rehearse)")
    if isinstance(found, Missing):
        return unknown(ID, found)
    for when, outlook in (("a reset", found.reset), ("the next stop and start", found.start)):
        if isinstance(outlook, Missing):
            continue
        asking = [one for one in outlook.keys or () if one.opens is False]
        if asking:
            return Finding(
                check=ID,
                outcome=Outcome.WARN,
                sentence=f"after {when} {_listed(asking)} will not open by the TPM: "
                f"{_changed(outlook.registers)} will be another",
                expected=f"PCR {_numbers(_bound(asking))} as today",
                observed=f"changed: PCR {_numbers(_changing(outlook.registers))}",
                remedy=_REMEDY,
            )
    outlook = found.reset if isinstance(found.start, Missing) else found.start
    if isinstance(outlook, Missing):
        return unknown(ID, outlook)
    return _without_asking(outlook, _why_not(case))


def _why_not(case: Case) -> str:
    """Return why a rehearsal of what runs may not give what the guest has."""
    if isinstance(case.running, Running) and "-incoming" in case.running.arguments:
        return "the guest came with the firmware that it was started with, which is not rehearsed"
    return "a rehearsal of what runs does not give what the guest has"


def _without_asking(outlook: "Outlook", why_not: str) -> Finding:
    changed = _changed(outlook.registers)
    does = f"the next stop and start changes {changed}" if changed else "no register changes"
    lost = [one.number for one in outlook.registers if one.changes is None]
    if lost:
        does += f"; of PCR {_numbers(lost)} it is not known: {why_not}"
    keys = outlook.keys
    if keys is None:
        sentence = f"{does}; what is bound to the TPM is not known"
        outcome = Outcome.UNKNOWN if changed or lost else Outcome.PASS
    elif any(one.opens is None for one in keys):
        unsure = [one for one in keys if one.opens is None]
        sentence, outcome = f"{does}; whether {_listed(unsure)} opens is not known", Outcome.UNKNOWN
    else:
        opens = f"{_listed(keys)} will open" if keys else "no LUKS2 disk is bound to the TPM"
        sentence, outcome = f"{does}; {opens}", Outcome.PASS
    return Finding(check=ID, outcome=outcome, sentence=sentence)


def _changing(registers: "Sequence[Register]") -> list[int]:
    return [one.number for one in registers if one.changes]


def _changed(registers: "Sequence[Register]") -> str:
    return ", ".join(f"PCR {one.number} ({', '.join(one.why)})" for one in registers if one.changes)


def _bound(keys: "Sequence[Bound]") -> list[int]:
    return sorted({number for one in keys for number in one.token.pcrs or ()})


def _numbers(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _listed(keys: "Sequence[Bound]") -> str:
    return ", ".join(map(str, keys))


def _skip(sentence: str) -> Finding:
    return Finding(check=ID, outcome=Outcome.SKIP, sentence=sentence)
