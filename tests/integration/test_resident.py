"""What the guest agent is made of while nobody asks, and while somebody does: counts, no times."""

import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from host_agent.guest import link as guest_link
from host_agent.guest.ways import SocketStream
from tests.checkout import CHECKOUT

# What a guest has in its memory for as long as it runs. Whoever adds a line says what it costs:
# typing 0.9 MB, contextlib 0.1, logging 1.5, subprocess 1.0, dataclasses 1.7 (Python 3.11).
RESIDENT = {
    "abc", "array", "collections", "enum", "errno", "functools", "genericpath", "guest_agent", "io",
    "itertools", "keyword", "math", "operator", "os", "posixpath", "reprlib", "samemachine",
    "select", "selectors", "signal", "socket", "stat", "struct", "types", "zlib",
}  # fmt: skip
RESIDENT_OURS = {
    "guest_agent", "guest_agent.errors", "guest_agent.interpreter", "guest_agent.server",
    "guest_agent.worker_process", "samemachine", "samemachine.pump", "samemachine.session",
}  # fmt: skip
# What the worker has beside gRPC and protobuf.
WORKER = {
    "concurrent", "dmidecode", "fnmatch", "guest_agent", "hashlib", "ipaddress", "ntpath",
    "pathlib", "queue", "samemachine", "urllib",
}  # fmt: skip
_AT_REST = 1.0
_PATIENCE = 60.0


def imported(module: str, before: str = "sys") -> set[str]:
    """The modules that one loads in a bare interpreter that has another one already."""
    path = [entry for entry in sys.path if entry]
    program = f"""
import sys
sys.path[:] = {path}
import {before}
had = set(sys.modules)
import {module}
print(*set(sys.modules) - had)
"""
    command = [sys.executable, "-I", "-S", "-c", program]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def public(modules: set[str]) -> set[str]:
    """The packages without what a version's standard library has for itself."""
    tops = {name.partition(".")[0] for name in modules}
    return {name for name in tops if not name.startswith("_")}


def test_the_resident_imports_next_to_nothing() -> None:
    found = imported("guest_agent.server")
    assert public(found) <= RESIDENT
    ours = {name for name in found if name.startswith(("guest_agent", "samemachine"))}
    assert ours == RESIDENT_OURS


def test_the_worker_imports_little_beside_grpc() -> None:
    found = imported("guest_agent.worker", before="grpc, samemachine.v1.guest_pb2")
    assert public(found) <= WORKER


def test_bare_interpreters_import_from_no_working_folder(tmp_path: Path) -> None:
    """Python itself has it as an empty entry of its path."""
    program = (
        "import sys; sys.path[1:1] = ['here', '']\n"
        "from guest_agent.interpreter import command; print(*command('m'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'proto'}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"'{CHECKOUT}'" in done.stdout
    assert "'here'" not in done.stdout
    assert "''" not in done.stdout
    assert str(tmp_path) not in done.stdout


class Process:
    """Of /proc."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")

    def threads(self) -> list[Path]:
        return list((self._folder / "task").iterdir())

    def children(self) -> list[int]:
        text = "".join((task / "children").read_text("ascii") for task in self.threads())
        return [int(word) for word in text.split()]

    def wakes(self) -> int:
        """Sleeps of all its threads, so far."""
        return sum(
            int(line.split()[1])
            for task in self.threads()
            for line in (task / "status").read_text("utf-8", "replace").splitlines()
            if line.startswith("voluntary_ctxt_switches:")
        )

    def comes_to_rest(self) -> bool:
        """Whether there is a moment in which it does not wake; a busy machine may need some."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            before = self.wakes()
            time.sleep(_AT_REST)
            if self.wakes() == before:
                return True
        return False


@contextmanager
def resident(folder: Path, idle_seconds: float) -> Iterator["subprocess.Popen[bytes]"]:
    """Run it, its working folder and its temporary one in ``folder``."""
    scratch, socket, config = folder / "tmp", folder / "port", folder / "guest.conf"
    scratch.mkdir()
    config.write_text(f"[guest]\nidle-seconds = {idle_seconds}\n", encoding="utf-8")
    command = ["guest_agent", "serve", "--socket", str(socket), "--config", str(config)]
    path = os.pathsep.join(entry for entry in sys.path if entry)
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        env={**os.environ, "TMPDIR": str(scratch), "PYTHONPATH": path},
        cwd=folder,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + _PATIENCE
        while not (socket.exists() and Process(process.pid).comes_to_rest()):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        assert process.wait(_PATIENCE) == 0
        assert list(scratch.iterdir()) == []
        assert not socket.exists()


def ask(folder: Path) -> None:
    stream = SocketStream.connect(str(folder / "port"))
    try:
        guest_link.ask(stream, time.monotonic() + _PATIENCE)
    finally:
        stream.close()


@pytest.mark.parametrize("asked", [False, True])
def test_it_sleeps_in_one_thread_until_it_is_asked(tmp_path: Path, asked: bool) -> None:
    with resident(tmp_path, idle_seconds=1) as process:
        seen = Process(process.pid)
        if asked:
            ask(tmp_path)
            # The worker's end is what it waits for; it has no more to do then.
            until = time.monotonic() + _PATIENCE
            while seen.children() and time.monotonic() < until:
                time.sleep(0.1)
        assert seen.children() == []
        assert len(seen.threads()) == 1
        assert seen.comes_to_rest()


def test_the_worker_is_reached_by_nobody_else_and_goes_with_it(tmp_path: Path) -> None:
    with resident(tmp_path, idle_seconds=600) as process:
        ask(tmp_path)
        (folder,) = (tmp_path / "tmp").iterdir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert [entry.name for entry in folder.iterdir()] == ["grpc"]
        (worker,) = Process(process.pid).children()
        for pid in (process.pid, worker):
            assert Path(f"/proc/{pid}/cwd").readlink() == Path("/")
    assert not Path(f"/proc/{worker}").exists()


def test_a_worker_that_died_is_started_again(tmp_path: Path) -> None:
    with resident(tmp_path, idle_seconds=600) as process:
        ask(tmp_path)
        (worker,) = Process(process.pid).children()
        os.kill(worker, 9)
        ask(tmp_path)
        (another,) = Process(process.pid).children()
        assert another != worker


def test_it_is_called_by_its_name(tmp_path: Path) -> None:
    """As ps and top show it; the kernel keeps 15 bytes."""
    with resident(tmp_path, idle_seconds=600) as process:
        name = Path(f"/proc/{process.pid}/comm").read_text(encoding="ascii")
        assert name == "samemachine-gue\n"
