"""From libvirt's event of an arrival to the daemon's verdict, beside what the guest's answer took.

Real hosts, a real guest, live migrations there and back; the guest runs in software emulation, and
its answer is most of the time. Called by ``tests.bench``.
"""

import json
import re
import statistics
import subprocess
import time
from datetime import datetime

from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.lab import Lab

ROUNDS = 5
_LEDGER = "/root/bench.sqlite"
_RESUMED = re.compile(
    r"^(\S+ \S+): event 'lifecycle' for domain .*: Resumed Migrated", re.MULTILINE
)


def measure(lab: Lab) -> None:
    """Measure and print."""
    a, b = lab.host("hosta"), lab.host("hostb")
    guest = a.guest(GuestOptions(name="mover")).start().wait_ready(300)
    a.samemachine("baseline", "mover")
    log = b.root / "root/events.log"
    with log.open("w") as events:
        watch = b.popen(
            "stdbuf",
            "-oL",
            "virsh",
            "event",
            "--loop",
            "--timestamp",
            "--event",
            "lifecycle",
            stdout=events,
            stderr=events,
        )
    daemon = b.popen(
        *b.samemachine_command("serve", "--ledger", _LEDGER),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(3)
        rounds = [_round(guest, a, b) for _ in range(ROUNDS)]
        resumed = [
            datetime.fromisoformat(text).timestamp()
            for text in _RESUMED.findall(log.read_text(encoding="utf-8"))
        ]
    finally:
        for process in (daemon, watch):
            process.kill()
            process.wait()
        guest.remove()
    answers = [answer for _, answer in rounds]
    waits = [verdict - event for (verdict, _), event in zip(rounds, resumed, strict=True)]
    print(f"\n{ROUNDS} live migrations hosta -> hostb, median")
    answer, wait = statistics.median(answers), statistics.median(waits)
    print(f"the guest's report (RPC, in software emulation) {answer:6.2f} s   1.0")
    print(f"libvirt's event -> the daemon's verdict         {wait:6.2f} s   {wait / answer:.1f}")


def _round(guest: Guest, a: Host, b: Host) -> tuple[float, float]:
    """Move there and back; returns when the verdict was told, and what a report takes there."""
    known = len(_arrivals(b))
    guest.migrate(b)
    until = time.monotonic() + 60
    while len(_arrivals(b)) == known:
        if time.monotonic() > until:
            raise RuntimeError("the daemon did not verify the arrival")
        time.sleep(0.2)
    told = float(_arrivals(b)[-1])
    shown = json.loads(b.samemachine("audit", "--format", "json", "mover").stdout)
    (domain,) = shown["hosts"][0]["domains"]
    guest.migrate(a)
    return told, float(domain["evidence"]["guest"]["seconds"])


def _arrivals(host: Host) -> list[float]:
    done = host.samemachine("history", "mover", "--ledger", _LEDGER, "--format", "json")
    if done.returncode:
        return []
    found = json.loads(done.stdout)["entries"]
    return [
        datetime.fromisoformat(one["time"]).timestamp()
        for one in found
        if one["occasion"] == "arrival"
    ]
