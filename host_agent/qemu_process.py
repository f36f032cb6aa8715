"""The QEMU processes of this host, as /proc shows them."""

import os
import re
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from uuid import UUID

from host_agent.model import Running

_MAX_COMMAND_LINE = 1024 * 1024
_DELETED = " (deleted)"
_NAME = re.compile(r"(?:guest=)?((?:[^,]|,,)*)")


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
        machine = first or (named[0] if named else None)
    try:
        uuid = UUID(given["-uuid"]) if "-uuid" in given else None
    except ValueError:
        uuid = None
    name = given.get("-name")
    if name is not None:
        value = _NAME.match(name)
        name = value[1].replace(",,", ",") if value else None
    return machine, uuid, name


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """The QEMU processes of a host."""

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
        named = [one for one in self.found if one.name in {None, name}]
        wanted = [one for one in named if one.uuid == (guest_uuid or uuid)]
        if guest_uuid is None:
            wanted = wanted or [one for one in named if one.name is not None]
        wanted = [one for one in wanted if one.pid in self.libvirts] or wanted
        return max(wanted, key=lambda one: one.started, default=None)

    def others(self, name: str, guest_uuid: UUID) -> tuple[str, ...]:
        """Return the names of libvirt's other domains that show their guests the same UUID."""
        alike = (
            one.name for one in self.found if one.uuid == guest_uuid and one.pid in self.libvirts
        )
        return tuple(sorted(other for other in alike if other not in {None, name}))


NONE = Processes(found=())


def running(root: Path = Path("/")) -> Processes:
    """Return this host's QEMU processes.

    A process of another program that only looks like one is left out: its binary must be QEMU's
    (where we may see it).
    """
    booted = _boot_time(root)
    entries = (entry for entry in (root / "proc").iterdir() if entry.name.isdigit())
    found = (_process(entry, booted) for entry in entries)
    return Processes(
        found=tuple(one for one in found if one is not None and one.uuid is not None),
        libvirts=_libvirts(root),
    )


def _libvirts(root: Path) -> frozenset[int]:
    pids = set()
    for file in (root / "run/libvirt/qemu").glob("*.pid"):
        try:
            pids.add(int(file.read_text(encoding="ascii").strip()))
        except (OSError, ValueError):
            continue
    return frozenset(pids)


def _process(entry: Path, booted: float) -> Running | None:
    try:
        with (entry / "cmdline").open("rb") as file:
            raw = file.read(_MAX_COMMAND_LINE)
        if b"-uuid\0" not in raw:
            return None
        stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    try:
        binary = str((entry / "exe").readlink())
    except OSError:
        # Another user's process: its binary is not ours to see.
        binary = raw.split(b"\0", 1)[0].decode("utf-8", "replace")
    deleted = binary.endswith(_DELETED)
    binary = binary.removesuffix(_DELETED)
    if not re.search(r"qemu|kvm", Path(binary).name):
        return None
    machine, uuid, name = parse_command_line(raw)
    arguments = tuple(os.fsdecode(argument) for argument in raw.rstrip(b"\0").split(b"\0"))
    # proc(5): the fields after the command's name, which may hold anything, in parentheses.
    fields = stat.rpartition(")")[2].split()
    return Running(
        pid=int(entry.name),
        machine=machine,
        uuid=uuid,
        name=name,
        binary=binary,
        binary_deleted=deleted,
        replaced=_replaced(entry, binary),
        arguments=arguments,
        stopped=fields[0] in {"T", "t"},
        started=booted + int(fields[19]) / os.sysconf("SC_CLK_TCK"),
    )


def _replaced(entry: Path, binary: str) -> bool | None:
    """Tell whether the file at the binary's path is not the one that runs.

    Both are looked up as the process sees them, in its mount namespace.
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
        uptime = float((root / "proc/uptime").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 0.0
    return time.time() - uptime
