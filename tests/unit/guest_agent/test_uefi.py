"""The group uefi: what efivarfs has."""

import hashlib
from pathlib import Path

import pytest

from guest_agent.errors import AbsenceReason, EvidenceError
from guest_agent.evidence import uefi
from samemachine.v1 import guest_pb2
from tests.unit.guest_agent import trees

VARIABLES = "sys/firmware/efi/efivars"
GLOBAL, SECURITY = (
    "8be4df61-93ca-11d2-aa0d-00e098032b8c",
    "d719b2cb-3d3a-4596-a3bc-dad00e67656f",
)
ATTRIBUTES = b"\x27\0\0\0"


def variable(root: Path, name: str, value: bytes, vendor: str = GLOBAL) -> None:
    file = root / VARIABLES / f"{name}-{vendor}"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(ATTRIBUTES + value)


def test_what_is_there(tmp_path: Path) -> None:
    root = trees.guest(tmp_path)
    variable(root, "SecureBoot", b"\1")
    variable(root, "SetupMode", b"\0")
    variable(root, "PK", b"key")
    variable(root, "db", b"signatures", SECURITY)
    # Of another vendor it is another variable.
    variable(root, "dbx", b"others", GLOBAL)
    assert uefi.read(root) == guest_pb2.Uefi(
        secure_boot=guest_pb2.UEFI_SWITCH_ON,
        setup_mode=guest_pb2.UEFI_SWITCH_OFF,
        databases=[
            guest_pb2.UefiDatabase(
                name=name, size_bytes=len(value), sha256=hashlib.sha256(value).digest()
            )
            for name, value in (("PK", b"key"), ("db", b"signatures"))
        ],
    )


def test_what_is_no_switch_is_not_set(tmp_path: Path) -> None:
    root = trees.guest(tmp_path)
    variable(root, "SecureBoot", b"\2")
    variable(root, "SetupMode", b"")
    variable(root, "PK", b"")
    assert uefi.read(root) == guest_pb2.Uefi()


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        (None, AbsenceReason.ABSENT),
        ("sys/firmware/efi", AbsenceReason.UNREADABLE),
        (VARIABLES, AbsenceReason.UNREADABLE),
    ],
)
def test_what_is_not_there(tmp_path: Path, folder: str, reason: AbsenceReason) -> None:
    root = trees.guest(tmp_path)
    if folder is not None:
        (root / folder).mkdir(parents=True)
    with pytest.raises(EvidenceError) as raised:
        uefi.read(root)
    assert raised.value.reason is reason


def test_a_variable_that_is_too_long(tmp_path: Path) -> None:
    root = trees.guest(tmp_path)
    variable(root, "SecureBoot", b"\1")
    variable(root, "dbx", bytes(1 << 20), SECURITY)
    with pytest.raises(EvidenceError) as raised:
        uefi.read(root)
    assert raised.value.reason is AbsenceReason.FAILED
