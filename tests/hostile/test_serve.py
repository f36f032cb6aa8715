"""``serve`` beside guests that never answer: who answers is told of first, and nothing spins."""

import contextlib
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from host_agent.hypervisor import Facts
from host_agent.records.systemd_journal import Journal
from host_agent.verify.reactions import Patience
from host_agent.verify.serve import Daemon, Options
from tests.hostile.auditing import OneDomain
from tests.hostile.guests import HONEST, honest, port, raw
from tests.hostile.test_beside_others import silent, taking

SILENT = 20
FOREVER = 600.0


class Manager:
    """A service manager that counts what it hears."""

    watchdog_seconds = 1.0

    def __init__(self) -> None:
        self.beats = 0

    def watchdog(self) -> None:
        self.beats += 1

    def status(self, status: str) -> None:
        return


class Page(io.StringIO):
    """The journal's lines; says when so many are there."""

    def __init__(self, enough: int) -> None:
        super().__init__()
        self._enough = enough
        self.full = threading.Event()

    def write(self, text: str) -> int:
        written = super().write(text)
        if self.getvalue().count(" verified ") >= self._enough:
            self.full.set()
        return written


class Live(OneDomain):
    """A domain whose metadata can be written."""

    def set_metadata(self, *_: object, **__: object) -> None:
        return


@pytest.mark.parametrize("places", [1, 2])
def test_those_who_answer_are_told_of_first(tmp_path: Path, places: int) -> None:
    never = [
        raw(f"silent{number:02}", 100 + number, taking if number % 2 else silent)
        for number in range(SILENT)
    ]
    guests = [*never, *(honest(number) for number in range(HONEST))]
    page, manager = Page(HONEST), Manager()
    with contextlib.ExitStack() as stack:
        domains = {
            guest.uuid: Live(
                {
                    "name": guest.name,
                    "uuid": str(guest.uuid),
                    "path": stack.enter_context(port(tmp_path / guest.name, guest)),
                }
            )
            for guest in guests
        }
        facts = Facts(
            name="node17",
            driver="QEMU",
            libvirt="11.3.0",
            hypervisor="10.0.13",
            capabilities="<capabilities/>",
        )
        here = SimpleNamespace(
            facts=lambda: facts,
            domains=lambda: list(domains.values()),
            domain=domains.get,
            keep_alive=lambda: None,
            on_close=lambda _: None,
            subscribe=lambda _: None,
            host_name="node17",
        )
        daemon = Daemon(
            Options(
                uri="qemu:///system",
                at_once=places,
                probe=False,
                patience=Patience(arrival=FOREVER, boot=FOREVER),
            ),
            None,
            journal=Journal(tmp_path / "none", page),
            manager=cast("Any", manager),
        )
        waits = _counting(daemon)
        pool = ThreadPoolExecutor(max_workers=places)
        serving = threading.Thread(
            target=daemon._serve, args=(cast("Any", here), pool), daemon=True
        )
        serving.start()
        assert page.full.wait(FOREVER / 3)
        daemon.stop()
        serving.join(FOREVER / 10)
        pool.shutdown(wait=False, cancel_futures=True)
    told = [line.split()[1] for line in page.getvalue().splitlines() if "(audit" in line]
    assert sorted(told) == [f"honest{number:02}" for number in range(HONEST)]
    assert "Traceback" not in page.getvalue()
    # A look for each end of an attempt and each tick, not one after the other as fast as it goes.
    assert waits() < 50 * (SILENT + HONEST)
    assert manager.beats <= waits()


def _counting(daemon: Daemon) -> Any:
    count = 0
    wait = daemon._wait

    def counted(until: float | None) -> None:
        nonlocal count
        count += 1
        wait(until)

    cast("Any", daemon)._wait = counted
    return lambda: count
