"""Why a domain is verified: what happened to it since its baseline. Pure."""

from host_agent.model import Baseline, Case, Observation, Occasion, Running

_MIGRATED = "migrated"


def of(case: Case) -> Occasion:
    """Return the occasion that the evidence shows.

    The boot id decides where the guest can be asked: a live migration keeps it, a boot does not. A
    domain that libvirt says came by migration, to a host where it has not been verified yet, is an
    arrival whatever the boot id says: one that is another then means that the guest booted anew
    while it moved. One boot in another process than the baseline's moved too: away and back, or
    through a saved image. Without a boot id, what libvirt and the process say must do. A restart
    that gave the domain the machine type to which it was raised is an upgrade.
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
    if moved and case.declared.reason == _MIGRATED:
        return Occasion.ARRIVAL
    younger = isinstance(case.running, Running) and not is_of(case.running, baseline)
    before = baseline.observation.boot_id
    now = case.observation.boot_id if isinstance(case.observation, Observation) else None
    if before is not None and now is not None:
        if before != now:
            return Occasion.RESTART
        return Occasion.ARRIVAL if moved or younger else Occasion.AUDIT
    return Occasion.RESTART if moved or younger else Occasion.AUDIT


def is_of(running: Running, baseline: Baseline) -> bool:
    """Tell whether a baseline of this host was taken of the process that runs now.

    By what names a process, not by clocks, which may be set. One that an older samemachine took
    has only its time.
    """
    if running.process is None or baseline.process is None:
        return running.started <= baseline.taken
    return running.process == baseline.process
