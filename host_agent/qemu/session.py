"""A QEMU process that is started paused, asked over qtest and QMP, and ended.

It runs without rights, in QEMU's own sandbox, and ends with us, however we end. Its options come
from ``probe_options``; nothing here depends on what it is asked.

What it starts itself (the sandbox forbids that to a QEMU, a wrapper script may) is ended with it,
unless it makes a session of its own; that outlives a probe, without rights as all of them.
"""

import base64
import binascii
import contextlib
import json
import os
import re
import select
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

from host_agent import asked
from host_agent.errors import EvidenceError, QemuEndedError
from host_agent.missing import Reason
from host_agent.printable import printable
from host_agent.qemu import enter_root
from host_agent.qemu.binary import QemuBinary

SECONDS = 20.0
"""What one probe may take; it takes some 50 ms."""
NO_QMP = (KeyError, TypeError, AttributeError, ValueError, OverflowError)
"""What reading an answer may raise that is not what QMP promises."""
NOBODY = 65534
# No system gives these to a user, a service or a container (systemd's UIDs-GIDs.md: unallocated).
_FIRST_USER = 1_900_000_000
_SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_MAX_QTEST = 12 * 1024 * 1024
# Real answers have some 10 KiB; a megabyte of JSON can become 20 MiB of objects.
_MAX_QMP = 1024 * 1024
_MAX_COMPLAINT = 16 * 1024
_MAX_SAID = 300
_MOMENT = 20
"""Milliseconds."""
_CHUNK = 256 * 1024
# Of it, 1 GiB is what TCG reserves for translated code where it is not told otherwise.
_MEMORY = 2 * 1024**3
_MEMORY_A_VCPU = 16 * 1024**2
# What is shared (a guest's memory) or a file's (libraries) counts as addresses only; a thread of
# the C library takes 64 MiB of them ahead. Measured with 255 vCPUs: 1.1 GiB beside data and memory.
_ADDRESSES = 1024**3
_ADDRESSES_A_VCPU = 64 * 1024**2
# Limits come first: QEMU must not run a moment without them (where ours is lower, that one stays).
# Who ended before the kernel was told whom to kill at its parent's end would have left it here.
_BOUNDED_AND_WITH_PARENT = (
    'ulimit -c 0; ulimit -d "$1" 2>/dev/null; ulimit -v "$2" 2>/dev/null; shift 2; '
    '[ "$PPID" = "$0" ] && exec "$@"'
)
_REFUSED = re.compile(
    r"/proc/self/fd/\d+(?: in \S+)?: "
    r"(Permission denied|not found|No such file or directory|Exec format error)"
)
_LACKS = re.compile(r"^-(qtest|sandbox|chardev|mon|accel)[-\w]*: invalid option")


def kvm_groups() -> tuple[int, ...] | None:
    """Return the groups a process without rights needs for /dev/kvm; None: it can't have it."""
    try:
        status = Path("/dev/kvm").stat()
    except OSError:
        return None
    if os.geteuid() != 0:
        return () if os.access("/dev/kvm", os.R_OK | os.W_OK) else None
    if status.st_mode & stat.S_IRWXO & 0o6 == 0o6:
        return ()
    return (status.st_gid,) if status.st_mode & 0o060 == 0o060 else None


def probe_user(root: Path = Path("/")) -> int:
    """Return the user and group that root's probes run as: of this process alone.

    Another program without rights could end or follow a process of its own user, as nobody is for
    many. Where a container has no such number, it is nobody all the same.
    """
    wanted = _FIRST_USER + os.getpid()
    for kind in ("uid", "gid"):
        try:
            lines = (root / f"proc/self/{kind}_map").read_text(encoding="ascii").splitlines()
            ranges = [tuple(map(int, line.split())) for line in lines]
        except (OSError, ValueError):
            return NOBODY
        if not any(first <= wanted < first + length for first, _, length in ranges):
            return NOBODY
    return wanted


class Stop:
    """Ends sessions of other threads at once, whatever they wait for."""

    def __init__(self) -> None:
        self._event = os.eventfd(0)

    def __enter__(self) -> "Stop":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._event)

    def fileno(self) -> int:
        """Return what can be read from as soon as it is set, and for ever."""
        return self._event

    def set(self) -> None:
        """End the sessions; those that start later end as well."""
        os.eventfd_write(self._event, 1)


class QemuSession:
    """One process. Use it as a context manager; every error is an ``EvidenceError``."""

    def __init__(
        self,
        binary: QemuBinary,
        options: Sequence[str],
        *,
        seconds: float,
        groups: tuple[int, ...] = (),
        vcpus: int = 1,
        memory: int = 0,
        stop: Stop | None = None,
        descriptors: tuple[int, ...] = (),
    ) -> None:
        """``memory``: how many bytes the options let it share.

        ``descriptors``: open files that the options name by number.
        """
        self._name = binary.path
        self._stop = stop
        self._until = time.monotonic() + seconds
        self._asked = contextlib.ExitStack()
        self._seconds = seconds
        self._complaint = b""
        self._qmp_started = False
        self._buffers: dict[int, bytearray] = {}
        self._qtest, their_qtest = socket.socketpair()
        self._qmp, their_qmp = socket.socketpair()
        program = -1
        try:
            program = binary.open()
            self._process = self._start(
                [
                    *_wrapper(binary, groups, *limits(vcpus, memory)),
                    # A plain root has no /proc.
                    binary.path if binary.root else f"/proc/self/fd/{program}",
                    "-no-user-config",
                    "-nodefaults",
                    "-display",
                    "none",
                    "-S",
                    "-sandbox",
                    _SANDBOX,
                    "-chardev",
                    f"socket,id=qtest,fd={their_qtest.fileno()}",
                    "-qtest",
                    "chardev:qtest",
                    "-qtest-log",
                    "none",
                    "-chardev",
                    f"socket,id=qmp,fd={their_qmp.fileno()}",
                    "-mon",
                    "chardev=qmp,mode=control",
                    *options,
                ],
                (program, their_qtest.fileno(), their_qmp.fileno(), *descriptors),
            )
        except BaseException:
            self._qtest.close()
            self._qmp.close()
            raise
        finally:
            their_qtest.close()
            their_qmp.close()
            if program >= 0:
                os.close(program)
        for own in (self._qtest, self._qmp):
            own.setblocking(False)
        machine = dict(pairwise(options)).get("-machine", "")
        self._asked.enter_context(asked.asking(f"QEMU {binary.path} {machine}".rstrip()))

    @staticmethod
    def _start(command: Sequence[str], descriptors: tuple[int, ...]) -> "subprocess.Popen[bytes]":
        try:
            return subprocess.Popen(
                command,
                pass_fds=descriptors,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd="/",
                env={"LC_ALL": "C", "PATH": _PATH},
                start_new_session=True,
            )
        except OSError as error:
            raise EvidenceError(
                Reason.FAILED, f"{command[0]} can't be started: {error.strerror}"
            ) from error

    def __enter__(self) -> "QemuSession":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process; there is nothing to save."""
        # Its whole session, should a wrapper script have started another program.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, 9)
        self._process.kill()
        self._process.wait()
        for stream in (self._qtest, self._qmp, self._process.stderr):
            if stream is not None:
                stream.close()
        self._asked.close()

    def rest(self, seconds: float) -> None:
        """Wait, but no longer than QEMU lives; raises ``EvidenceError`` where it is ended early."""
        poll = select.poll()
        # Its end is told unasked; what it says is read by whoever asks next.
        poll.register(self._qmp, 0)
        if self._stop is not None:
            poll.register(self._stop, select.POLLIN)
        ready = dict(poll.poll(seconds * 1000))
        if self._stop is not None and self._stop.fileno() in ready:
            raise self._ended_early()

    @property
    def left(self) -> float:
        """How many seconds are left of those that it was given."""
        return self._until - time.monotonic()

    @property
    def processor_seconds(self) -> float:
        """How much of a processor it has used (proc_pid_stat(5): utime, stime)."""
        try:
            text = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="utf-8")
        except OSError:
            return 0.0
        fields = text.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def qtest(self, commands: Sequence[str]) -> list[str]:
        """Return the answers without their ``OK`` (QEMU ``system/qtest.c``)."""
        sent = "".join(f"{command}\n" for command in commands).encode("ascii")
        answers = self._exchange(self._qtest, sent, len(commands), _MAX_QTEST)
        # Thousands of bytes come one by one from a machine without DMA.
        if any(not answer.startswith(b"OK") for answer in answers):
            raise self._refused(commands, answers)
        return [answer[3:].decode("ascii", "replace") for answer in answers]

    def _refused(self, commands: Sequence[str], answers: Sequence[bytes]) -> EvidenceError:
        command, answer = next(
            (command, answer)
            for command, answer in zip(commands, answers, strict=True)
            if not answer.startswith(b"OK")
        )
        return EvidenceError(
            Reason.FAILED,
            f"{self._name} answered '{command.split()[0]}' with "
            f"'{printable(answer[:60].decode('ascii', 'backslashreplace'))}'",
        )

    def qmp(self, command: str, **arguments: object) -> Any:
        """Return what a QMP command returns."""
        (found,) = self.qmp_all(command, [arguments])
        return found

    def qmp_all(self, command: str, asked: Sequence[Mapping[str, object]]) -> list[Any]:
        """Return what a QMP command returns with each of many arguments, asked for at once."""
        if not self._qmp_started:
            self._qmp_started = True
            self._exchange(self._qmp, b"", 1, _MAX_QMP)
            self._qmp_answers(b'{"execute":"qmp_capabilities"}\n', 1)
        sent = b"".join([_line(command, arguments) for arguments in asked])
        found = []
        for answer in self._qmp_answers(sent, len(asked)):
            if "return" not in answer:
                error = answer.get("error")
                why = error.get("desc") if isinstance(error, dict) else answer
                raise EvidenceError(
                    Reason.FAILED, f"{self._name}: {command}: {printable(str(why)[:_MAX_SAID])}"
                )
            found.append(answer["return"])
        return found

    def wait_for_the_end(self) -> None:
        """Wait until the process ends by itself, with exit code 0; raises ``EvidenceError``."""
        try:
            while True:
                self._exchange(self._qmp, b"", 1, _MAX_QMP)
        except EvidenceError:
            ended = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None or (ended.si_code, ended.si_status) != (os.CLD_EXITED, 0):
                raise

    def _qmp_answers(self, sent: bytes, count: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while len(found) < count:
            (line,) = self._exchange(self._qmp, sent, 1, _MAX_QMP)
            sent = b""
            try:
                answer = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise EvidenceError(Reason.FAILED, f"{self._name} sent no JSON") from error
            if not isinstance(answer, dict):
                raise EvidenceError(Reason.FAILED, f"{self._name} sent no QMP")
            if "event" not in answer:
                found.append(answer)
        return found

    def _exchange(self, channel: socket.socket, sent: bytes, count: int, most: int) -> list[bytes]:
        """Send, and return so many lines; reads while it writes, so that neither side waits."""
        # Whoever sends without end is never waited for.
        self._left()
        received = self._buffers.setdefault(channel.fileno(), bytearray())
        waiting = memoryview(sent)
        lines = received.count(b"\n")
        poll = select.poll()
        complaints = self._process.stderr
        if complaints is not None and not complaints.closed:
            poll.register(complaints, select.POLLIN)
        if self._stop is not None:
            poll.register(self._stop, select.POLLIN)
        while lines < count or waiting:
            poll.register(channel, select.POLLIN | (select.POLLOUT if waiting else 0))
            ready = dict(poll.poll(self._left() * 1000))
            if self._stop is not None and self._stop.fileno() in ready:
                raise self._ended_early()
            if complaints is not None and complaints.fileno() in ready and not self._hear():
                poll.unregister(complaints)
                complaints = None
            events = ready.get(channel.fileno(), 0)
            if events & select.POLLOUT:
                with contextlib.suppress(BlockingIOError, BrokenPipeError):
                    waiting = waiting[channel.send(waiting[:_CHUNK]) :]
            if events & (select.POLLIN | select.POLLHUP | select.POLLERR):
                data = self._receive(channel)
                lines += data.count(b"\n")
                received += data
                if len(received) > most:
                    raise EvidenceError(Reason.FAILED, f"{self._name} answers without end")
        end = -1
        for _ in range(count):
            end = received.index(b"\n", end + 1)
        taken = bytes(received[:end]).split(b"\n") if count else []
        del received[: end + 1]
        return [line.rstrip(b"\r") for line in taken]

    def _left(self) -> float:
        """Return the seconds that are left; raises ``EvidenceError`` where none are."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise EvidenceError(
                Reason.HUNG,
                f"{self._name} did not answer within {self._seconds:g} s{self._said()}",
                f"see by hand what it does: {self._name} -machine none -S -display none",
            )
        return left

    def _receive(self, channel: socket.socket) -> bytes:
        try:
            data = channel.recv(_CHUNK)
        except BlockingIOError:
            return b""
        except ConnectionResetError:
            data = b""
        if not data:
            self._wait_for_the_end()
            raise self._ended()
        return data

    def _wait_for_the_end(self) -> None:
        """Hear what a dying process still says, and how it ends."""
        until = min(self._until, time.monotonic() + 1)
        complaints = self._process.stderr
        poll = select.poll()
        if complaints is not None:
            poll.register(complaints, select.POLLIN)
        while time.monotonic() < until:
            if poll.poll(_MOMENT) and complaints is not None:
                if not self._hear():
                    poll.unregister(complaints)
            elif self._exit() is not None:
                return

    def _hear(self) -> bool:
        complaints = self._process.stderr
        data = os.read(complaints.fileno(), _CHUNK) if complaints is not None else b""
        # Only the first words: whoever prints without end says nothing more.
        self._complaint = (self._complaint + data)[:_MAX_COMPLAINT]
        return bool(data)

    def _said(self) -> str:
        """What the process said of it, in one sentence."""
        text = self._complaint.decode("utf-8", "backslashreplace")
        lines = [re.sub(r"^(\d+|qemu[-\w]*): ", "", line.strip()) for line in text.splitlines()]
        said = [line for line in lines if line and "warning:" not in line]
        return f": {printable(said[0][:_MAX_SAID])}" if said else ""

    def _exit(self) -> str | None:
        """How the process ended; None: it did not.

        It is left a zombie until it is closed: its number must not become another's before.
        """
        ended = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return None
        how = "with exit code" if ended.si_code == os.CLD_EXITED else "by signal"
        return f" {how} {ended.si_status}"

    def _ended_early(self) -> EvidenceError:
        return EvidenceError(Reason.FAILED, f"{self._name} was ended early")

    def _ended(self) -> EvidenceError:
        """Why it ended, and what to do."""
        said = self._said()
        refused = _REFUSED.search(said)
        if refused:
            return EvidenceError(
                Reason.DENIED,
                f"{self._name} can't be started without rights: {refused[1]}",
                "a probe has a user of its own: let everybody read and execute it and its files",
            )
        if _LACKS.match(said.removeprefix(": ")):
            return EvidenceError(
                Reason.UNSUPPORTED,
                f"{self._name} ended{said}",
                "this build lacks what a probe needs; say another one with --qemu",
            )
        how = self._exit()
        if said and how is not None:
            return QemuEndedError(self._name, said.removeprefix(": "))
        verb = "closed its connection" if how is None else "ended"
        return EvidenceError(Reason.FAILED, f"{self._name} {verb}{said or how or ''}")


def _line(command: str, arguments: Mapping[str, object]) -> bytes:
    """Return a QMP command, with no byte too many: QEMU reads them one by one.

    ``monitor/monitor.c: monitor_can_read``.
    """
    words = {"execute": command, "arguments": arguments} if arguments else {"execute": command}
    return json.dumps(words, separators=(",", ":")).encode() + b"\n"


def decoded(answer: str, size: int) -> bytes:
    """Return so many bytes that qtest's ``b64read`` answered; raises ``EvidenceError``."""
    try:
        blob = base64.b64decode(answer, validate=True)
    except (binascii.Error, ValueError) as error:
        raise EvidenceError(Reason.FAILED, "QEMU's qtest sent no base64") from error
    if len(blob) != size:
        raise EvidenceError(Reason.FAILED, "QEMU's qtest sent less than was asked for")
    return blob


def limits(vcpus: int, memory: int) -> tuple[int, int]:
    """Return how many bytes of data and of addresses a QEMU may have (setrlimit(2))."""
    data = _MEMORY + vcpus * _MEMORY_A_VCPU
    addresses = data + memory + _ADDRESSES + vcpus * _ADDRESSES_A_VCPU
    return data, min(addresses, sys.maxsize)


def _wrapper(binary: QemuBinary, groups: tuple[int, ...], data: int, addresses: int) -> list[str]:
    """The commands before QEMU: into its namespace or root, out of all rights, to end with us."""
    us = str(os.getpid())
    root = os.geteuid() == 0
    user = str(probe_user())
    if binary.root is not None and not root:
        raise EvidenceError(Reason.DENIED, "another root needs root's rights", "run as root")
    if binary.root is not None or (binary.pid is not None and root):
        # Nothing of a foreign root or namespace may run before the rights are gone.
        return [
            sys.executable,
            "-I",
            "-S",
            enter_root.__file__,
            str(binary.root or ""),
            "" if binary.root else f"/proc/{binary.pid}/ns/mnt",
            user,
            ",".join(map(str, groups)),
            str(data),
            str(addresses),
            us,
        ]
    if shutil.which("setpriv", path=_PATH) is None:
        raise EvidenceError(Reason.UNSUPPORTED, "a probe needs setpriv", "install util-linux")
    command = ["setpriv", "--no-new-privs", "--pdeathsig", "KILL"]
    if root:
        command += ["--reuid", user, "--regid", user]
        command += ["--groups", ",".join(map(str, groups))] if groups else ["--clear-groups"]
        command += ["--inh-caps=-all", "--bounding-set=-all"]
    limits = (str(limit // 1024) for limit in (data, addresses))
    return [*command, "sh", "-c", _BOUNDED_AND_WITH_PARENT, us, *limits]
