"""Which files a command line's disks have, and what stands in their places."""

import json
from typing import Any

import pytest

from host_agent.domain.disk_layers import Layer
from host_agent.qemu.rehearsal_disks import Copy, Disk, disks, with_copies
from host_agent.qemu.rehearsal_options import from_domain

STORAGE = {"driver": "file", "filename": "/images/vm.qcow2", "node-name": "s"}
BASE = {"driver": "host_device", "filename": "/dev/vg/base", "node-name": "b"}


def line(*nodes: dict[str, Any], drive: str = "f") -> tuple[str, ...]:
    words = [word for node in nodes for word in ("-blockdev", json.dumps(node))]
    device = json.dumps({"driver": "virtio-blk-pci", "drive": drive, "id": "virtio-disk0"})
    return ("qemu", "-machine", "q35", "-m", "64", *words, "-device", device)


def node(form: str, file: object = "s", **more: object) -> dict[str, Any]:
    return {"driver": form, "file": file, "node-name": "f", **more}


@pytest.mark.parametrize(
    ("arguments", "layers"),
    [
        (line(STORAGE, node("raw")), [("/images/vm.qcow2", "raw")]),
        (line(BASE, drive="b"), [("/dev/vg/base", "raw")]),
        (line(STORAGE, node("qcow2", backing=None)), [("/images/vm.qcow2", "qcow2")]),
        (
            line(
                STORAGE, BASE, node("qcow2", backing="r"),
                {"driver": "raw", "file": "b", "node-name": "r"},
            ),
            [("/images/vm.qcow2", "qcow2"), ("/dev/vg/base", "raw")],
        ),
        # In place, and with what only lets through.
        (line(node("raw", {"driver": "throttle", "file": STORAGE})), [("/images/vm.qcow2", "raw")]),
        (
            line(STORAGE, node("raw"), {"driver": "copy-on-read", "file": "f", "node-name": "c"},
                 drive="c"),
            [("/images/vm.qcow2", "raw")],
        ),
    ],
)  # fmt: skip
def test_its_files(arguments: tuple[str, ...], layers: list[tuple[str, str]]) -> None:
    found = tuple(Layer(path=path, form=form) for path, form in layers)
    drive = json.loads(arguments[-1])["drive"]
    assert disks(arguments) == (Disk(drive=drive, device="virtio-disk0", layers=found),)


@pytest.mark.parametrize(
    "arguments",
    [
        line(),
        line(STORAGE, node("qcow2")),
        line(STORAGE, node("raw", offset=512)),
        line(STORAGE, node("qcow2", backing=None, encrypt={"format": "luks"})),
        line({"driver": "nbd", "node-name": "s"}, node("raw")),
        line({**STORAGE, "filename": "relative"}, node("raw")),
        line(node("raw", "f")),
        line({"driver": "throttle", "file": "t", "node-name": "t"}, drive="t"),
        line(node("raw", 5)),
        ("qemu", "-device", "virtio-blk-pci,drive=gone,id=d"),
    ],
)
def test_what_is_not_told(arguments: tuple[str, ...]) -> None:
    assert disks(arguments) == ()


def test_copies_stand_in_their_places() -> None:
    arguments = line(STORAGE, node("raw", **{"read-only": True}))
    options = from_domain(arguments, "x86_64")
    assert with_copies(options, {}) == options
    found = with_copies(options, {"f": Copy(writable=7, readable=8)}).devices
    assert found[:4] == ("-add-fd", "fd=7,set=930", "-add-fd", "fd=8,set=930")
    made = json.loads(found[found.index("-blockdev") + 1])
    assert (made["driver"], made["node-name"], made["read-only"]) == ("raw", "f", True)
    assert made["file"]["filename"] == "/dev/fdset/930"
    assert found[-2:] == options.devices[-2:]
