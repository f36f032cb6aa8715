"""``machine-type-live``: does the QEMU process under the guest serve the declared machine type?"""

from host_agent.case.case import Case
from host_agent.checks.shared.machine_strings import judge
from host_agent.finding import Finding, Outcome, not_running
from host_agent.missing import Missing

ID = "machine-type-live"


def check(case: Case) -> Finding:
    """Compare the tables that the guest reads through fw_cfg now with the active XML.

    After a live migration they are the destination's (QEMU ``hw/nvram/fw_cfg.c``: the contents of
    files do not migrate). Only the guest can read them: without its agent the check does not apply.
    """
    if case.declared.active is None:
        return not_running(ID)
    if isinstance(case.observation, Missing):
        return Finding(
            check=ID, outcome=Outcome.SKIP, sentence="only a guest agent can read the live tables"
        )
    if isinstance(case.expected, Missing):
        return Finding(check=ID, outcome=Outcome.UNKNOWN, sentence=case.expected.sentence)
    if not case.expected.live_visible:
        return Finding(
            check=ID,
            outcome=Outcome.SKIP,
            sentence=f"{case.expected.machine} serves no tables through fw_cfg",
        )
    if isinstance(case.live, Missing):
        return Finding(
            check=ID,
            outcome=Outcome.UNKNOWN,
            sentence=case.live.sentence,
            remedy=case.live.remedy or "samemachine-guest check, in the guest",
        )
    return judge(ID, case.live, case.expected, "is now served by")
