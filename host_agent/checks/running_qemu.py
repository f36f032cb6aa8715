"""``running-qemu``: does the QEMU process run the machine type and UUID that libvirt declares?"""

from host_agent.case.case import Case
from host_agent.finding import Finding, Outcome, not_running, unknown
from host_agent.machine_types.names import canonical
from host_agent.missing import Missing

ID = "running-qemu"


def check(case: Case) -> Finding:
    """Compare the process's own command line (``-machine``, ``-uuid``) with the active XML."""
    active, running = case.declared.active, case.running
    if active is None:
        return not_running(ID)
    if isinstance(running, Missing):
        return unknown(ID, running)
    wanted = case.aliases.get(active.machine or "", active.machine)
    if running.uuid is not None and running.uuid != active.guest_uuid:
        return Finding(
            check=ID,
            outcome=Outcome.FAIL,
            sentence=f"QEMU runs with UUID {running.uuid}, libvirt says {active.guest_uuid}",
            expected=str(active.guest_uuid),
            observed=str(running.uuid),
        )
    if running.machine is None or wanted is None:
        return Finding(
            check=ID,
            outcome=Outcome.UNKNOWN,
            sentence="the machine type is not to be seen in QEMU's command line or in the XML",
        )
    if canonical(running.machine) != canonical(wanted):
        return Finding(
            check=ID,
            outcome=Outcome.FAIL,
            sentence=f"QEMU (process {running.pid}) runs {running.machine}, "
            f"libvirt declares {wanted}",
            expected=wanted,
            observed=running.machine,
            remedy="stop and start the domain to apply what libvirt declares",
        )
    return Finding(
        check=ID,
        outcome=Outcome.PASS,
        sentence=f"QEMU (process {running.pid}) runs {running.machine}",
        expected=wanted,
        observed=running.machine,
    )
