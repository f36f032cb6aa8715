"""What one QEMU shows a guest with given options: the named parts of a probe. Pure.

The form for storing is JSON of this schema (``atlas`` keeps many in one file)::

    {"options": [...], "directory": [{"name", "size", "key"}], "files": {name: sha256},
     "acpi": [{"signature", "offset", "length", "sha256", "checksum", ...}], "acpi_length": 131072,
     "memory_blocks": {name: bytes}, "firmware": {"size", "sha256"} | null,
     "device_tree": sha256 | null}

and beside it every blob once: ``{sha256: base64}``. What is named beside a blob is for readers; it
is read from the blobs again when the form is read.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from host_agent.firmware import acpi, device_tree, fw_cfg, smbios
from host_agent.firmware.smbios import Named
from host_agent.printable import printable

ANCHOR, SMBIOS = "etc/smbios/smbios-anchor", "etc/smbios/smbios-tables"
E820, RSDP, LOADER = "etc/e820", "etc/acpi/rsdp", "etc/table-loader"
FILES = ANCHOR, SMBIOS, E820, RSDP, LOADER
"""The files that are kept whole; ``etc/acpi/tables`` is kept table by table."""

AcpiTables = acpi.Tables
Blobs = dict[str, str]
"""SHA-256 → base64."""


class FingerprintError(ValueError):
    """The form is no fingerprint; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firmware:
    """The image of the firmware that the machine would start with."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """The parts of a probe."""

    options: tuple[str, ...]
    """QEMU's options that decided the tables."""
    directory: tuple[fw_cfg.File, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    acpi: AcpiTables | None = None
    memory_blocks: Mapping[str, int] = field(default_factory=dict)
    firmware: Firmware | None = None
    device_tree: bytes | None = None

    @property
    def smbios(self) -> bytes | None:
        """The SMBIOS tables; None where this machine hands its guest none."""
        return self.files.get(SMBIOS) or None

    @property
    def named(self) -> Named | None:
        """The fields that say what the machine is; None where there are no tables."""
        if self.smbios is None:
            return None
        source = "QEMU, probed"
        return smbios.parse(self.files.get(ANCHOR, b""), self.smbios, source).named


def digest(blob: bytes) -> str:
    """Return a blob's SHA-256 in hexadecimal digits."""
    return hashlib.sha256(blob).hexdigest()


def to_form(fingerprint: Fingerprint, blobs: Blobs) -> dict[str, Any]:
    """Return the form, and add what it refers to to ``blobs``."""
    tables = fingerprint.acpi
    covered = acpi.loader(fingerprint.files.get(LOADER, b"")).checksums
    return {
        "options": list(fingerprint.options),
        "directory": [
            {"name": file.name, "size": file.size, "key": file.key}
            for file in fingerprint.directory
        ],
        "files": {name: _kept(blob, blobs) for name, blob in sorted(fingerprint.files.items())},
        "acpi": [
            {
                "signature": table.signature,
                "offset": table.offset,
                "length": len(table.raw),
                "checksum": table.checksum(covered),
                **{name.lower().replace(" ", "_"): text for name, text in table.header.items()},
                "body_sha256": digest(table.body),
                "sha256": _kept(table.raw, blobs),
            }
            for table in (tables.tables if tables else ())
        ],
        "acpi_length": tables.length if tables else None,
        "memory_blocks": dict(sorted(fingerprint.memory_blocks.items())),
        "firmware": fingerprint.firmware
        and {"size": fingerprint.firmware.size, "sha256": fingerprint.firmware.sha256},
        "device_tree": None
        if fingerprint.device_tree is None
        else _kept(fingerprint.device_tree, blobs),
    }


def _kept(blob: bytes, blobs: Blobs) -> str:
    name = digest(blob)
    blobs[name] = base64.b64encode(blob).decode("ascii")
    return name


def decode_blobs(form: Any) -> dict[str, bytes]:
    """Read and verify the blobs; raises ``FingerprintError``."""
    if not isinstance(form, dict):
        raise FingerprintError("its blobs are no object")
    blobs = {}
    for name, text in form.items():
        try:
            blob = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError, TypeError) as error:
            raise FingerprintError(f"the blob {printable(str(name))[:16]} is no base64") from error
        if digest(blob) != name:
            raise FingerprintError(f"the blob {printable(str(name))[:16]} is damaged")
        blobs[name] = blob
    return blobs


def from_form(form: Any, blobs: Mapping[str, bytes]) -> Fingerprint:
    """Read the form; raises ``FingerprintError``."""
    try:
        files = {_text(name): blobs[sha256] for name, sha256 in form["files"].items()}
        length = form["acpi_length"]
        firmware, tree = form["firmware"], form["device_tree"]
        fingerprint = Fingerprint(
            options=tuple(_text(option) for option in _list(form["options"])),
            directory=tuple(
                fw_cfg.File(
                    name=_text(file["name"]), size=_number(file["size"]), key=_number(file["key"])
                )
                for file in _list(form["directory"])
            ),
            files=files,
            acpi=None if length is None else _acpi(form["acpi"], _number(length), blobs),
            memory_blocks={
                _text(name): _number(size) for name, size in form["memory_blocks"].items()
            },
            firmware=None
            if firmware is None
            else Firmware(size=_number(firmware["size"]), sha256=_text(firmware["sha256"])),
            device_tree=None if tree is None else blobs[tree],
        )
        # What can't be named or compared later is refused here.
        _ = fingerprint.named
        if fingerprint.device_tree is not None:
            device_tree.parse(fingerprint.device_tree)
    except (KeyError, TypeError, AttributeError) as error:
        raise FingerprintError(f"something is missing in it: {printable(str(error))}") from error
    except (acpi.AcpiError, smbios.SmbiosError, device_tree.DeviceTreeError) as error:
        raise FingerprintError(str(error)) from error
    return fingerprint


def _acpi(entries: Any, length: int, blobs: Mapping[str, bytes]) -> acpi.Tables:
    if length > acpi.MAX_BYTES:
        raise FingerprintError(f"ACPI tables of {length} bytes are none")
    tables = acpi.Tables(
        tables=tuple(
            acpi.Table(offset=_number(entry["offset"]), raw=blobs[entry["sha256"]])
            for entry in _list(entries)
        ),
        length=length,
    )
    if any(table.offset + len(table.raw) > length for table in tables.tables):
        raise FingerprintError(f"its ACPI tables do not fit into {length} bytes")
    # What is built must be what is parsed, or the offsets are not of these tables.
    if acpi.split(tables.build()) != tables:
        raise FingerprintError("its ACPI tables do not lie where it says")
    return tables


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"a list was expected, not {type(value).__name__}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text was expected, not {type(value).__name__}")
    return printable(value)


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"a number was expected, not {type(value).__name__} or a negative one")
    return value
