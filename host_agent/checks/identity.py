"""``identity``: is the guest's UUID the domain's?"""

from host_agent.missing import Missing
from host_agent.model import (
    Case,
    Finding,
    Named,
    Outcome,
)
from host_agent.smbios import swapped

ID = "identity"


def check(case: Case) -> Finding:
    """Compare the type 1 UUID (DSP0134 7.2.1) in every view with the domain's.

    Machine types up to 2.1 write it with the first fields' bytes in the other order; either is the
    domain's.
    """
    if case.declared.active is None:
        return Finding(check=ID, outcome=Outcome.SKIP, sentence="the domain is not running")
    declared = case.declared.active.uuid
    if not isinstance(case.expected, Missing) and not case.expected.visible:
        return Finding(check=ID, outcome=Outcome.UNKNOWN, sentence=case.expected.why)
    seen = [
        (word, view)
        for word, view in (("booted with", case.booted), ("is now served", case.live))
        if isinstance(view, Named) and view.uuid is not None
    ]
    for word, view in seen:
        if view.uuid not in {declared, swapped(declared)}:
            return Finding(
                check=ID,
                outcome=Outcome.FAIL,
                sentence=f"the guest {word} UUID {view.uuid}, libvirt says {declared}",
                expected=str(declared),
                observed=str(view.uuid),
                remedy="find out which machine this is: compare virsh dumpxml with the guest, and "
                "look for a second domain with that UUID",
            )
    if not seen:
        why = case.booted
        return Finding(
            check=ID,
            outcome=Outcome.UNKNOWN,
            sentence=why.sentence if isinstance(why, Missing) else "the guest shows no UUID",
            remedy=why.remedy if isinstance(why, Missing) else None,
        )
    order = "" if seen[0][1].uuid == declared else ", bytes swapped as machine types up to 2.1 do"
    return Finding(
        check=ID,
        outcome=Outcome.PASS,
        sentence=f"the guest has the domain's UUID{order}",
        expected=str(declared),
        observed=str(seen[0][1].uuid),
    )
