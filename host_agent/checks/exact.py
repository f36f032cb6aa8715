"""``exact``: is the guest served, byte for byte, the tables that its running QEMU builds?"""

from host_agent.case.case import Case
from host_agent.checks.shared.tables import changes, masked, none_there, said
from host_agent.evidence.observation import Observation
from host_agent.finding import Finding, Outcome, not_running, unknown
from host_agent.firmware.smbios import Smbios, SmbiosError
from host_agent.missing import Missing

ID = "exact"


def check(case: Case) -> Finding:
    """Compare the live tables with a probe of the running binary, with the domain's own options.

    QEMU builds the tables once at its start and does not migrate them (``hw/smbios/smbios.c``,
    ``hw/nvram/fw_cfg.c``), so both must be the same bytes. Without the guest's agent the booted
    tables are compared: where they are the same, that is as good; where not, the guest may have
    booted under another QEMU, which is no error.
    """
    if case.declared.active is None:
        return not_running(ID)
    none = none_there(ID, case)
    if none is not None:
        return none
    now = case.now
    if isinstance(now, Missing):
        return unknown(ID, now)
    if now.smbios is None:
        return Finding(
            check=ID,
            outcome=Outcome.SKIP,
            sentence="this machine type leaves the SMBIOS tables to the firmware",
        )
    view, live = _view(case)
    if isinstance(view, Missing):
        return unknown(ID, view)
    try:
        found = changes(now.smbios, view, now.masked)
    except SmbiosError as error:
        return Finding(
            check=ID, outcome=Outcome.UNKNOWN, sentence=f"the tables can't be compared: {error}"
        )
    if not found:
        what = "is served" if live else "booted with"
        return Finding(
            check=ID,
            outcome=Outcome.PASS,
            sentence=f"the guest {what} exactly the tables that its QEMU builds"
            f"{masked(now.masked)}",
        )
    if not live:
        return Finding(
            check=ID,
            outcome=Outcome.UNKNOWN,
            sentence="the guest booted with other tables than its QEMU builds now, and only its "
            "agent can say what it is served",
        )
    return Finding(
        check=ID,
        outcome=Outcome.FAIL,
        sentence=f"the guest is served other tables than its QEMU builds: {said(found)}",
        expected="; ".join(f"{one.field} {one.old}" for one in found),
        observed="; ".join(f"{one.field} {one.new}" for one in found),
        remedy="samemachine show, then look at who else writes this guest's tables",
        differences=found,
    )


def _view(case: Case) -> tuple[Smbios | Missing, bool]:
    """Return the tables to compare, and whether they are the live ones."""
    if isinstance(case.observation, Observation) and isinstance(case.observation.live, Smbios):
        return case.observation.live, True
    return case.booted_tables, False
