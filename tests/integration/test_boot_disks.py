"""Copies of what a firmware boots from: of real images, by qemu-img where it must be."""

import os
import shutil
import subprocess
from pathlib import Path
from uuid import UUID

import pytest

from host_agent.domain.disk_layers import Layer
from host_agent.qemu import boot_disks
from host_agent.qemu.rehearsal_disks import Disk
from tests.gpt_disks import head

ONE = UUID(int=1)
SECTOR = 512
BEGIN, LENGTH, SIZE = 2048 * SECTOR, 2048 * SECTOR, 8192 * SECTOR
DATA = b"loader".ljust(70_000, b"x")


def image(place: Path) -> Path:
    """Make a disk whose EFI system partition has data at its begin and at its end."""
    with place.open("wb") as file:
        file.write(head(ONE))
        file.seek(BEGIN)
        file.write(DATA)
        file.seek(BEGIN + LENGTH - 4)
        file.write(b"last")
        # Beside it lies what is nobody's business.
        file.write(b"secret")
        file.truncate(SIZE)
    return place


def disk(*layers: tuple[Path, str], name: str = "virtio-disk0") -> Disk:
    found = tuple(Layer(path=str(path), form=form) for path, form in layers)
    return Disk(drive=f"drive-{name}", device=name, layers=found)


def content(descriptor: int) -> bytes:
    return os.pread(descriptor, SIZE + 1, 0)


def expected() -> bytes:
    partition = DATA.ljust(LENGTH - 4, b"\0") + b"last"
    return (head(ONE) + partition).ljust(SIZE, b"\0")


def test_a_raw_disk(tmp_path: Path) -> None:
    file = image(tmp_path / "a.raw")
    before = file.stat()
    one = disk((file, "raw"))
    with boot_disks.copied([one], Path("/")) as found:
        copy = found.of([one])[one.drive]
        assert content(copy.readable) == expected()
        # What is zeros takes no memory, and nobody can write to it.
        assert os.fstat(copy.writable).st_blocks * 512 < (1 << 20) + (1 << 18)
        with pytest.raises(PermissionError):
            os.pwrite(copy.writable, b"x", 0)
        # By its device in another command line, whose files are not here.
        elsewhere = disk((Path("/there.raw"), "raw"))
        assert found.of([elsewhere]) == {elsewhere.drive: copy}
    after = file.stat()
    assert (before.st_mtime_ns, before.st_ctime_ns) == (after.st_mtime_ns, after.st_ctime_ns)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(copy.writable)


@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="there is no qemu-img")
def test_a_disk_in_qcow2(tmp_path: Path) -> None:
    base, top = image(tmp_path / "base.raw"), tmp_path / "top.qcow2"
    made = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(base), str(top)]
    subprocess.run(made, check=True)
    one = disk((top, "qcow2"), (base, "raw"))
    with boot_disks.copied([one], Path("/")) as found:
        assert found.unread == ()
        assert content(found.of([one])[one.drive].readable) == expected()


def test_what_is_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = image(tmp_path / "a.raw")
    plain = tmp_path / "plain.raw"
    plain.write_bytes(bytes(1 << 20))
    huge = tmp_path / "huge.raw"
    huge.write_bytes(head(ONE, end=1 << 40, last=1 << 44))
    fat = tmp_path / "fat.raw"
    fat.write_bytes(head(ONE, end=(1 << 23) - 1, last=1 << 24))
    disks = [
        disk((plain, "raw"), name="plain"),
        disk((tmp_path / "none", "raw"), name="none"),
        disk((tmp_path, "raw"), name="folder"),
        disk((file, "vmdk"), name="vmdk"),
        disk((huge, "raw"), name="huge"),
        disk((fat, "raw"), name="fat"),
    ]
    with boot_disks.copied(disks, Path("/")) as found:
        assert found.by_device == {}
        assert found.unread == (
            "none: No such file or directory",
            "folder: it is no file",
            "vmdk: the format vmdk is not read",
            "huge: its EFI system partitions have more than 2 GiB",
            "fat: its EFI system partitions have more than 2 GiB",
        )
    monkeypatch.setattr(boot_disks, "_MOST_DATA", (1 << 20) + (1 << 16))
    with boot_disks.copied([disk((file, "raw"))], Path("/")) as found:
        assert found.unread == ("virtio-disk0: it holds more than is copied",)
    monkeypatch.setattr(boot_disks, "_MOST_DISKS", 0)
    with boot_disks.copied([disk((file, "raw"))], Path("/")) as found:
        assert found.unread == ("virtio-disk0: there are too many disks",)
