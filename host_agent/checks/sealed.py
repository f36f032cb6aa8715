"""``sealed``: will what is bound to the TPM's registers still open at the next start?"""

from host_agent.case.case import Case
from host_agent.evidence.running import Running
from host_agent.finding import Finding, Outcome, not_running, unknown
from host_agent.missing import Missing

ID = "sealed"


def check(case: Case) -> Finding:
    """Say which of PCR 0 to 7 a reset and a stop and start change, and which disk asks then.

    By rehearsals of the firmware with a new TPM and a copy of the variable store; a forecast counts
    only where the one of today's software gives what the guest has. One that came by a live
    migration is reset with the firmware that came along (QEMU ``hw/block/pflash_cfi01.c``: the
    flash is memory of the stream), and has this host's only after a stop.
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
    from host_agent.evidence.sealed import (  # noqa: PLC0415 - few audits rehearse
        CAME,
        NOT_AS_IT_HAS,
        asking,
        without_asking,
    )

    start = "the next stop and start"
    for when, outlook in (("a reset", found.reset), (start, found.start)):
        told = None if isinstance(outlook, Missing) else asking(ID, outlook, when)
        if told is not None:
            return told
    when, outlook = (
        ("a reset", found.reset) if isinstance(found.start, Missing) else (start, found.start)
    )
    if isinstance(outlook, Missing):
        return unknown(ID, outlook)
    came = isinstance(case.running, Running) and case.running.came
    return without_asking(ID, outlook, when, CAME if came else NOT_AS_IT_HAS)


def _skip(sentence: str) -> Finding:
    return Finding(check=ID, outcome=Outcome.SKIP, sentence=sentence)
