"""Row ``arrival``: from libvirt's event of an arrival to the daemon's verdict, in live migrations.

Real hosts, a real guest, there and back; the guest runs in software emulation, and its answer is
most of the time.
"""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from tests.bench.bench import Bench
from tests.bench.figure import Figure, Goal, Series
from tests.bench.processes import BrokenError
from tests.lab import pace
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.lab import Lab

ROUNDS = 7
_ASLEEP = 15.0
"""Seconds after which a guest agent that nobody asks has ended its worker, with room."""
_LEDGER = "/root/bench.sqlite"
_RESUMED = re.compile(
    r"^(\S+ \S+): event 'lifecycle' for domain .*: Resumed Migrated", re.MULTILINE
)
_WATCH = ("stdbuf", "-oL", "virsh", "event", "--loop", "--timestamp", "--event", "lifecycle")


def measure(bench: Bench, lab: Lab) -> Iterator[Figure]:
    """Measure it."""
    a, b = lab.host("hosta"), lab.host("hostb")
    bench.tell("booting a guest")
    guest = a.guest(GuestOptions(name="mover")).start().wait_ready(300)
    a.samemachine("baseline", "mover")
    logs = {host: host.root / "root/events.log" for host in (a, b)}
    said = b.root / "root/serve.log"
    quiet = subprocess.DEVNULL
    started = []
    for host, log in logs.items():
        with log.open("w") as events:
            started.append(host.popen(*_WATCH, stdout=events, stderr=events))
    with said.open("w") as errors:
        serve = b.samemachine_command("serve", "--ledger", _LEDGER)
        started.append(b.popen(*serve, stdout=quiet, stderr=errors))
    try:
        _until(lambda: "watching" in said.read_text(encoding="utf-8"), "the daemon does not watch")
        pairs = []
        for number in range(bench.rounds(ROUNDS) + 1):
            bench.tell(f"migration {number + 1} of {bench.rounds(ROUNDS) + 1}, there and back")
            pairs.append(_round(guest, a, b, logs[a]))
        resumed = [datetime.fromisoformat(text).timestamp() for text in _resumed(logs[b])]
    finally:
        for process in started:
            process.kill()
            process.wait()
        guest.remove()
    waits = [told - event for (told, *_), event in zip(pairs, resumed, strict=True)]
    # The first one, of a daemon that has loaded nothing yet, does not count.
    yield Figure(
        row="arrival",
        what="libvirt's event of an arrival to the daemon's verdict",
        beside="its bare report, asked for at the same event, of an agent that slept as well",
        judged=Series(unit="s", floor=[arrived for *_, arrived in pairs[1:]], ours=waits[1:]),
        goal=Goal.AT_MOST,
        limit=2.0,
        also={
            "beside a report of a guest that arrived long ago, of an agent that slept": Series(
                unit="s", floor=[asleep for _, asleep, *_ in pairs[1:]], ours=waits[1:]
            ),
            "beside a report of an agent that was asked a moment ago": Series(
                unit="s", floor=[awake for _, _, awake, _ in pairs[1:]], ours=waits[1:]
            ),
        },
    )


def _round(guest: Guest, a: Host, b: Host, log: Path) -> tuple[float, float, float, float]:
    """Move there and back; returns when the verdict was told, and what three reports take.

    The daemon asks an agent that has slept, and has to start its worker; so do the first report and
    the third, which is asked for when the guest has just arrived back: an emulated guest's code is
    translated anew there.
    """
    known = len(_arrivals(b))
    guest.migrate(b)
    _until(lambda: len(_arrivals(b)) > known, "the daemon did not verify the arrival")
    told = _arrivals(b)[-1]
    time.sleep(_ASLEEP)
    report = "-m", "tests.bench.one_report"
    asleep, awake = (float(b.python(*report, guest.channel_socket)) for _ in range(2))
    # The next one arrives with its agent asleep.
    time.sleep(_ASLEEP)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with ThreadPoolExecutor() as pool:
        before = len(_resumed(log))
        moving = pool.submit(guest.migrate, a)
        asker = a.popen(*a.python_command(*report), **pipes)
        assert asker.stdout is not None
        asker.stdout.readline()
        _until(lambda: len(_resumed(log)) > before, "the guest did not come back", 0.01)
        here = guest.channel_on(a)
        arrived = float(asker.communicate(f"{here}\n")[0])
        moving.result()
    time.sleep(_ASLEEP)
    return told, asleep, awake, arrived


def _resumed(log: Path) -> list[str]:
    return _RESUMED.findall(log.read_text(encoding="utf-8"))


def _until(true: Callable[[], bool], what: str, pause: float = 0.2) -> None:
    end = time.monotonic() + pace.stretched(60)
    while not true():
        if time.monotonic() > end:
            raise BrokenError(what)
        time.sleep(pause)


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
