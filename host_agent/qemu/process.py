"""The QEMU processes of this host, as /proc shows them.

Anybody may start a program of any name with any command line, so a process is QEMU's where libvirt
says so (its pid file), or where it runs as a user that only libvirt starts QEMU as.
"""

import os
import re
import stat
import time
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from uuid import UUID

from host_agent.evidence.running import Running

_MAX_COMMAND_LINE = 1024 * 1024
_MAX_FILE = 64 * 1024
"""Bytes of any other file that is read here."""
_MAX_WORD = 255
"""Characters of a machine type or of a binary's path on a command line."""
_DELETED = " (deleted)"
_NAME = re.compile(r"(?:guest=)?((?:[^,]|,,)*)")
_PID_FILES = "run/libvirt/qemu"
_PASSWD, _QEMU_CONF, _BOOT_ID = (
    "etc/passwd",
    "etc/libvirt/qemu.conf",
    "proc/sys/kernel/random/boot_id",
)
_USERS = frozenset({"libvirt-qemu", "qemu", "qemu-libvirtd"})
"""Whom libvirt runs QEMU as: Debian and Ubuntu; Fedora, RHEL, SUSE, Arch, Gentoo; NixOS."""
_START_TIME = 19
"""Which of those fields of /proc/PID/stat that follow the command's name says when it started."""
_UID = re.compile(r"^Uid:\t(\d+)\t(\d+)\t(\d+)\t(\d+)$", re.MULTILINE | re.ASCII)
_CONFIGURED = re.compile(r'^\s*user\s*=\s*"\+?([^"\s]+)"', re.MULTILINE)


def parse_command_line(raw: bytes) -> tuple[str | None, UUID | None, str | None]:
    """Return machine type, UUID and name of a QEMU command line as /proc/PID/cmdline holds it.

    libvirt writes ``-machine pc-i440fx-7.2,usb=off`` or ``-machine type=…``, ``-uuid …`` and
    ``-name guest=…,debug-threads=on``, where a comma in a name is two (``src/qemu/qemu_command.c``,
    ``virQEMUBuildBufferEscapeComma``); None for what is not there.
    """
    arguments = [argument.decode("utf-8", "replace") for argument in raw.split(b"\0")]
    given = dict(pairwise(arguments))
    machine = given.get("-machine") or given.get("-M")
    if machine is not None:
        options = machine.split(",")
        named = [option[5:] for option in options if option.startswith("type=")]
        first = None if "=" in options[0] else options[0]
        machine = (first or (named[0] if named else None) or "")[:_MAX_WORD] or None
    try:
        uuid = UUID(given["-uuid"]) if "-uuid" in given else None
    except ValueError:
        uuid = None
    name = given.get("-name")
    if name is not None:
        value = _NAME.match(name)
        name = value[1].replace(",,", ",") if value else None
    return machine, uuid, name


@dataclass(frozen=True, kw_only=True)
class Processes:
    """The QEMU processes of a host, to be found by name and by UUID: each of many is looked for."""

    found: tuple[Running, ...]
    libvirts: frozenset[int] = frozenset()
    """Those, by pid, that libvirt's pid files name."""

    def of(self, name: str, uuid: UUID, guest_uuid: UUID | None = None) -> Running | None:
        """Return a domain's process; None: there is none.

        QEMU is given the UUID that the guest is to see (``guest_uuid``; libvirt
        ``qemuBuildCommandLine``), which several domains may share; so its name must be the domain's
        as well. Where only libvirt's own UUID of the domain is known and no process has it, the
        name alone tells. Of several the one that a pid file names wins, then the newest.
        """
        named = self._named.get(name, []) + self._named.get(None, [])
        wanted = [one for one in named if one.uuid == (guest_uuid or uuid)]
        if guest_uuid is None:
            wanted = wanted or [one for one in named if one.name is not None]
        wanted = [one for one in wanted if one.pid in self.libvirts] or wanted
        return max(wanted, key=lambda one: (one.ticks, one.started), default=None)

    def others(self, name: str, guest_uuid: UUID) -> tuple[str, ...]:
        """Return the names of libvirt's other domains that show their guests the same UUID."""
        alike = (one.name for one in self._showing.get(guest_uuid, []) if one.pid in self.libvirts)
        return tuple(sorted(other for other in alike if other not in {None, name}))

    @cached_property
    def _named(self) -> dict[str | None, list[Running]]:
        found: dict[str | None, list[Running]] = {}
        for one in self.found:
            found.setdefault(one.name, []).append(one)
        return found

    @cached_property
    def _showing(self) -> dict[UUID | None, list[Running]]:
        found: dict[UUID | None, list[Running]] = {}
        for one in self.found:
            found.setdefault(one.uuid, []).append(one)
        return found


NONE = Processes(found=())


def running(root: Path = Path("/")) -> Processes:
    """Return this host's QEMU processes.

    A process of another program that only looks like one is left out: its binary must be QEMU's
    (where we may see it), and unless libvirt's pid file names it, it must be a process of root, of
    the user whom libvirt runs QEMU as, or of our own.
    """
    booted, boot_id = _boot_time(root), _boot_id(root)
    named, owners = _libvirts_pids(root), _owners(root)
    found = []
    for entry in (root / "proc").iterdir():
        if not (entry.name.isascii() and entry.name.isdigit()):
            continue
        if int(entry.name) not in named and not _users(entry) <= owners:
            continue
        process = _process(entry, booted, boot_id)
        if process is not None and process.uuid is not None:
            found.append(process)
    return Processes(found=tuple(found), libvirts=named)


def _libvirts_pids(root: Path) -> frozenset[int]:
    """Return what root's libvirt, or our own, has written down as its processes."""
    ours = os.environ.get("XDG_RUNTIME_DIR", "").lstrip("/")
    folders = [root / _PID_FILES, *([root / ours / "libvirt/qemu/run"] if ours else ())]
    pids = set()
    for folder in folders:
        for file in folder.glob("*.pid"):
            word = _text(file).strip()
            if word.isascii() and word.isdigit():
                pids.add(int(word))
    return frozenset(pids)


def _owners(root: Path) -> frozenset[int]:
    """Return the numbers of the users whose processes may be a domain's."""
    configured = _CONFIGURED.findall(_text(root / _QEMU_CONF))
    wanted = {*_USERS, *configured}
    owners = {
        0,
        os.geteuid(),
        *(int(word) for word in configured if re.fullmatch("[0-9]{1,9}", word)),
    }
    for line in _text(root / _PASSWD).splitlines():
        name, _, rest = line.partition(":")
        number = rest.split(":")[1:2]
        if name in wanted and number and re.fullmatch("[0-9]{1,10}", number[0]):
            owners.add(int(number[0]))
    return frozenset(owners)


def _users(entry: Path) -> frozenset[int]:
    """Return whom a process runs as: real, effective, saved and for files (proc_pid_status(5)).

    Not the owner of its folder in /proc, which is root for many that are not root's; and all of
    them, since whoever starts a program that is set-user-ID chooses its command line.
    """
    line = _UID.search(_text(entry / "status"))
    # -1 is nobody's.
    return frozenset(map(int, line.groups())) if line else frozenset({-1})


def _text(file: Path) -> str:
    """Return what a small file holds; empty where it can't be read, or is none."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as opened:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return ""
            return opened.read(_MAX_FILE).decode("utf-8", "replace")
    except OSError:
        return ""


def _process(entry: Path, booted: float, boot_id: str | None) -> Running | None:
    try:
        with (entry / "cmdline").open("rb") as file:
            raw = file.read(_MAX_COMMAND_LINE)
    except OSError:
        return None
    if b"-uuid\0" not in raw:
        return None
    try:
        binary = str((entry / "exe").readlink())
    except OSError:
        # Another user's process: its binary is not ours to see, nor to be started.
        binary = raw.split(b"\0", 1)[0].decode("utf-8", "replace")[:_MAX_WORD]
    deleted = binary.endswith(_DELETED)
    binary = binary.removesuffix(_DELETED)
    # proc(5): the fields after the command's name, which may hold anything, in parentheses.
    fields = _text(entry / "stat").rpartition(")")[2].split()
    if not re.search(r"qemu|kvm", Path(binary).name) or len(fields) <= _START_TIME:
        return None
    machine, uuid, name = parse_command_line(raw)
    arguments = tuple(os.fsdecode(argument) for argument in raw.rstrip(b"\0").split(b"\0"))
    ticks = int(fields[_START_TIME])
    return Running(
        pid=int(entry.name),
        machine=machine,
        uuid=uuid,
        name=name,
        binary=binary,
        binary_deleted=deleted,
        replaced=is_replaced(entry, binary),
        arguments=arguments,
        stopped=fields[0] in {"T", "t"},
        started=booted + ticks / os.sysconf("SC_CLK_TCK"),
        ticks=ticks,
        host_boot=boot_id,
    )


def is_replaced(entry: Path, binary: str) -> bool | None:
    """Tell whether the file at the binary's path is not the one that runs; None: not to be seen.

    Both are looked up as the process sees them, in its mount namespace. ``entry``: its folder in
    /proc.
    """
    try:
        running = (entry / "exe").stat()
        installed = (entry / "root" / binary.lstrip("/")).stat()
    except FileNotFoundError:
        return True
    except OSError:
        return None
    return (running.st_dev, running.st_ino) != (installed.st_dev, installed.st_ino)


def _boot_time(root: Path) -> float:
    """When the kernel booted; not the ``btime`` of /proc/stat, which has whole seconds only."""
    try:
        uptime = float(_text(root / "proc/uptime").split()[0])
    except (ValueError, IndexError):
        return 0.0
    return time.time() - uptime


def _boot_id(root: Path) -> str | None:
    try:
        return str(UUID(_text(root / _BOOT_ID).strip()))
    except ValueError:
        return None
