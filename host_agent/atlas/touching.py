"""What of the difference between two atlases touches one domain. Pure.

Atlases are of bare machine types with a few devices: what a domain does not have, or sets itself,
does not change for it.
"""

from collections.abc import Iterable

from host_agent.difference import Area, Difference, Effect
from host_agent.domain.definition import Definition
from host_agent.domain.devices import Devices
from host_agent.firmware import effects

_BIOS_BLOCKS = {"pc.bios", "pc.rom"}
# Entries of <sysinfo> (libvirt formatdomain.rst) → fields of SMBIOS (DMTF DSP0134).
_SYSINFO = {
    ("system", "manufacturer"): ("type 1 ", "Manufacturer"),
    ("system", "product"): ("type 1 ", "Product Name"),
    ("system", "version"): ("type 1 ", "Version"),
    ("system", "serial"): ("type 1 ", "Serial Number"),
    ("system", "sku"): ("type 1 ", "SKU Number"),
    ("system", "family"): ("type 1 ", "Family"),
    ("chassis", "manufacturer"): ("type 3 ", "Manufacturer"),
    ("chassis", "version"): ("type 3 ", "Version"),
    ("chassis", "serial"): ("type 3 ", "Serial Number"),
    ("chassis", "asset"): ("type 3 ", "Asset Tag Number"),
    ("chassis", "sku"): ("type 3 ", "SKU Number"),
}


def of(
    differences: Iterable[Difference], definition: Definition, devices: Devices
) -> tuple[Difference, ...]:
    """Return the differences that this domain's guest, or its migration, would notice."""
    return tuple(one for one in differences if _touches(one, definition, devices))


def refusing(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    """Return those for which QEMU refuses a migration."""
    return tuple(one for one in differences if effects.of(one).effect is Effect.BREAKING)


def seen(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    """Return those that a guest can see at its next boot."""
    return tuple(one for one in differences if effects.of(one).effect is not Effect.BREAKING)


def _touches(difference: Difference, definition: Definition, devices: Devices) -> bool:
    if difference.area is Area.FIRMWARE:
        # Atlases are of SeaBIOS; UEFI's images are files of their own.
        return definition.firmware == "bios" and definition.loader is None
    if difference.area is Area.ROM:
        if difference.subject in _BIOS_BLOCKS:
            return definition.firmware == "bios" and definition.loader is None
        return difference.subject.rpartition("/")[2] in devices.roms
    if effects.is_entry_point(difference):
        return definition.firmware == "bios"
    if difference.area is Area.SMBIOS and definition.smbios_mode == "sysinfo":
        return not any(
            difference.subject.startswith(structure) and difference.field == field
            for (block, entry), (structure, field) in _SYSINFO.items()
            if entry in definition.sysinfo.get(block, {})
        )
    return True
