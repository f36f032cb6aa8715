"""``machine-type``: did the guest boot as the machine type that libvirt declares?"""

from host_agent.case.case import Case
from host_agent.checks.shared.machine_strings import judge
from host_agent.finding import Finding, Outcome, not_running, unknown
from host_agent.missing import Missing

ID = "machine-type"


def check(case: Case) -> Finding:
    """Compare the booted tables (DSP0134 7.2, 7.4, 7.5) with the active XML's machine type."""
    if case.declared.active is None:
        return not_running(ID)
    if isinstance(case.expected, Missing):
        return Finding(check=ID, outcome=Outcome.UNKNOWN, sentence=case.expected.sentence)
    if not case.expected.visible:
        return Finding(check=ID, outcome=Outcome.UNKNOWN, sentence=case.expected.why)
    if isinstance(case.booted, Missing) and not case.expected.booted_visible:
        return Finding(
            check=ID,
            outcome=Outcome.SKIP,
            sentence="no firmware leaves the guest tables to boot as; it has those that it is "
            "served now",
        )
    if isinstance(case.booted, Missing):
        return unknown(ID, case.booted)
    return judge(ID, case.booted, case.expected, "booted as")
