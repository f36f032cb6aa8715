"""The QEMU processes of this host, as /proc shows them."""

import os
import re
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from uuid import UUID

from host_agent.model import Running

_MAX_COMMAND_LINE = 1024 * 1024
_DELETED = " (deleted)"


def parse_command_line(raw: bytes) -> tuple[str | None, UUID | None]:
    """Return machine type and UUID of a QEMU command line as /proc/PID/cmdline holds it.

    libvirt writes ``-machine pc-i440fx-7.2,usb=off`` or ``-machine type=…`` and ``-uuid …``
    (``src/qemu/qemu_command.c``); None for what is not there.
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
    return machine, uuid


def running(root: Path = Path("/")) -> Mapping[UUID, Running]:
    """Return this host's QEMU processes by their UUID.

    A process of another program that only looks like one is left out: its binary must be QEMU's
    (where we may see it). Where two have the same UUID, the one that libvirt's pid file names wins.
    """
    found: dict[UUID, list[Running]] = {}
    booted = _boot_time(root)
    for entry in (root / "proc").iterdir():
        if entry.name.isdigit():
            process = _process(entry, booted)
            if process is not None and process.uuid is not None:
                found.setdefault(process.uuid, []).append(process)
    return {uuid: _libvirts(processes, root) for uuid, processes in found.items()}


def _libvirts(processes: list[Running], root: Path) -> Running:
    if len(processes) > 1:
        pids = set()
        for file in (root / "run/libvirt/qemu").glob("*.pid"):
            try:
                pids.add(int(file.read_text(encoding="ascii").strip()))
            except (OSError, ValueError):
                continue
        processes = [process for process in processes if process.pid in pids] or processes
    return max(processes, key=lambda process: process.started)


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
    machine, uuid = parse_command_line(raw)
    arguments = tuple(os.fsdecode(argument) for argument in raw.rstrip(b"\0").split(b"\0"))
    # proc(5): the fields after the command's name, which may hold anything, in parentheses.
    fields = stat.rpartition(")")[2].split()
    return Running(
        pid=int(entry.name),
        machine=machine,
        uuid=uuid,
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
