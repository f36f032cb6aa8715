"""``python -m tests.lab.footprint``: what the agent costs a guest that nobody asks.

Memory and wake-ups of each agent of one guest, from its /proc: PSS and RSS of all processes of the
unit (smaps_rollup), and voluntary context switches of their threads over a minute.
"""

import sys
import time
from collections.abc import Sequence

from tests.lab import lab
from tests.lab.asking import audit
from tests.lab.guest import Guest, GuestOptions

_SECONDS = 60
# Its worker, which speaks gRPC, ends after ten seconds without a question.
_IDLE = 25
# A child of qemu-guest-agent is the shell that looks.
_PIDS = {
    "samemachine-guest": "$main $(cat /proc/$main/task/$main/children)",
    "qemu-guest-agent": "$main",
}
_UNITS = tuple(_PIDS)
_READ = """
main=$(systemctl show --property MainPID --value {unit})
for pid in {pids}; do
    awk '/^(Rss|Pss):/ {{ print $1, $2 }}' /proc/$pid/smaps_rollup
    awk '/^voluntary/ {{ print $1, $2 }}' /proc/$pid/task/*/status
done
"""


def measure(guest: Guest, unit: str) -> dict[str, int]:
    """Return the sums over a unit's processes: Rss and Pss in KiB, voluntary_ctxt_switches."""
    sums: dict[str, int] = {}
    for line in guest.run("sh", "-c", _READ.format(unit=unit, pids=_PIDS[unit])).splitlines():
        name, _, value = line.partition(": ")
        sums[name] = sums.get(name, 0) + int(value)
    return sums


def _print(when: str, guest: Guest, units: Sequence[str]) -> None:
    for unit in units:
        found = measure(guest, unit)
        print(f"{when:12} {unit:18} PSS {found['Pss']:6} KiB  RSS {found['Rss']:6} KiB", flush=True)


def main() -> int:
    """Boot a guest and measure."""
    why = lab.hindrance()
    if why is not None:
        print(why, file=sys.stderr)
        return 1
    lab.build("hosta")
    with lab.running() as running:
        host = running.host("hosta")
        guest = host.guest(GuestOptions(name="idle", system=True)).start().wait_ready()
        _print("never asked", guest, _UNITS)
        audit(host)
        _print("just asked", guest, _UNITS[:1])
        time.sleep(_IDLE)
        _print("idle again", guest, _UNITS)
        # The wake-ups of the other agent are the price of looking: it is what runs the commands.
        before = measure(guest, _UNITS[0])
        other = measure(guest, _UNITS[1])
        looked = measure(guest, _UNITS[1])
        time.sleep(_SECONDS)
        for unit, first in zip(_UNITS, (before, looked), strict=True):
            key = "voluntary_ctxt_switches"
            wakes = measure(guest, unit)[key] - first[key]
            print(f"{_SECONDS} s: {unit} woke {wakes} times", flush=True)
        key = "voluntary_ctxt_switches"
        print(f"(one look costs qemu-guest-agent {looked[key] - other[key]} of them)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
