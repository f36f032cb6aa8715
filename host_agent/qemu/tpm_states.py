"""The emulated TPMs of a host's domains: which process has which state, and whether there is any.

The state holds the TPM's secrets: its names and inode are looked at, it is never opened. A process
is libvirt's swtpm where libvirt's own pid file names it (``src/qemu/qemu_tpm.c:
qemuTPMEmulatorPidFileBuildPath``).
"""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from host_agent.domain.tpm import Tpm
from host_agent.evidence.running import Running
from host_agent.evidence.tpm_state import TpmState
from host_agent.missing import Missing, Reason
from host_agent.qemu.command_line import OptionsError, options_in, properties_of
from host_agent.qemu.process import is_replaced

_PID_FILES = "run/libvirt/qemu/swtpm"
_MOST_PIDS = 65536
_MOST_COMMAND_LINE = 64 * 1024
_STATE = re.compile(r"tpm2?-00\.permall")
"""What a TPM keeps over its end (swtpm ``src/swtpm/swtpm_nvstore.c``)."""
_DELETED = " (deleted)"
_UNSEEN = Missing(
    reason=Reason.ABSENT,
    sentence="no process that emulates its TPM is to be seen: libvirt's pid files name none",
    remedy="run as root",
)
_NOT_EMULATED = Missing(
    reason=Reason.UNSUPPORTED, sentence="the TPM is not emulated: its state is not libvirt's"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Process:
    """One swtpm."""

    control: str
    """The socket by which QEMU speaks to it."""
    place: str
    inode: tuple[int, int] | None
    """Of its state; None: there is none, or it may not be seen."""
    binary: str
    replaced: bool | None


class TpmStates:
    """The states of one host's TPMs, as its processes were at one time."""

    def __init__(self, running: Iterable[Running], root: Path = Path("/")) -> None:
        self._running = running
        self._root = root

    def of(self, tpm: Tpm, running: Running | Missing) -> TpmState | Missing:
        """Return what is to be seen of a domain's TPM."""
        if tpm.state is None:
            return _NOT_EMULATED
        process = None
        if isinstance(running, Running):
            process = self._processes.get(_control(running.arguments) or "")
            if process is None:
                return _UNSEEN
        place = tpm.state if process is None else process.place
        try:
            there = _inode(self._root, place) is not None
        except OSError as error:
            return _denied(f"{place} may not be looked at: {error.strerror}")
        if not there and os.geteuid() != 0:
            # A session's libvirt keeps it elsewhere, and others' are not ours to see.
            return _denied(f"there is no state at {place} that others than root may see")
        if process is None:
            return TpmState(place=place, there=there)
        return TpmState(
            place=place,
            there=there,
            swtpm=process.binary,
            replaced=process.replaced,
            others=tuple(sorted(self._others(process))),
        )

    def _others(self, process: _Process) -> Iterator[str]:
        for one in self._processes.values():
            same = one.place == process.place or (
                one.inode is not None and one.inode == process.inode
            )
            if same and one.control != process.control:
                yield self._names.get(one.control, one.control)

    @cached_property
    def _names(self) -> dict[str, str]:
        """Socket → the domain whose QEMU has it."""
        found = ((_control(one.arguments), one.name) for one in self._running)
        return {control: name for control, name in found if control and name}

    @cached_property
    def _processes(self) -> dict[str, _Process]:
        """Socket → the process behind it."""
        found = (self._process(pid) for pid in self._pids())
        return {one.control: one for one in found if one is not None}

    def _pids(self) -> Iterator[int]:
        files = sorted((self._root / _PID_FILES).glob("*.pid"))
        for file in files[:_MOST_PIDS]:
            word = size_of(file, 32).strip()
            if word.isdigit():
                yield int(word)

    def _process(self, pid: int) -> _Process | None:
        entry = self._root / "proc" / str(pid)
        raw = size_of(entry / "cmdline", _MOST_COMMAND_LINE)
        arguments = tuple(os.fsdecode(one) for one in raw.rstrip(b"\0").split(b"\0"))
        given = dict(pairwise(arguments))
        try:
            control = properties_of(given.get("--ctrl", ""), "type").get("path")
            state = properties_of(given.get("--tpmstate", ""), "dir")
        except OptionsError:
            # Another domain's process must cost this one nothing.
            return None
        place = state.get("dir") or state.get("backend-uri", "").partition("://")[2]
        if not control or not place:
            return None
        try:
            binary = str((entry / "exe").readlink())
        except OSError:
            binary = arguments[0]
        binary = binary.removesuffix(_DELETED)
        try:
            inode = _inode(self._root, place)
        except OSError:
            inode = None
        return _Process(
            control=control,
            place=place,
            inode=inode,
            binary=binary,
            replaced=is_replaced(entry, binary),
        )


def _denied(sentence: str) -> Missing:
    return Missing(reason=Reason.DENIED, sentence=sentence, remedy="run as root")


def _control(arguments: Sequence[str]) -> str | None:
    """Return the socket of a QEMU's emulated TPM, by its command line; None: it has none."""
    try:
        sockets, wanted = {}, None
        for option, value in options_in(arguments):
            if option == "chardev":
                socket = properties_of(value, "backend")
                sockets[socket.get("id")] = socket.get("path")
            elif option == "tpmdev":
                wanted = properties_of(value, "type").get("chardev")
        return None if wanted is None else sockets.get(wanted)
    except OptionsError:
        return None


def _inode(root: Path, place: str) -> tuple[int, int] | None:
    """Return device and inode of a state; None: there is none. Raises ``OSError``."""
    found = root / place.lstrip("/")
    try:
        status = found.stat()
        if stat.S_ISDIR(status.st_mode):
            files = sorted(one for one in found.iterdir() if _STATE.fullmatch(one.name))
            if not files:
                return None
            status = files[0].stat()
    except FileNotFoundError:
        return None
    return (status.st_dev, status.st_ino) if status.st_size else None


def size_of(file: Path, most: int) -> bytes:
    """Return what a small file holds; empty where it can't be read."""
    try:
        with file.open("rb") as opened:
            return opened.read(most)
    except OSError:
        return b""
