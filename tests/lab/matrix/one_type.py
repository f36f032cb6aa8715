"""One machine type: its guest's steps, done on two hosts of the lab. It judges nothing itself."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from host_agent.atlas.atlas import Atlas
from tests.lab import pace
from tests.lab.guest import Guest
from tests.lab.host import Host
from tests.lab.matrix import expected, forecasts, judging, load, seen
from tests.lab.matrix.cells import Cell, Forecast, Offer, Outcome, Row, Step
from tests.lab.matrix.heard import PORT, Peer
from tests.lab.matrix.judging import Judged
from tests.lab.matrix.kinds import Kind
from tests.lab.matrix.seen import Seen

ATLAS_THERE = "/root/there.json"
"""The other host's atlas, on each of the two."""
LOGS = "logs"
"""The folder of what was said, below the run's own."""
_COPIED = ("--unsafe", "--copy-storage", "inc")
_CARD = """<interface type='bridge'><mac address='52:54:00:18:02:{number:02x}'/>
  <source bridge='br0'/><model type='virtio'/></interface>"""
_PROGRAM = Path(__file__).with_name("load_in_guest.py")
_MEBIBYTES = 16
# Neither its command line nor how libvirt ends it.
_QEMUS_OWN = re.compile(r"qemu-system-\S+: (?!terminating on signal)")
_REPORT, _SAID = "/run/load.json", "/run/load.err"
_BEATS = 50
"""A second of the load, before the move and after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One of the two hosts."""

    host: Host
    root: str
    """The root folder of its system, as the other one sees it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Both hosts, started, and what was asked of them."""

    source: Place
    target: Place
    peer: Peer
    shown: tuple[Atlas, Atlas]
    """What each of the two packages shows."""
    known: tuple[Atlas, Atlas] | None
    """What is known of their releases."""
    kind: Kind
    """The architecture of the guests."""


@dataclass(slots=True)
class _Doing:
    """A step while it is done."""

    judged: Judged = field(default_factory=lambda: Judged(outcome=Outcome.UNKNOWN))
    differences: tuple[str, ...] = ()
    forecasts: list[Forecast] = field(default_factory=list)
    figures: Mapping[str, float] = field(default_factory=dict)
    over: bool = False
    """No step can follow."""


class OneType:
    """The guest of one machine type."""

    def __init__(self, row: Row, number: int, on: Bench, folder: Path) -> None:
        self._row, self._peer, self._folder = row, on.peer, folder
        self._source, self._target = on.source, on.target
        self._shown = expected.of(*on.shown, row.machine)
        self._known = None if on.known is None else expected.of(*on.known, row.machine)
        machines = [side.machine(row.machine) for side in on.shown]
        self._errors = [one.error or "" for one in machines if one is not None and not one.shown]
        born = on.target if row.offer is Offer.TARGET else on.source
        self._name = f"m-{row.machine}"
        self._address = f"10.77.0.{20 + number}"
        card = _CARD.format(number=number)
        self._seconds = on.kind.seconds
        self._options = on.kind.options(self._name, row.machine, card)
        self._uefi = self._options.uefi
        self._copied = _COPIED[:1] if self._options.diskless else _COPIED
        self._born = born
        self._guest: Guest | None = None
        self._said: list[str] = []
        """What was said in this step, for its log."""
        self._booted: Seen | None = None
        self._rehearsed: Mapping[str, Any] | None = None
        self._planned: Mapping[str, Any] | None = None
        self._verified: Mapping[str, Any] | None = None
        self._refused_as_foretold = False
        self._felt = load.felt((), None)
        self._pid = ""

    def run(self, begun: Callable[[Step], None]) -> Iterator[Cell]:
        """Do all steps, and yield what came of each."""
        steps = {
            Step.PROBE: self._probe, Step.BOOT: self._boot, Step.MOVE: self._move,
            Step.LOAD: self._load, Step.REBOOT: self._reboot, Step.RESTART: self._restart,
            Step.BACK: self._back,
        }  # fmt: skip
        over: Step | None = None
        try:
            for step in self._row.steps:
                if over is not None:
                    yield self._not_reached(step, over)
                    continue
                begun(step)
                started, self._said = time.monotonic(), []
                doing = _Doing()
                try:
                    steps[step](doing)
                except (RuntimeError, subprocess.TimeoutExpired, LookupError, ValueError) as error:
                    doing.judged = Judged(
                        outcome=Outcome.UNKNOWN,
                        sentences=(f"it could not be done: {error}"[:2000],),
                    )
                    doing.over = step is not Step.LOAD
                yield self._cell(step, doing, time.monotonic() - started)
                if doing.over:
                    over = step
        finally:
            self._remove()

    def _cell(self, step: Step, doing: _Doing, seconds: float) -> Cell:
        judged = doing.judged
        cell = Cell(
            machine=self._row.machine,
            step=step,
            outcome=judged.outcome,
            sentences=judged.sentences,
            differences=doing.differences,
            beyond=judged.beyond,
            forecasts=tuple(doing.forecasts),
            figures=doing.figures,
            seconds=round(seconds, 1),
        )
        wrong = any(one.score == "wrong" for one in doing.forecasts)
        if judged.outcome in {Outcome.BEYOND, Outcome.UNKNOWN} or wrong:
            return replace(cell, logs=self._keep_logs(step))
        return cell

    def _not_reached(self, step: Step, over: Step) -> Cell:
        return Cell(
            machine=self._row.machine,
            step=step,
            outcome=Outcome.NOT_REACHED,
            sentences=(f"{over} did not end where it begins",),
        )

    # The steps.

    def _probe(self, doing: _Doing) -> None:
        shown = self._shown
        doing.judged = judging.of_probe(shown, self._known, self._errors)
        doing.differences = () if shown is None else tuple(map(str, shown.differences))

    def _boot(self, doing: _Doing) -> None:
        host = self._born.host
        self._guest = guest = Guest(host, self._options)
        guest.define()
        if not self._comes_up(doing, guest.start):
            return
        doing.judged = judging.of_verdict(self._audited(host), self._row.machine)
        self._booted = self._look()
        if self._row.offer is Offer.TARGET:
            return
        # What verifications and forecasts are held against.
        self._told(host, "baseline", self._name)
        self._planned = self._plan(host, self._target)
        if self._row.offer is Offer.BOTH:
            self._rehearsed = self._json(
                host,
                "rehearse",
                self._name,
                "--root",
                self._target.root,
                "--timeout",
                pace.words(15),
                "--rehearsal-timeout",
                # The option takes no more than an hour.
                str(min(3600, round(pace.stretched(120)))),
            )

    def _move(self, doing: _Doing) -> None:
        source, target = self._source.host, self._target.host
        self._begin_load()
        began = time.monotonic()
        report, said = self._migrated(source, target)
        doing.figures = {"move_s": time.monotonic() - began}
        moved = target is self._the.host
        findings = (self._planned or {}).get("findings", ())
        offered = self._row.offer is Offer.BOTH
        if moved:
            after = report.get("after")
            if after is None or after.get("verdict") == "unverified":
                # A machine without tables is known by its QEMU's process, which its own host sees.
                after = self._verify() or after
            doing.judged = judging.of_verdict(after)
            self._verified = judging.verified(after)
            migration = report.get("migration") or {}
            if migration.get("downtime_ms") is not None:
                doing.figures = {**doing.figures, "libvirt_downtime_ms": migration["downtime_ms"]}
        else:
            measured = judging.measured(findings)
            doing.judged = judging.of_refusal(said, self._known, offered=offered, measured=measured)
            self._refused_as_foretold = doing.judged.outcome is Outcome.EXPECTED
        states = forecasts.of_states(findings, moved=moved, said=said)
        if states is not None and offered:
            doing.forecasts.append(states)
        if moved and self._planned is not None:
            doing.forecasts.append(forecasts.of_plan(self._planned, moved=True))
        self._peer.wait_for_more(self._name, _BEATS)
        self._end_load()

    def _load(self, doing: _Doing) -> None:
        doing.judged = judging.of_load(self._felt)
        doing.figures = self._felt.figures

    def _reboot(self, doing: _Doing) -> None:
        guest, before = self._the, self._booted
        assert before is not None
        if guest.host is not self._target.host:
            doing.judged = judging.of_no_arrival(foretold=self._refused_as_foretold)
            return

        def reset() -> None:
            guest.reboot()
            guest.wait_rebooted(before.boot_id, self._seconds)

        if not self._comes_up(doing, reset):
            return
        domain = self._verify()
        now = self._look()
        found = seen.differences(before, now)
        doing.differences = tuple(map(str, found))
        doing.judged = judging.of_boot(domain, found, self._known, uefi=self._uefi)
        planned = None if self._planned is None else self._planned.get("next_boot")
        doing.forecasts.append(forecasts.of_next_boot(planned, found, "a boot there, by the plan"))
        if self._verified is not None:
            served = forecasts.told_by_finding(self._verified, "next-boot")
            doing.forecasts.append(
                forecasts.of_next_boot(served, found, "a reboot there, by what is served")
            )
        if self._rehearsed is not None:
            doing.forecasts += forecasts.of_rehearsal(
                self._rehearsed["next_start"], now, smbios=False
            )
        self._booted, self._verified = now, judging.verified(domain)

    def _restart(self, doing: _Doing) -> None:
        if self._row.offer is Offer.SOURCE:
            self._start_of_what_is_gone(doing)
            return
        guest, before = self._the, self._booted
        assert before is not None
        guest.destroy()
        carried = guest.host is not self._target.host
        if carried:
            guest.carry(self._target.host)
        up = self._comes_up(doing, guest.start)
        if carried and self._planned is not None:
            doing.forecasts.append(forecasts.of_plan(self._planned, moved=False, started=up))
        if not up:
            return
        domain = self._verify()
        now = self._look()
        found = seen.differences(before, now)
        doing.differences = tuple(map(str, found))
        doing.judged = judging.of_boot(domain, found, self._known, uefi=self._uefi)
        if carried and self._planned is not None:
            told = self._planned.get("next_boot")
            doing.forecasts.append(
                forecasts.of_next_boot(told, found, "a start there, by the plan")
            )
        elif self._verified is not None and (after := judging.verified(domain)) is not None:
            doing.forecasts.append(forecasts.of_next_start(self._verified, after))
        if self._rehearsed is not None:
            doing.forecasts += forecasts.of_rehearsal(
                self._rehearsed["next_start"], now, smbios=True
            )
        self._booted, self._verified = now, judging.verified(domain)

    def _start_of_what_is_gone(self, doing: _Doing) -> None:
        """Of a type that the target does not have: does its definition start there?"""
        starts = self._starts_there()
        if self._planned is not None:
            doing.forecasts.append(forecasts.of_plan(self._planned, moved=False, started=starts))
        raised = (self._planned or {}).get("raise_to")
        doing.judged = Judged(
            outcome=Outcome.BEYOND if starts else Outcome.EXPECTED,
            sentences=(
                "it starts there, though its type is not offered"
                if starts
                else "it does not start there",
                f"to be raised to {raised}" if raised else "nothing to raise it to is told",
            ),
        )

    def _back(self, doing: _Doing) -> None:
        guest = self._the
        target, source = self._target.host, self._source.host
        planned = self._plan(target, self._source)
        report, said = self._migrated(target, source)
        moved = guest.host is source
        if not moved and judging.is_lost(said):
            doing.judged = judging.of_refusal(said, None, offered=True)
            return
        verdict = judging.of_verdict(report.get("after")).sentences if moved else ()
        last = said.strip().splitlines()[-1:]
        what = "moved back" if moved else "the move back was refused"
        if self._row.offer is Offer.TARGET:
            outcome = Outcome.BEYOND if moved else Outcome.EXPECTED
        else:
            outcome = Outcome.TOLD
        doing.judged = Judged(outcome=outcome, sentences=(what, *verdict, *last))
        if planned is not None:
            doing.forecasts.append(forecasts.of_plan(planned, moved=moved))

    # What they are made of.

    @property
    def _the(self) -> Guest:
        if self._guest is None:
            raise RuntimeError("there is no guest")
        return self._guest

    def _comes_up(self, doing: _Doing, start: Callable[[], object]) -> bool:
        """Start or reset the guest and wait until it is ready; a failure is the step's outcome."""
        guest = self._the
        began = time.monotonic()
        try:
            start()
            guest.wait_ready(self._seconds)
        except RuntimeError as error:
            said = str(error)
            doing.judged = Judged(
                outcome=Outcome.BEYOND, sentences=("the guest does not come up", said[-1500:])
            )
            doing.over = True
            return False
        doing.figures = {"up_s": time.monotonic() - began}
        return True

    def _look(self) -> Seen:
        return seen.read(self._the.run("python3", "-c", seen.PROGRAM))

    def _told(self, host: Host, *arguments: str) -> subprocess.CompletedProcess[str]:
        began = time.monotonic()
        done = host.samemachine(*arguments, timeout=240)
        self._said.append(
            f"{host.name}# samemachine {' '.join(arguments)}\n{done.stdout}{done.stderr}"
            f"exit code {done.returncode} after {time.monotonic() - began:.1f} s\n"
        )
        return done

    def _json(self, host: Host, *arguments: str) -> Mapping[str, Any] | None:
        """Return what a command says as JSON; None: it said nothing."""
        done = self._told(host, *arguments, "--format", "json")
        if not done.stdout:
            return None
        return dict(json.loads(done.stdout))

    def _audited(self, host: Host) -> Mapping[str, Any] | None:
        document = self._json(host, "audit", self._name, "--timeout", pace.words(15))
        return document and _only(document["hosts"][0]["domains"])

    def _verify(self) -> Mapping[str, Any] | None:
        waits = ("--wait", pace.words(30), "--timeout", pace.words(15))
        document = self._json(self._the.host, "verify", self._name, *waits)
        return document and _only(document["domains"])

    def _plan(self, here: Host, there: Place) -> Mapping[str, Any] | None:
        words = ("--to", there.host.tcp_uri, *self._copied, "--atlas", ATLAS_THERE)
        document = self._json(here, "plan", self._name, *words)
        if document is None or not document["hops"]:
            return None
        return _only(document["hops"][0]["domains"])

    def _migrated(self, here: Host, there: Host) -> tuple[Mapping[str, Any], str]:
        """Move it live by samemachine; where that refuses, by libvirt alone, to see who is right.

        Returns samemachine's report and what was said to a refusal.
        """
        guest = self._the
        guest.make_room(there)
        report = (
            self._json(
                here, "migrate", self._name, there.tcp_uri, *self._copied, "--wait", pace.words(30)
            )
            or {}
        )
        migration = report.get("migration") or {}
        if migration.get("end") == "moved":
            self._is_now_on(there)
            return report, ""
        said = str(migration.get("reason") or "")
        if not migration:
            try:
                guest.migrate(there)
                return report, ""
            except RuntimeError as error:
                said = str(error)
        log = there.run("cat", f"/var/log/libvirt/qemu/{self._name}.log", check=False).stdout
        lines = [line for line in log.splitlines() if _QEMUS_OWN.search(line)]
        self._forget(there)
        return report, "\n".join((said, *lines[-5:]))

    def _is_now_on(self, host: Host) -> None:
        guest = self._the
        guest.host.guests.pop(self._name, None)
        guest.host = host
        host.guests[self._name] = guest

    def _starts_there(self) -> bool:
        """Whether its definition starts on the target, on a disk of its own; tried with the XML."""
        target = self._target.host
        guest = Guest(target, self._options)
        guest.make_disk()
        defined = target.run(
            "virsh", "define", "/dev/stdin", text_input=self._options.xml(), check=False
        )
        started = target.run("virsh", "start", self._name, check=False)
        self._said.append(f"{target.name}# virsh start\n{defined.stderr}{started.stderr}")
        self._forget(target)
        return started.returncode == 0

    def _begin_load(self) -> None:
        self._peer.taken(self._name)
        program = _PROGRAM.read_text(encoding="utf-8")
        words = (self._name, self._address, self._source.host.address, str(PORT), str(_MEBIBYTES))
        shell = f'python3 -c "$0" "$@" >{_REPORT} 2>{_SAID} </dev/null & echo $!'
        self._pid = self._the.run("sh", "-c", shell, program, *words).strip()
        self._peer.wait_for_more(self._name, _BEATS)

    def _end_load(self) -> None:
        guest = self._the
        wait = f"kill {self._pid}; while kill -0 {self._pid} 2>/dev/null; do sleep 0.1; done"
        guest.run("sh", "-c", wait, check=False)
        printed = guest.run("cat", _REPORT)
        self._felt = load.felt(self._peer.taken(self._name), load.report(printed))
        self._said.append(f"the load said: {printed}{guest.run('cat', _SAID)}")

    def _keep_logs(self, step: Step) -> str:
        """Keep what QEMU, the guest and samemachine said; return the folder's name."""
        name = f"{LOGS}/{self._row.machine}/{step}"
        folder = self._folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "samemachine.log").write_text("\n".join(self._said), encoding="utf-8")
        for place in (self._source, self._target):
            for file in (f"/var/log/libvirt/qemu/{self._name}.log", self._options.console):
                there = Path(f"{place.host.root}{file}")
                if there.exists():
                    kept = folder / f"{place.host.name}-{there.suffix.removeprefix('.')}.log"
                    shutil.copyfile(there, kept)
        return name

    def _forget(self, host: Host) -> None:
        host.run("virsh", "destroy", self._name, check=False)
        host.run("virsh", "undefine", "--nvram", self._name, check=False)

    def _remove(self) -> None:
        for place in (self._source, self._target):
            try:
                self._forget(place.host)
                place.host.run("rm", "-f", self._options.disk)
            except (OSError, RuntimeError, subprocess.TimeoutExpired):
                # A lab that has ended took it along.
                continue
            place.host.guests.pop(self._name, None)


def _only(domains: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    (domain,) = domains
    return domain
