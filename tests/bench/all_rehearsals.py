"""Rehearses domains of the few shapes, or prints the QEMU command lines of that as JSON.

``python -m tests.bench.all_rehearsals commands|rehearse TIMES``: of each shape so many times.
"""

import json
import sys
from collections.abc import Iterator

from host_agent.domain import definition as definitions
from host_agent.domain.definition import Definition
from host_agent.hypervisor import connected
from host_agent.qemu import binary as qemu_binary
from host_agent.qemu import rehearsal
from host_agent.qemu.rehearsal_options import from_domain
from tests.bench import shapes

_START = "-no-user-config", "-nodefaults", "-display", "none"
_DEVICES = """<interface type='user'><mac address='52:54:00:18:{high:02x}:{low:02x}'/>
  <model type='virtio'/></interface>
  <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng></devices>"""


def domains(number: int) -> Iterator[tuple[Definition, tuple[str, ...]]]:
    """Yield so many domains, with the command lines that libvirt would start them with."""
    with connected("qemu:///system") as hypervisor:
        for one in range(number):
            high, low = divmod(one, 256)
            xml = shapes.xml(f"rehearsed-{one:05}", one).replace(
                "</devices>", _DEVICES.format(high=high, low=low)
            )
            yield definitions.parse(xml), hypervisor.native_arguments(xml)


def main(what: str, number: int) -> None:
    each = [
        (qemu_binary.installed(str(definition.emulator)), from_domain(arguments, "x86_64"))
        for definition, arguments in domains(len(shapes.SHAPES))
    ] * number
    if what == "commands":
        json.dump(
            [[binary.path, *_START, *options.command()] for binary, options in each], sys.stdout
        )
        return
    for binary, options in each:
        rehearsal.rehearse(binary, options)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
