"""The partitions of a domain's disks, read from their files."""

import os
import shutil
import subprocess
from pathlib import Path
from uuid import UUID

import pytest

from host_agent.case import disk_partitions
from host_agent.domain.disk_layers import Layer, LayeredDisk
from host_agent.evidence.partitions import Partitions
from host_agent.missing import Missing
from host_agent.qemu.disk_heads import partitions
from tests.gpt_disks import head

ONE, TWO = UUID(int=1), UUID(int=2)


def raw(target: str, path: str) -> LayeredDisk:
    return LayeredDisk(target=target, layers=(Layer(path=path, form="raw"),))


def test_raw_disks(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(head(ONE))
    (tmp_path / "b.raw").write_bytes(head(TWO) + bytes(4096))
    before = (tmp_path / "a.raw").stat()
    found = partitions([raw("vda", "/a.raw"), raw("vdb", "/b.raw")], tmp_path)
    assert found == Partitions(found=frozenset({ONE, TWO}))
    after = (tmp_path / "a.raw").stat()
    assert (before.st_mtime_ns, before.st_ctime_ns) == (after.st_mtime_ns, after.st_ctime_ns)


def test_what_can_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(head(ONE))
    (tmp_path / "torn.raw").write_bytes(head(TWO)[:2000])
    # Nobody waits for what a pipe will hold.
    os.mkfifo(tmp_path / "pipe")
    found = partitions(
        [
            raw("vda", "/a.raw"),
            raw("vdb", "/none.raw"),
            raw("vdc", "/torn.raw"),
            raw("vdd", "/pipe"),
            LayeredDisk(target="vde", layers=None),
            LayeredDisk(target="vdf", layers=(Layer(path="/a", form="vmdk"),)),
        ],
        tmp_path,
    )
    assert found.found == {ONE}
    assert found.unread == (
        "vdb: No such file or directory",
        "vdc: its partition table is damaged",
        "vdd: it is no file",
        "vde: its files and their formats are not all declared",
        "vdf: the format vmdk is not read",
    )


def test_more_disks_than_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(head(ONE))
    found = partitions([raw(f"vd{number}", "/a.raw") for number in range(65)], tmp_path)
    assert found.unread == ("vd64: there are too many disks",)


@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed")
def test_disks_in_qcow2(tmp_path: Path) -> None:
    base, top = tmp_path / "base.raw", tmp_path / "top.qcow2"
    base.write_bytes(head(ONE))
    made = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(base), str(top)]
    subprocess.run(made, check=True)
    layers = Layer(path=str(top), form="qcow2"), Layer(path=str(base), form="raw")
    whole, alone, other = (
        LayeredDisk(target="vda", layers=chain)
        for chain in (layers, layers[:1], (Layer(path=str(base), form="qcow2"),))
    )
    assert partitions([whole]) == Partitions(found=frozenset({ONE}))
    # What the image itself says of a file below it is not followed.
    assert partitions([alone]) == Partitions(found=frozenset())
    assert partitions([other]).unread == ("vda: qemu-img can't read it",)


def test_no_xml() -> None:
    assert isinstance(disk_partitions.of("<domain"), Missing)
    assert disk_partitions.of("<domain/>") == Partitions(found=frozenset())
