"""The lab leaves nothing behind, however it ends."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.checkout import CHECKOUT
from tests.lab import lab as laboratory
from tests.lab import pace
from tests.lab.sources import debian_mirror

# A cache of its own would have to be built; a lock of its own lets it run beside this run's lab.
PROGRAM = """
from pathlib import Path
import signal, sys, time
# Started in the background, as CI does, it would ignore the signal.
signal.signal(signal.SIGINT, signal.default_int_handler)
from tests.lab.namespaces import Namespaces
script = "mount -t tmpfs lab {0}; sleep 3600 & wait"
made = Namespaces(("net", "mount", "pid"), script, Path("{0}.log"))
print(made.pid, flush=True)
time.sleep(3600)
"""


@pytest.mark.skipif(laboratory.hindrance() is not None, reason=str(laboratory.hindrance()))
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_everything_ends_with_the_program(how: signal.Signals, tmp_path: Path) -> None:
    place = tmp_path / "mounted"
    place.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(place)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=CHECKOUT,
    )
    assert process.stdout is not None
    first = int(process.stdout.readline())
    process.send_signal(how)
    process.communicate()
    # Its end is an event: the file of a process that has ended becomes readable (pidfd_open(2)).
    with contextlib.suppress(ProcessLookupError):
        ended = os.pidfd_open(first)
        assert select.select([ended], [], [], pace.stretched(60))[0]
        os.close(ended)
    assert str(place) not in Path("/proc/mounts").read_text(encoding="utf-8")


def test_folders_of_a_killed_lab_are_cleared() -> None:
    # Of a place that no lab has.
    left = Path(tempfile.mkdtemp(prefix=laboratory.prefix(1000)))
    assert laboratory.scratch_folders(1000) == [left]
    laboratory._clear(1000)
    assert not left.exists()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sources.list", "# old\ndeb [arch=amd64] http://example.org/debian bookworm main\n"),
        ("sources.list.d/debian.sources", "Types: deb\nURIs: http://example.org/debian\n"),
        (
            "sources.list.d/debian.sources",
            "Types: deb\nURIs: http://example.org/debian-security\n\nURIs: http://example.org/debian",
        ),
    ],
)
def test_the_mirror_is_the_machines_own(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / "etc/apt" / name
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    assert debian_mirror(tmp_path) == "http://example.org/debian"
