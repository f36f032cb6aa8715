"""Running domains of this host without a guest: their firmware has run, then they are paused.

``python -m tests.bench.start_running NUMBER`` starts so many, or as many as memory is there for,
and prints as JSON: how many, and the QEMU command line of one of each shape, for bare probes.
"""

import json
import os
import shlex
import sys
import time
from pathlib import Path

import libvirt

from host_agent.qemu.options import from_command_line
from tests.bench import shapes

PREFIX = "on-"
_SPARE_KIB = 2 * 1024 * 1024
_BIOS = 0xF0000
_SECONDS = 300.0


def main(number: int) -> None:
    connection = libvirt.open("qemu:///system")
    booting: list[libvirt.virDomain] = []
    started = 0
    while started < number and _available() > _SPARE_KIB:
        name = f"{PREFIX}{started:05}"
        domain = connection.defineXML(shapes.xml(name, started))
        domain.create()
        booting.append(domain)
        started += 1
        if len(booting) > 2 * (os.cpu_count() or 1):
            _let_boot(booting.pop(0))
        if started % 10 == 0:
            print(f"{started} domains run", file=sys.stderr, flush=True)
    for domain in booting:
        _let_boot(domain)
    commands = []
    for one in range(min(started, len(shapes.SHAPES))):
        domain = connection.lookupByName(f"{PREFIX}{one:05}")
        xml = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
        words = shlex.split(connection.domainXMLToNative("qemu-argv", xml, 0))
        # The environment comes first.
        binary = next(word for word in words if word.startswith("/usr/bin/qemu"))
        options = from_command_line(tuple(words), "x86_64", starting=True)
        commands.append(
            [binary, "-no-user-config", "-nodefaults", "-display", "none", *options.command()]
        )
    json.dump({"number": started, "commands": commands}, sys.stdout)


def _available() -> int:
    """KiB."""
    text = Path("/proc/meminfo").read_text(encoding="ascii")
    return int(text.partition("MemAvailable:")[2].split()[0])


def _let_boot(domain: libvirt.virDomain) -> None:
    """Wait until the firmware has left its tables, then pause the CPUs: 200 clocks are a load."""
    end = time.monotonic() + _SECONDS
    while not _has_anchor(_bios(domain)):
        if time.monotonic() > end:
            raise RuntimeError(f"{domain.name()}: the firmware leaves no tables")
        time.sleep(0.05)
    # It writes the rest in the same moment.
    time.sleep(0.1)
    domain.suspend()


def _has_anchor(bios: bytes) -> bool:
    """Tell whether an SMBIOS anchor lies there; the firmware's own code has its letters as well."""
    places = (at for at in range(0, len(bios) - 31, 16) if bios[at : at + 4] == b"_SM_")
    return any(sum(bios[at : at + bios[at + 5]]) % 256 == 0 for at in places)


def _bios(domain: libvirt.virDomain) -> bytes:
    both = (
        domain.memoryPeek(_BIOS + at, 0x8000, libvirt.VIR_MEMORY_PHYSICAL) for at in (0, 0x8000)
    )
    return b"".join(bytes(part) for part in both)


if __name__ == "__main__":
    main(int(sys.argv[1]))
