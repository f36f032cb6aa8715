"""``next-start``: what will a stop and start change for the guest?"""

from host_agent.checks.table_changes import forecast
from host_agent.missing import Missing
from host_agent.model import Case, Finding, Outcome

ID = "next-start"


def check(case: Case) -> Finding:
    """Hold the booted tables against a probe of the installed binary with the persistent XML."""
    if case.declared.active is None:
        return Finding(check=ID, outcome=Outcome.SKIP, sentence="the domain is not running")
    if case.declared.persistent is None:
        return Finding(check=ID, outcome=Outcome.SKIP, sentence="the domain is transient")
    start = case.next_start
    if isinstance(start, Missing):
        return Finding(
            check=ID, outcome=Outcome.UNKNOWN, sentence=start.sentence, remedy=start.remedy
        )
    if start.smbios is None:
        return Finding(
            check=ID,
            outcome=Outcome.SKIP,
            sentence="the next start leaves the SMBIOS tables to the firmware",
        )
    return forecast(ID, case, start.smbios, start.masked, "a stop and start")
