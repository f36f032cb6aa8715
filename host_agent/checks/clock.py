"""``clock``: does the guest's clock go on as it went at the baseline?"""

from collections.abc import Iterator

from host_agent.case.case import Case
from host_agent.checks.shared.baseline import Change, Kind, groups, judged, same_boot
from host_agent.evidence.baseline import Baseline
from host_agent.evidence.observation import Observation
from host_agent.finding import Finding
from host_agent.times import span

ID = "clock"

_SECOND = 1e9
_TOLERANCE = 5.0
"""Seconds: a report takes up to a few, and two hosts of one pool may be a little apart."""


def check(case: Case) -> Finding:
    """Compare the clocksource, and within one boot how wall clock and time since boot went on.

    Linux timekeeping/clocksource; clock_gettime(2). The wall clock is held against this host's, as
    it was against the baseline's host; and since CLOCK_BOOTTIME goes on at the wall clock's pace, a
    change of their difference means that the wall clock was set. Never a fail: clocks are kept by
    the guest.
    """
    both = groups(ID, case, "clocks", lambda hardware: hardware.clock)
    if isinstance(both, Finding):
        return both
    then, now = both
    found: list[Change] = []
    if then.source != now.source:
        was, has = (one.source or "not given" for one in (then, now))
        found.append(_change(f"clocksource {was} -> {has}", was, has))
    same = f"the guest's clocksource is that of the baseline, {now.source or 'not given'}"
    if (
        same_boot(case)
        and isinstance(case.baseline, Baseline)
        and isinstance(case.observation, Observation)
    ):
        found += _apart(
            then.realtime / _SECOND - case.baseline.observation.received,
            now.realtime / _SECOND - case.observation.received,
        )
        found += _set((now.realtime - now.boottime - then.realtime + then.boottime) / _SECOND)
        same = f"the guest's clock goes on as at the baseline, by {now.source or 'no clocksource'}"
    return judged(ID, case, found, same)


def _apart(before: float, now: float) -> Iterator[Change]:
    """Yield that the clock is elsewhere against the host's than it was."""
    if abs(now - before) > _TOLERANCE:
        was, has = (
            f"{_seconds(side)} {'behind' if side < 0 else 'ahead of'}" for side in (before, now)
        )
        yield _change(
            f"the guest's clock is {has} this host's, was {was.removesuffix(' of')} at the "
            "baseline",
            f"clock {was} the host's",
            f"clock {has} the host's",
        )


def _set(step: float) -> Iterator[Change]:
    """Yield that the wall clock went another way than the time since boot."""
    if abs(step) > _TOLERANCE:
        done = f"set {'forward' if step > 0 else 'back'} by {_seconds(step)}"
        yield _change(f"the guest's clock was {done}", "not set", done)


def _change(sentence: str, old: str, new: str) -> Change:
    return Change(sentence=sentence, old=old, new=new, kind=Kind.GUESTS)


def _seconds(seconds: float) -> str:
    """Return a length of time, to a tenth of a second where it is short."""
    return f"{abs(seconds):.1f} s" if abs(seconds) < 120 else span(abs(seconds))
