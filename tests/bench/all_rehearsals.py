"""Rehearses domains of the few shapes, or prints the QEMU command lines of that as JSON.

``python -m tests.bench.all_rehearsals commands|rehearse TIMES``: of each shape so many times.
``python -m tests.bench.all_rehearsals count DOMAINS``: prints how many QEMUs so many domains take.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from host_agent.domain import definition as definitions
from host_agent.domain.definition import Definition
from host_agent.evidence.rehearsed import Rehearsed
from host_agent.hypervisor import connected
from host_agent.qemu import binary as qemu_binary
from host_agent.qemu import rehearsal
from host_agent.qemu.domain_rehearsal import DomainRehearsal
from host_agent.qemu.rehearsal_options import from_domain
from host_agent.qemu.rehearsal_store import RehearsalStore
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
    if what == "count":
        count(number)
        return
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


def count(number: int) -> None:
    """Print how many rehearsals were made, each of which is kept in a file."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder, "kept")
        rehearsals = DomainRehearsal(store=RehearsalStore(kept))
        for definition, arguments in domains(number):
            binary = qemu_binary.installed(str(definition.emulator))
            found = rehearsals.of_arguments(binary, arguments, definition)
            if not isinstance(found, Rehearsed):
                raise RuntimeError(found.sentence)
        print(len(list(kept.iterdir())))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
