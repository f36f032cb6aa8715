"""Why a domain is verified: what happened to it since its baseline. Pure."""

from host_agent.case.case import Case, Occasion
from host_agent.evidence.baseline import Baseline
from host_agent.evidence.observation import Observation
from host_agent.evidence.running import Running

_MIGRATED = "migrated"
FROM_SNAPSHOT = "from snapshot"
"""libvirt's reason for a state (``hypervisor/states.py``): it was reverted to a snapshot."""


def of(case: Case) -> Occasion:
    """Return the occasion that the evidence shows.

    The boot id decides where the guest can be asked: a live migration keeps it, a boot does not. A
    domain that libvirt says came by migration, to a host where it has not been verified yet, is an
    arrival whatever the boot id says: one that is another then means that the guest booted anew
    while it moved. One boot in another process than the baseline's moved too: away and back, or
    through a saved image. Without a boot id, what libvirt and the process say must do. A restart
    that gave the domain the machine type to which it was raised is an upgrade. A domain that was
    reverted to a snapshot has the baseline of that time in its XML, whatever happened since.
    """
    found = _of(case)
    if not _was_raised(case):
        return found
    # Where neither process nor boot id is to be seen, the machine type alone says it was started.
    started = found is Occasion.RESTART or (found is Occasion.AUDIT and not _boots_known(case))
    return Occasion.UPGRADE if started else found


def _boots_known(case: Case) -> bool:
    before = case.baseline.observation.boot_id if isinstance(case.baseline, Baseline) else None
    now = case.observation.boot_id if isinstance(case.observation, Observation) else None
    return before is not None and now is not None


def _was_raised(case: Case) -> bool:
    """Tell whether this start is the one that was to give the domain another machine type.

    A reboot inside the guest before that is a restart: it keeps the process, and with it the type.
    """
    active, before = case.declared.active, case.baseline
    if case.raised_to is None or active is None or not isinstance(before, Baseline):
        return False
    machine = case.aliases.get(active.machine or "", active.machine)
    return machine == case.raised_to != before.machine


def _of(case: Case) -> Occasion:
    baseline = case.baseline
    if not isinstance(baseline, Baseline) or case.declared.active is None:
        return Occasion.AUDIT
    moved = case.host != baseline.host
    younger = isinstance(case.running, Running) and not is_of(case.running, baseline)
    if _went_back(case, another=moved or younger):
        return Occasion.REVERTED
    if moved and case.declared.reason == _MIGRATED:
        return Occasion.ARRIVAL
    before = baseline.observation.boot_id
    now = case.observation.boot_id if isinstance(case.observation, Observation) else None
    if before is not None and now is not None:
        if before != now:
            return Occasion.RESTART
        return Occasion.ARRIVAL if moved or younger else Occasion.AUDIT
    return Occasion.RESTART if moved or younger else Occasion.AUDIT


def _went_back(case: Case, *, another: bool) -> bool:
    """Tell whether the domain was reverted to a snapshot since its baseline was written.

    ``another``: another host or process than the baseline's. What libvirt says of the state holds
    until the domain is next paused; where it says something else by then, a boot that goes on in
    another process, with a baseline that is older than the ledger's copy, has come from a snapshot.
    """
    if case.declared.reason == FROM_SNAPSHOT:
        return another or case.newer is not None
    baseline, seen = case.baseline, case.observation
    goes_on = (
        isinstance(baseline, Baseline)
        and isinstance(seen, Observation)
        and seen.boot_id is not None
        and seen.boot_id == baseline.observation.boot_id
    )
    return another and goes_on and case.newer is not None and case.snapshot is not None


def is_of(running: Running, baseline: Baseline) -> bool:
    """Tell whether a baseline of this host was taken of the process that runs now.

    By what names a process, not by clocks, which may be set. One that an older samemachine took
    has only its time.
    """
    if running.process is None or baseline.process is None:
        return running.started <= baseline.taken
    return running.process == baseline.process
