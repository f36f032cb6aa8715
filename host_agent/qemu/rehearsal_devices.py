"""A device of a domain → the one that is rehearsed in its place. Pure.

A device stays where it is, with its ids and properties, on a back-end that leads nowhere. One that
is nothing without the host's own (passthrough, vhost) has a stand-in at its address, where it has
one, so that all others keep theirs; or it is left out. Either is named, with what of the rehearsal
says nothing for that.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from host_agent.evidence.rehearsed import ALL, NotRehearsed
from host_agent.printable import printable
from host_agent.qemu.command_line import OptionsError, properties_of

_CODE = frozenset({"DSDT", "SSDT"})
_NOTHING: frozenset[str] = frozenset()
_DRIVER = re.compile(r"[\w.,-]{1,80}", re.ASCII)

# What needs a host's own, by the driver's name (QEMU hw/; libvirt src/qemu/qemu_command.c).
_NEEDS_HOST = re.compile(
    r"vhost-.*|virtio-vga-(gl|rutabaga)|virtio-gpu-(gl|rutabaga)-.*|virtio-input-host-.*|vfio-.*"
    r"|usb-host|usb-mtp|u2f-.*|ccid-card-emulated|scsi-(block|generic)|tpm-.*|ivshmem-doorbell"
    r"|x-.*|xen.*|igd-.*|qxl.*|sgx-.*|loader|guest-loader"
)
# Of those, what is the same kind of PCI function with the same BARs: every virtio device has one
# layout (hw/virtio/virtio-pci.c), and virtio-vga-gl is virtio-vga with another renderer.
_ALIKE = (
    (re.compile(r"virtio-vga-(gl|rutabaga)|vhost-user-vga"), "virtio-vga"),
    (re.compile(r"virtio-gpu-(gl|rutabaga)-pci|vhost-user-gpu-pci"), "virtio-gpu-pci"),
    (re.compile(r"(vhost|virtio)-[\w-]*-pci(-(non-)?transitional)?"), "virtio-rng-pci"),
)
_ANY_FUNCTION = "virtio-rng-pci"
# Those at no PCI address: nothing but their own bus, and what a guest does with it, is touched.
_NO_PCI = re.compile(r"usb-.*|u2f-.*|ccid-.*|scsi-.*|loader|guest-loader|.*-device|.*-ccw")
_TPM = re.compile(r"tpm-.*")
# What of a device is kept in its stand-in: where it is, and what its slot is.
_PLACE = {"id", "bus", "addr", "multifunction", "acpi-index"}
# Properties that name a host's own and change nothing of what is read of a rehearsal; a network
# card with a partner (failover) would be hidden from the firmware.
_DROPPED = {
    "authz", "display", "evdev", "failover", "failover_pair_id", "fd", "iommufd", "iothread",
    "iothread-vq-mapping", "tpmdev", "vhost", "vhostfd", "vhostfds", "vhostforce",
}  # fmt: skip
# Texts that a guest reads, where a slash names no file.
_TEXTS = {"device_id", "id", "model", "name", "product", "serial", "vendor", "ver", "version"}
# Property → kind of back-end that it names.
_BACK_ENDS = {
    "drive": "drive", "netdev": "netdev", "chardev": "chardev", "cryptodev": "cryptodev",
    "rng": "rng", "fsdev": "fsdev", "audiodev": "audiodev", "memdev": "memory",
    "persistent-memdev": "memory", "volatile-memdev": "memory", "lsa": "memory",
}  # fmt: skip


@dataclass(slots=True)
class Rehearsing:
    """What is noted while devices are turned one by one."""

    left: list[NotRehearsed] = field(default_factory=list)
    _wanted: dict[str, dict[str, None]] = field(default_factory=dict)

    def of(self, kind: str) -> list[str]:
        """Return the names of the back-ends of a kind that devices want."""
        return list(self._wanted.get(kind, {}))

    def device(self, value: str) -> str | None:
        """Return the value of ``-device`` to rehearse; None: it is left out.

        Raises ``OptionsError``.
        """
        given = _read(value)
        kept = (
            self._stand_in(given) if _NEEDS_HOST.fullmatch(given["driver"]) else self._kept(given)
        )
        return None if kept is None else _written(kept, as_json=value.startswith("{"))

    def _kept(self, device: Mapping[str, Any]) -> dict[str, Any]:
        kept = {}
        for key, item in device.items():
            kind = _BACK_ENDS.get(key)
            if key == "romfile" and item not in ("", None):
                self.left.append(NotRehearsed(what=f"option ROM of {_named(device)}"))
                kept[key] = ""
            elif kind is not None:
                # An empty one is a drive without a medium.
                if item != "":
                    self._wanted.setdefault(kind, {})[str(item)] = None
                    kept[key] = item
            elif key.partition(".")[0] not in _DROPPED and _is_plain(key, item):
                kept[key] = item
        return kept

    def _stand_in(self, device: Mapping[str, Any]) -> dict[str, Any] | None:
        driver, what = device["driver"], _named(device)
        if _TPM.fullmatch(driver):
            self.left.append(NotRehearsed(what=what, tables=_CODE | {"TPM2", "TCPA"}))
            return None
        if _NO_PCI.fullmatch(driver):
            self.left.append(NotRehearsed(what=what))
            return None
        if "addr" not in device:
            self.left.append(NotRehearsed(what=what, tables=ALL))
            return None
        alike = next((other for pattern, other in _ALIKE if pattern.fullmatch(driver)), None)
        name = str(device.get("id") or f"rehearsal-{len(self.left)}")
        place = {key: item for key, item in device.items() if key in _PLACE}
        # BARs of another size may move the windows that the DSDT tells.
        tables = _NOTHING if alike else _CODE
        self.left.append(NotRehearsed(what=what, tables=tables, stand_in=name))
        return {"driver": alike or _ANY_FUNCTION, **place, "id": name}


def _read(value: str) -> dict[str, Any]:
    """Return a device's properties, ``driver`` among them; raises ``OptionsError``."""
    if value.startswith("{"):
        try:
            found = dict(json.loads(value))
        except (ValueError, TypeError, RecursionError) as error:
            raise OptionsError("QEMU's command line holds broken JSON") from error
    else:
        given = properties_of(value, "driver")
        found = {key: text.replace(",,", ",") for key, text in given.items()}
    if not isinstance(found.get("driver"), str) or not _DRIVER.fullmatch(found["driver"]):
        raise OptionsError("QEMU's command line has a device without a driver")
    return found


def _written(device: Mapping[str, Any], *, as_json: bool) -> str:
    """Write a device in the form that it was given in: older versions read one form only."""
    if as_json:
        return json.dumps(device, separators=(",", ":"))
    return ",".join(_keyed(device))


def _keyed(device: Mapping[str, Any]) -> Iterator[str]:
    yield device["driver"]
    for key, item in device.items():
        if key != "driver":
            yield f"{key}={escaped(item)}"


def escaped(item: object) -> str:
    """Return a value as one among others: a comma in it is written twice."""
    return str(item).replace(",", ",,")


def _named(device: Mapping[str, Any]) -> str:
    return printable(" ".join(str(device[key]) for key in ("driver", "id") if device.get(key)))[:80]


def _is_plain(key: str, item: object) -> bool:
    """Tell whether a property can't name a file; what is nested names back-ends only."""
    if isinstance(item, (dict, list)):
        return False
    return "/" not in str(item) or key in _TEXTS
