"""``next-boot``: what will a reboot inside the guest change for it?"""

from host_agent.case.case import Case
from host_agent.checks.shared.rehearsed import with_rehearsal
from host_agent.checks.shared.tables import forecast, none_there
from host_agent.evidence.observation import Observation
from host_agent.finding import Finding, Outcome, not_running, unknown
from host_agent.firmware.smbios import Smbios
from host_agent.missing import Missing

ID = "next-boot"


def check(case: Case) -> Finding:
    """Hold the booted tables against the live ones, which the firmware will read at a reboot.

    A reboot keeps the QEMU process, so what it serves now is what the guest will boot with. Without
    the guest's agent a probe of the running binary says what is served.

    ACPI and PCI a rehearsal tells, where one was asked for: after a live migration QEMU serves a
    mix, ``etc/acpi/tables`` of the source until a reset makes them anew (QEMU
    ``hw/i386/acpi-build.c: acpi_build_reset``), so nothing that is served now tells of them.
    """
    if case.declared.active is None:
        return not_running(ID)
    return with_rehearsal(_served(case), case.after_boot)


def _served(case: Case) -> Finding:
    none = none_there(ID, case)
    if none is not None:
        return none
    if isinstance(case.observation, Observation) and isinstance(case.observation.live, Smbios):
        return forecast(ID, case, case.observation.live, (), "a reboot")
    if isinstance(case.now, Missing):
        return unknown(ID, case.now)
    if case.now.smbios is None:
        return Finding(
            check=ID,
            outcome=Outcome.SKIP,
            sentence="this machine type leaves the SMBIOS tables to the firmware",
        )
    return forecast(ID, case, case.now.smbios, case.now.masked, "a reboot")
