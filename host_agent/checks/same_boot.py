"""``same-boot``: does the guest still run the boot that it ran at the baseline?"""

from dataclasses import replace
from datetime import UTC, datetime

from host_agent.case.case import Case, Occasion
from host_agent.checks.shared.baseline import lacking, same_boot, sides
from host_agent.evidence.observation import Observation
from host_agent.finding import Finding, Outcome
from host_agent.missing import Missing, Reason
from host_agent.times import span

ID = "same-boot"

_NO_ID = Missing(reason=Reason.FAILED, sentence="the kernel's boot id could not be read")


def check(case: Case) -> Finding:
    """Say whether the boot is the same, and by which baseline where it is not the domain's own."""
    finding = _check(case)
    before = case.baseline
    if finding.outcome is Outcome.SKIP or isinstance(before, Missing) or before.instead_of is None:
        return finding
    by = f"held against the ledger's copy, for {before.instead_of}"
    return replace(finding, sentence=f"{finding.sentence} ({by})")


def _check(case: Case) -> Finding:
    """Compare the boot ids (Linux ``drivers/char/random.c``: random/boot_id of proc_sys_kernel(5)).

    A live migration and a saved image keep it, every boot makes a new one. So an arrival with
    another id is a guest that booted anew while it moved.
    """
    both = sides(ID, case)
    if isinstance(both, Finding):
        return both
    then, now = both
    same = same_boot(case)
    if same is None:
        return lacking(ID, case, "boot id", then.boot_id or _NO_ID, now.boot_id or _NO_ID)
    up = _uptime(now)
    if same:
        return _same(case, "" if up is None else f", up {span(up)}")
    expected, observed = f"boot {then.boot_id}", f"boot {now.boot_id}"
    if case.occasion is Occasion.ARRIVAL:
        ago = "" if up is None else f", {span(up)} before it answered"
        return Finding(
            check=ID,
            outcome=Outcome.FAIL,
            sentence=f"the guest booted anew while it moved{ago}",
            remedy="look for a crash: the guest's journal of the boot before, and "
            f"/var/log/libvirt/qemu/{case.declared.definition.name}.log on both hosts",
            expected=expected,
            observed=observed,
        )
    at = "" if up is None else f" at {datetime.fromtimestamp(now.received - up, UTC):%FT%TZ}"
    return Finding(
        check=ID,
        outcome=Outcome.PASS,
        sentence=f"the guest booted anew{at}",
        expected=expected,
        observed=observed,
    )


def _same(case: Case, up: str) -> Finding:
    if case.declared.reason == "restored":
        return Finding(
            check=ID,
            outcome=Outcome.PASS,
            sentence=f"the same boot, restored from a saved image{up}",
        )
    if case.occasion is Occasion.REVERTED:
        return Finding(
            check=ID, outcome=Outcome.PASS, sentence=f"the same boot, as the snapshot has it{up}"
        )
    if case.occasion is Occasion.UPGRADE:
        return Finding(
            check=ID,
            outcome=Outcome.WARN,
            sentence=f"the guest did not boot anew{up}: it still sees the machine that it booted "
            "with",
            remedy=f"stop and start {case.declared.definition.name}",
        )
    return Finding(check=ID, outcome=Outcome.PASS, sentence=f"the same boot{up}")


def _uptime(now: Observation) -> float | None:
    """Return the seconds since the boot; None where the guest gives no sensible number."""
    clock = now.hardware.clock
    if not isinstance(clock, Missing) and clock.boottime:
        seconds = clock.boottime / 1e9
    elif now.boot_time is not None:
        # By the guest's wall clock, which may be wrong.
        seconds = now.received - now.boot_time
    else:
        return None
    return seconds if 0 <= seconds <= now.received else None
