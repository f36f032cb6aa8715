"""Strange and hostile trees: every group is there or named, and the report stays within 1 MiB."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from guest_agent.report import GROUPS, MAX_REPORT_BYTES, field_of, gather, readers
from samemachine.v1 import guest_pb2
from tests.unit.guest_agent import trees
from tests.unit.guest_agent.test_devices import function

NONCE = b"n" * 32


def leaves(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]


def huge(root: Path) -> None:
    for path in leaves(root):
        with path.open("r+b") as file:
            file.truncate(1 << 30)


def empty(root: Path) -> None:
    for path in leaves(root):
        path.write_bytes(b"")


def noise(root: Path) -> None:
    for path in leaves(root):
        path.write_bytes(b"\xff\x00\x1b[2J\n" * 100)


def gone(root: Path) -> None:
    for path in leaves(root):
        path.unlink()


def folders(root: Path) -> None:
    for path in leaves(root):
        path.unlink()
        path.mkdir()


def pipes(root: Path) -> None:
    for path in leaves(root):
        path.unlink()
        os.mkfifo(path)


def loops(root: Path) -> None:
    for path in [path for path in root.rglob("*") if path.is_symlink()]:
        path.unlink()
        path.symlink_to(path.name)


def dangling(root: Path) -> None:
    shutil.rmtree(root / "sys/devices/pci0000:00")


def outside(root: Path) -> None:
    for path in [path for path in root.rglob("*") if path.is_symlink()]:
        path.unlink()
        path.symlink_to("/etc")


def names_of_no_language(root: Path) -> None:
    for folder in ("sys/class/net", "sys/block", "sys/bus/pci/devices", "sys/bus/virtio/devices"):
        for source in list((root / folder).iterdir())[:3]:
            if source.is_symlink():
                strange = os.fsdecode(b"\xff\n\x1b" + os.fsencode(source.name))
                (source.parent / strange).symlink_to(source.readlink())
    driver = next((root / "sys/devices/pci0000:00").rglob("virtio0")) / "driver"
    driver.unlink()
    driver.symlink_to(os.fsdecode(b"../../\xff\xff"))


def three_thousand_devices(root: Path) -> None:
    for number in range(3000):
        address = f"{number // 8192:04x}:{number // 256:02x}:{number // 8 % 32:02x}.{number % 8}"
        shutil.rmtree(root / f"sys/devices/pci0000:00/{address}", ignore_errors=True)
        (root / f"sys/bus/pci/devices/{address}").unlink(missing_ok=True)
        function(root, address)


def too_many_names(root: Path) -> None:
    for folder in (
        "sys/class/net",
        "sys/block",
        "sys/bus/pci/devices",
        "sys/bus/virtio/devices",
        "sys/firmware/acpi/tables",
    ):
        for number in range(5000):
            (root / folder / f"x{number}").symlink_to("nothing")


TREES = [
    huge, empty, noise, gone, folders, pipes, loops, dangling, outside, names_of_no_language,
    three_thousand_devices, too_many_names,
]  # fmt: skip


@pytest.mark.parametrize("spoil", TREES, ids=lambda spoil: spoil.__name__)
def test_a_strange_tree_gives_groups_or_reasons(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    root = trees.guest(trees.captured(tmp_path, "q35").root)
    spoil(root)
    report = gather(NONCE, readers(root))
    raw = report.SerializeToString()
    assert len(raw) <= MAX_REPORT_BYTES
    named = {field_of(guest_pb2.EvidenceGroup.Name(absence.group)) for absence in report.absences}
    there = {field_of(group) for group in GROUPS if report.HasField(field_of(group))}
    assert not named & there
    assert named | there == {field_of(group) for group in GROUPS}
    # A reader's own words, never those of an exception that nobody thought of.
    for absence in report.absences:
        assert "the reader failed" not in absence.detail


def test_three_thousand_functions_are_all_there(tmp_path: Path) -> None:
    root = trees.captured(tmp_path, "q35").root
    three_thousand_devices(root)
    report = gather(NONCE, readers(root), [guest_pb2.EVIDENCE_GROUP_PCI])
    assert len(report.pci.functions) >= 3000
