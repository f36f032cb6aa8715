"""QEMU binaries: the installed one, and the one that a process runs, even where it was deleted."""

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from host_agent import inside_root
from host_agent.errors import EvidenceError
from host_agent.missing import Reason
from host_agent.printable import quoted

_MOST_SEGMENTS = 64
_MAX_NOTES = 64 * 1024
_MOST_SEEN = 256
_seen: dict[tuple[int, ...], str] = {}
"""What was read of a file, by all that changes with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What tells one binary from another: another build has another one."""

    device: int
    inode: int
    modified: int
    """Nanoseconds since 1970-01-01 UTC."""
    size: int
    build_id: str
    """In hexadecimal digits, as the linker wrote it; empty where it wrote none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QemuBinary:
    """A binary that can be started, whatever its path leads to by then."""

    path: str
    """For people."""
    source: str
    """What to open: the path, or /proc/PID/exe."""
    pid: int | None
    """The process whose mount namespace it is run in; None: our own."""
    root: Path | None
    """The folder that is its root directory; None: ours."""
    identity: Identity

    def open(self) -> int:
        """Return a descriptor to run it by; raises ``EvidenceError``."""
        return _open(self.source, self.path)


def installed(path: str, root: Path | None = None) -> QemuBinary:
    """Return the binary that is installed at a path, of another system where its root is given.

    Raises ``EvidenceError``.
    """
    try:
        source = path if root is None else str(inside_root.resolved(root, path))
    except OSError as error:
        raise EvidenceError(Reason.FAILED, f"{path} in {root}: {error.strerror}") from error
    return _binary(path, source, None, root)


def running(pid: int, path: str) -> QemuBinary:
    """Return the binary that a process runs; raises ``EvidenceError``.

    It is named by a process alone, so it must be one that only root, or we, could have written.
    """
    return _binary(path, f"/proc/{pid}/exe", pid, None)


def _binary(path: str, source: str, pid: int | None, root: Path | None) -> QemuBinary:
    descriptor = _open(source, path)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise EvidenceError(Reason.FAILED, f"{path} is no file, and so no QEMU")
        if pid is not None and not _is_trusted(status):
            raise EvidenceError(
                Reason.DENIED,
                f"{path} is not started: others than root can write it",
                f"chown root {quoted(path)}; chmod go-w {quoted(path)}, if it is a QEMU",
            )
        if not status.st_mode & 0o111:
            raise EvidenceError(
                Reason.FAILED,
                f"{path} is not executable",
                f"chmod +x {quoted(path)}, if it is a QEMU",
            )
        identity = Identity(
            device=status.st_dev,
            inode=status.st_ino,
            modified=status.st_mtime_ns,
            size=status.st_size,
            build_id=_build_id(descriptor, status),
        )
    finally:
        os.close(descriptor)
    return QemuBinary(path=path, source=source, pid=_foreign(pid), root=root, identity=identity)


def _is_trusted(status: os.stat_result) -> bool:
    return status.st_uid in {0, os.geteuid()} and not status.st_mode & 0o022


def _open(source: str, path: str) -> int:
    try:
        # A pipe of that name must not be waited for.
        return os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise EvidenceError(Reason.ABSENT, f"there is no {path} here") from error
    except PermissionError as error:
        raise EvidenceError(Reason.DENIED, f"{path} may not be opened", "run as root") from error
    except OSError as error:
        raise EvidenceError(Reason.FAILED, f"{path}: {error.strerror}") from error


def _build_id(descriptor: int, status: os.stat_result) -> str:
    """Return the GNU build id (ELF note NT_GNU_BUILD_ID); a script has none.

    Read once of each file as it is: thousands of domains run one binary.
    """
    file = status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    found = _seen.get(file)
    if found is None:
        found = _read_build_id(descriptor)
        if len(_seen) >= _MOST_SEEN:
            _seen.clear()
        _seen[file] = found
    return found


def _read_build_id(descriptor: int) -> str:
    """Look for the note in the segments, of which only few and short ones are read.

    A file that is no QEMU may say of itself what it likes. A segment of another kind is not made an
    object of: that of the dynamic linker would read a QEMU's whole table of symbols.
    """
    # Only who asks a QEMU needs it.
    from elftools.common.exceptions import ELFError  # noqa: PLC0415
    from elftools.common.utils import struct_parse  # noqa: PLC0415
    from elftools.elf.elffile import ELFFile  # noqa: PLC0415
    from elftools.elf.segments import NoteSegment  # noqa: PLC0415

    with (
        os.fdopen(os.dup(descriptor), "rb") as file,
        suppress(ELFError, KeyError, ValueError, OverflowError, OSError),
    ):
        elf = ELFFile(file)
        for number in range(min(elf.num_segments(), _MOST_SEGMENTS)):
            at = elf["e_phoff"] + number * elf["e_phentsize"]
            header = struct_parse(elf.structs.Elf_Phdr, file, at)
            if header["p_type"] != "PT_NOTE" or header["p_filesz"] > _MAX_NOTES:
                continue
            for note in NoteSegment(header, file, elf).iter_notes():
                if note["n_type"] == "NT_GNU_BUILD_ID":
                    return str(note["n_desc"])
    return ""


def _foreign(pid: int | None) -> int | None:
    """Return the process where its mount namespace is not our own."""
    if pid is None:
        return None
    try:
        theirs, ours = (Path(f"/proc/{who}/ns/mnt").readlink() for who in (pid, "self"))
    except OSError:
        return None
    return pid if theirs != ours else None
