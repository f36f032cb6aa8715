"""Group ``clock``: the clocksource, and wall clock and time since boot at one moment."""

import time
from collections.abc import Callable
from pathlib import Path

from guest_agent.evidence.files import attribute
from guest_agent.evidence.strings import clean
from samemachine.v1 import guest_pb2

_CLOCKSOURCE = "/sys/devices/system/clocksource/clocksource0/current_clocksource"

Now = Callable[[int], int]
"""Returns a clock's time in nanoseconds, as ``time.clock_gettime_ns`` does."""


def parse(clocksource: bytes, realtime: int, boottime: int) -> guest_pb2.Clock:
    """Return the group; a wall clock before 1970 reads as 1970."""
    return guest_pb2.Clock(
        clocksource=clean(clocksource),
        realtime_nanoseconds=max(0, realtime),
        boottime_nanoseconds=boottime,
    )


def read(root: Path = Path("/"), now: Now = time.clock_gettime_ns) -> guest_pb2.Clock:
    """Read the group; raises ``EvidenceError``.

    Between two readings of one clock lies one of the other, so that the two belong together to half
    the time that it took (clock_gettime(2)).
    """
    clocksource = attribute(root, _CLOCKSOURCE) or b""
    before = now(time.CLOCK_BOOTTIME)
    realtime = now(time.CLOCK_REALTIME)
    after = now(time.CLOCK_BOOTTIME)
    return parse(clocksource, realtime, (before + after) // 2)
