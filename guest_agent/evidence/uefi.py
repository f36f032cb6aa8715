"""Group ``uefi``: secure boot, and a digest of each of its databases, as efivarfs shows them."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from guest_agent.errors import AbsenceReason, EvidenceError
from guest_agent.evidence.files import read_bytes
from samemachine.v1 import guest_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping

_EFI = "/sys/firmware/efi"
_VARIABLES = f"{_EFI}/efivars"
_GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
_IMAGE_SECURITY = "d719b2cb-3d3a-4596-a3bc-dad00e67656f"
_SWITCHES = "SecureBoot", "SetupMode"
_DATABASES = "PK", "KEK", "db", "dbx"
_VENDORS = {"db": _IMAGE_SECURITY, "dbx": _IMAGE_SECURITY}
_ATTRIBUTES = 4
"""Bytes before each variable's own (Linux filesystems/efivarfs.rst)."""


def parse(variables: "Mapping[str, bytes]") -> guest_pb2.Uefi:
    """Return the group of the variables' files, by the variables' names."""
    values = {name: raw[_ATTRIBUTES:] for name, raw in variables.items() if len(raw) > _ATTRIBUTES}
    return guest_pb2.Uefi(
        secure_boot=_switch(values.get("SecureBoot")),  # type: ignore[arg-type]  # an int
        setup_mode=_switch(values.get("SetupMode")),  # type: ignore[arg-type]  # an int
        databases=[
            guest_pb2.UefiDatabase(
                name=name,
                size_bytes=len(values[name]),
                sha256=hashlib.sha256(values[name]).digest(),
            )
            for name in _DATABASES
            if name in values
        ],
    )


def _switch(value: "bytes | None") -> int:
    known = {b"\0": guest_pb2.UEFI_SWITCH_OFF, b"\1": guest_pb2.UEFI_SWITCH_ON}
    return known.get(value or b"", guest_pb2.UEFI_SWITCH_UNSPECIFIED)


def read(root: Path = Path("/")) -> guest_pb2.Uefi:
    """Read the group; raises ``EvidenceError``."""
    if not (root / _EFI.lstrip("/")).exists():
        raise EvidenceError(AbsenceReason.ABSENT, "the guest did not boot by UEFI")
    if not any((root / _VARIABLES.lstrip("/")).glob(f"*-{_GLOBAL}")):
        raise EvidenceError(AbsenceReason.UNREADABLE, f"there is nothing mounted at {_VARIABLES}")
    found = {}
    for name in (*_SWITCHES, *_DATABASES):
        try:
            path = f"{_VARIABLES}/{name}-{_VENDORS.get(name, _GLOBAL)}"
            found[name] = read_bytes(root, path)
        except EvidenceError as error:
            if error.reason is not AbsenceReason.ABSENT:
                raise
    return parse(found)
