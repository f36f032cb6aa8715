"""``make test`` and ``make test-all``: all tests, some files side by side, and a summary.

As many labs at a time as the lab has places, and beside them one of the other files, which is nice
to them. Each file is a pytest of its own, so none has to live with what another one
left. Arguments go to each.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Thread

from tests import shown, summary
from tests.checkout import CHECKOUT
from tests.lab import cache, lab, pace

RESULTS = CHECKOUT / "build/tests"
_NICE = 10
# What takes longest begins first; the rest in the order of their names.
_LONG_ONES = (
    "lab/with-fleet", "lab/test_upgrade", "lab/test_manual", "lab/test_told_apart",
    "lab/test_matrix", "lab/test_before_and_after", "lab/test_serve", "lab/test_migrate",
    "lab/test_chain", "lab/test_unit", "lab/test_exact", "lab/test_refused", "lab/test_plan",
    "lab/test_recipes", "packaging/test_wheels", "packaging/test_debian", "packaging/test_images",
    "integration/2", "hostile", "lab/test_ansible",
)  # fmt: skip
# Starting pytest costs more than what single files of these do.
_TOGETHER = {"lint": 1, "unit": 1, "hostile": 1, "integration": 4}
# Booting the guests of the fixture ``fleet`` costs more than what these ask of them.
_FLEET = "lab/with-fleet"
_WITH_FLEET = {f"lab/test_{name}" for name in ("audit", "unanswered", "atlas", "formats")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What one pytest runs."""

    name: str
    paths: Sequence[str]

    @property
    def in_lab(self) -> bool:
        """Whether it has a lab."""
        return self.name.startswith("lab/")

    @property
    def result(self) -> Path:
        """Where pytest writes how each test went."""
        return RESULTS / f"{self.name.replace('/', '-')}.xml"


def tasks() -> list[Task]:
    """Return all, in the order in which they begin."""
    found = []
    for folder, parts in _TOGETHER.items():
        files = _files(folder)
        for number in range(min(parts, len(files))):
            name = f"{folder}/{number + 1}" if parts > 1 else folder
            found.append(Task(name=name, paths=files[number::parts]))
    single = {
        file.removeprefix("tests/").removesuffix(".py"): file
        for folder in ("packaging", "lab")
        for file in _files(folder)
    }
    found.append(Task(name=_FLEET, paths=[single.pop(name) for name in sorted(_WITH_FLEET)]))
    found += [Task(name=name, paths=(file,)) for name, file in single.items()]
    rank = {name: number for number, name in enumerate(_LONG_ONES)}
    return sorted(found, key=lambda task: rank.get(task.name, len(rank)))


def _files(folder: str) -> list[str]:
    files = (CHECKOUT / "tests" / folder).rglob("test_*.py")
    return sorted(str(file.relative_to(CHECKOUT)) for file in files)


class Run:
    """All tasks, handed out to whoever is free."""

    def __init__(self, waiting: list[Task], arguments: Sequence[str]) -> None:
        self.ended: list[summary.Part] = []
        self._waiting = waiting
        self._all = len(waiting)
        self._arguments = arguments
        self._changed = Condition()
        self._lab_ready = False
        self._over = False
        self._running: set[subprocess.Popen[str]] = set()

    def run(self) -> None:
        """Run all. At Ctrl-C what runs is told so, and waited for; nothing more is begun."""
        workers = [Thread(target=self._work, args=(True,)) for _ in range(lab.PLACES)]
        workers += [Thread(target=self._work, args=(False,)), Thread(target=self._prepare)]
        for worker in workers:
            worker.start()
        for worker in workers:
            while worker.is_alive():
                try:
                    worker.join()
                except KeyboardInterrupt:
                    self._stop()

    @property
    def interrupted(self) -> bool:
        """Whether it was ended by Ctrl-C."""
        return self._over

    def _stop(self) -> None:
        with self._changed:
            for process in self._running if not self._over else ():
                process.send_signal(signal.SIGINT)
            self._over = True
            self._changed.notify_all()

    def _prepare(self) -> None:
        """Build the lab's images and measure this machine, so that each lab has both."""
        if lab.hindrance() is None:
            subprocess.run([sys.executable, "-m", "tests.lab", "build"], check=False)
            done = subprocess.run(
                [sys.executable, "-m", "tests.lab", "pace"],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode == 0:
                os.environ[pace.VARIABLE] = done.stdout.strip()
                cache.tell(f"deadlines are stretched by {done.stdout.strip()}")
        with self._changed:
            self._lab_ready = True
            self._changed.notify_all()

    def _work(self, lab_first: bool) -> None:
        while (task := self._next(lab_first)) is not None:
            started = time.monotonic()
            code, output = self._pytest(task)
            part = summary.read(task.name, task.result, time.monotonic() - started, code)
            with self._changed:
                self.ended.append(part)
                if part.wrong:
                    print(f"{'=' * 30} {task.name}\n{output}", flush=True)
                print(f"[{len(self.ended)}/{self._all}] {part.line()}", flush=True)

    def _next(self, lab_first: bool) -> Task | None:
        """Return what a worker is to run; a worker of labs runs others where no lab is left."""
        with self._changed:
            while not self._over and self._waiting:
                labs = [task for task in self._waiting if task.in_lab]
                others = [task for task in self._waiting if not task.in_lab]
                mine = (labs if self._lab_ready else []) if lab_first else others
                if lab_first and not labs:
                    mine = others
                if mine:
                    self._waiting.remove(mine[0])
                    return mine[0]
                if not lab_first:
                    return None
                self._changed.wait()
        return None

    def _pytest(self, task: Task) -> tuple[int, str]:
        nice = [] if task.in_lab else ["nice", "-n", str(_NICE)]
        process = subprocess.Popen(
            [
                *nice,
                sys.executable,
                "-m",
                "pytest",
                "-q",
                f"--junitxml={task.result}",
                "-o",
                "junit_family=xunit1",
                *self._arguments,
                *task.paths,
            ],
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # A terminal's Ctrl-C is ours, and handed on once: a second one cuts cleaning up short.
            start_new_session=True,
        )
        with self._changed:
            self._running.add(process)
            if self._over:
                process.send_signal(signal.SIGINT)
        output, _ = process.communicate()
        with self._changed:
            self._running.discard(process)
        return process.returncode, output


def main() -> int:
    """Run all; 0 where nothing failed, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.everything", description=__doc__)
    parser.add_argument("--size", choices=shown.SIZES, default="once")
    options, arguments = parser.parse_known_args()
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir(parents=True)
    started = time.monotonic()
    waiting = tasks()
    run = Run(waiting, [f"--size={options.size}", *arguments])
    run.run()
    text, good = summary.render(run.ended, time.monotonic() - started, not_begun=len(waiting))
    print(text)
    if good and options.size == "all" and not arguments:
        shown.write()
    if run.interrupted:
        return 130
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
