"""What a guest's own kernel sees of its machine, and what differs between two boots. Pure."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from host_agent.difference import Area, Difference, in_one
from host_agent.firmware import smbios_diff
from samemachine.acpi_content import content

# Run in a guest, by the Python that our agent needs there.
PROGRAM = """
import base64, json, os
def read(name):
    with open(name, "rb") as file:
        return file.read()
def there(name):
    return os.listdir(name) if os.path.isdir(name) else []
def word(*names):
    return read("/".join(names)).decode().strip()
pci, acpi = "/sys/bus/pci/devices", "/sys/firmware/acpi/tables"
dmi = "/sys/firmware/dmi/tables/DMI"
print(json.dumps({
    "boot_id": word("/proc/sys/kernel/random/boot_id"),
    "dmi": base64.b64encode(read(dmi) if os.path.exists(dmi) else b"").decode(),
    "acpi": {
        name: base64.b64encode(read(f"{acpi}/{name}")).decode()
        for name in there(acpi) if os.path.isfile(f"{acpi}/{name}")
    },
    "pci": {
        name: word(pci, name, "vendor")[2:] + ":" + word(pci, name, "device")[2:]
        for name in there(pci)
    },
}))
"""
_ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One boot of a guest."""

    boot_id: str
    smbios: bytes
    """The tables that it booted with; empty where its machine has none."""
    acpi: Mapping[str, bytes]
    """By the kernel's name: ``SSDT1`` is the first of several."""
    pci: Mapping[str, str]
    """Address → vendor:device."""


def read(printed: str) -> Seen:
    """Return what the program printed."""
    form = json.loads(printed)
    return Seen(
        boot_id=form["boot_id"],
        smbios=base64.b64decode(form["dmi"]),
        acpi={name: base64.b64decode(raw) for name, raw in form["acpi"].items()},
        pci=form["pci"],
    )


def differences(before: Seen, after: Seen) -> tuple[Difference, ...]:
    """Return what the guest finds otherwise; where its ACPI tables lie does not count."""
    tables = before.smbios, after.smbios
    return (
        *(map(in_one, smbios_diff.differences(*tables)) if any(tables) else ()),
        *_acpi(before.acpi, after.acpi),
        *_pci(before.pci, after.pci),
    )


def _acpi(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterator[Difference]:
    for name in sorted(before.keys() | after.keys()):
        one, two = before.get(name), after.get(name)
        if one is None or two is None:
            yield _of(Area.ACPI, name, "table", one, two)
        elif content(one) != content(two):
            other = "other " if len(one) == len(two) else ""
            yield Difference(
                area=Area.ACPI,
                subject=name,
                field="contents",
                old=f"{len(one)} bytes",
                new=f"{len(two)} {other}bytes",
            )


def _pci(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Difference]:
    for address in sorted(before.keys() | after.keys()):
        one, two = before.get(address), after.get(address)
        if one != two:
            yield Difference(
                area=Area.PCI,
                subject=address,
                field="function",
                old=one or _ABSENT,
                new=two or _ABSENT,
            )


def _of(area: Area, subject: str, field: str, one: object, two: object) -> Difference:
    there = ("there" if side is not None else _ABSENT for side in (one, two))
    old, new = there
    return Difference(area=area, subject=subject, field=field, old=old, new=new)
