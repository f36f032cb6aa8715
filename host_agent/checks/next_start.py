"""``next-start``: what will a stop and start change for the guest?"""

from host_agent.case.case import Case
from host_agent.checks.shared.rehearsed import with_rehearsal
from host_agent.checks.shared.tables import forecast, none_there
from host_agent.evidence.running import ProbedTables
from host_agent.finding import Finding, Outcome, not_running, unknown
from host_agent.missing import Missing, Reason

ID = "next-start"


def check(case: Case) -> Finding:
    """Hold the booted tables against a probe of the installed binary with the persistent XML.

    The probe has the options that libvirt would start the domain with (``domxml-to-native``): a
    QEMU that refuses them will not start it, also where it does not run today. ACPI and PCI a
    rehearsal of that start tells, where one was asked for.
    """
    start, stopped = case.next_start, case.declared.active is None
    if isinstance(start, Missing) and start.reason is Reason.NO_START:
        return Finding(
            check=ID,
            outcome=Outcome.WARN,
            sentence=f"the next start fails: {start.sentence}",
            remedy=start.remedy,
        )
    if stopped and isinstance(start, Missing):
        return not_running(ID)
    if case.declared.persistent is None:
        return Finding(check=ID, outcome=Outcome.SKIP, sentence="the domain is transient")
    if stopped:
        return Finding(
            check=ID,
            outcome=Outcome.PASS,
            sentence="the installed QEMU takes the options that libvirt starts the domain with",
        )
    return with_rehearsal(_served(case, start), case.after_start)


def _served(case: Case, start: ProbedTables | Missing) -> Finding:
    none = none_there(ID, case)
    if none is not None:
        return none
    if isinstance(start, Missing):
        return unknown(ID, start)
    if start.smbios is None:
        return Finding(
            check=ID,
            outcome=Outcome.SKIP,
            sentence="the next start leaves the SMBIOS tables to the firmware",
        )
    return forecast(ID, case, start.smbios, start.masked, "a stop and start")
