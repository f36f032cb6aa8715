"""What of a rehearsal's options is a domain's own, taken out: one rehearsal for all of a shape.

Beside what a probe's shape leaves out, domains differ in MAC addresses and in serial numbers of
disks. No table holds them, and no PCI function. Pure.
"""

import json
from dataclasses import replace
from uuid import UUID

from host_agent.evidence.rehearsed import Rehearsed
from host_agent.firmware import smbios
from host_agent.firmware.smbios import SmbiosError
from host_agent.qemu import shape as shapes
from host_agent.qemu.command_line import joined, split
from host_agent.qemu.rehearsal_options import RehearsalOptions
from host_agent.qemu.shape import Shape

_OWN = {"mac", "wwn", "serial", "device_id"}
_SERIAL = "s"
"""What every disk is called: an NVMe disk must have a serial number."""
_GENERATION = str(UUID(int=918))
"""What every machine's generation id is."""


def of(options: RehearsalOptions) -> tuple[RehearsalOptions, Shape]:
    """Return what a domain shares with others, and what of its SMBIOS tables is its own."""
    shape = shapes.of(options.machine)
    words = list(options.devices)
    for at in range(1, len(words)):
        if words[at - 1] == "-device":
            words[at] = _shared(words[at])
    return replace(options, machine=shape.options, devices=tuple(words)), shape


def _shared(device: str) -> str:
    if device.startswith("{"):
        kept = {key: _one(key, item) for key, item in json.loads(device).items()}
        form = {key: item for key, item in kept.items() if item is not None}
        return json.dumps(form, separators=(",", ":"))
    parts = []
    for part in split(device):
        key, equals, text = part.partition("=")
        kept_text = _one(key, text) if equals else text
        if kept_text is not None:
            parts.append(f"{key}{equals}{kept_text}")
    return joined(parts)


def _one(key: str, item: object) -> object:
    if key not in _OWN:
        return _GENERATION if key == "guid" else item
    return _SERIAL if key == "serial" else None


def filled(found: Rehearsed, shape: Shape) -> Rehearsed | None:
    """Return a shape's rehearsal as one domain's; None: it can't be told from it."""
    if found.smbios is None:
        return found
    files = shapes.filled({"": found.smbios.tables}, None, shape)
    if files is None:
        return None
    try:
        tables = smbios.parse(found.smbios.entry_point, files[""], found.smbios.named.source)
    except SmbiosError:
        return None
    return replace(found, smbios=tables)
