"""Where a firmware's variables are."""

import json
from typing import Any

import pytest

from host_agent.domain.uefi import Store, Uefi
from host_agent.missing import Missing, Reason
from host_agent.qemu.nvram_place import Place, declared, of_command_line


def blockdev(**node: Any) -> tuple[str, str]:
    return "-blockdev", json.dumps(node)


FILE = blockdev(**{"driver": "file", "filename": "/n,1.fd", "node-name": "libvirt-pflash1-storage"})
MACHINE = "-machine", "pc-q35-7.2,pflash0=a,pflash1=libvirt-pflash1-format"


def format_of(driver: str) -> tuple[str, str]:
    node = {"driver": driver, "file": "libvirt-pflash1-storage"}
    return blockdev(**node, **{"node-name": "libvirt-pflash1-format", "read-only": False})


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ((*MACHINE, *FILE, *format_of("raw")), Place(path="/n,1.fd", form="raw")),
        ((*MACHINE, *FILE, *format_of("qcow2")), Place(path="/n,1.fd", form="qcow2")),
        (("-drive", "file=/c.fd,if=pflash,unit=0,readonly=on", "-drive",
          "file=/n,,1.fd,if=pflash,format=raw,unit=1"), Place(path="/n,1.fd", form="raw")),
        (("-device", "uefi-vars-x64,jsonfile=/n.json"), Place(path="/n.json", form="json")),
        (("-device", json.dumps({"driver": "uefi-vars-sysbus", "jsonfile": "/n.json"})),
         Place(path="/n.json", form="json")),
    ],
)  # fmt: skip
def test_of_what_runs(words: tuple[str, ...], place: Place) -> None:
    assert of_command_line(("qemu", *words)) == place


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("-machine", "pc"), Reason.ABSENT),
        (("-device", "uefi-vars-x64"), Reason.ABSENT),
        (("-drive", "file=/d,if=virtio"), Reason.ABSENT),
        (("-machine", "q35,pflash1=nonesuch"), Reason.UNSUPPORTED),
        ((*MACHINE, *format_of("raw"), *blockdev(**{
            "driver": "nbd", "node-name": "libvirt-pflash1-storage"})), Reason.UNSUPPORTED),
        ((*MACHINE, *format_of("vmdk")), Reason.UNSUPPORTED),
        ((*MACHINE, *blockdev(**{"driver": "raw", "file": "libvirt-pflash1-format",
                                 "node-name": "libvirt-pflash1-format"})), Reason.UNSUPPORTED),
        (("-device", "uefi-vars-x64,jsonfile=relative"), Reason.UNSUPPORTED),
        (("-device", "{broken"), Reason.FAILED),
    ],
)  # fmt: skip
def test_of_what_is_none(words: tuple[str, ...], reason: Reason) -> None:
    found = of_command_line(("qemu", *words))
    assert isinstance(found, Missing)
    assert found.reason is reason


def uefi(path: str | None, form: str = "raw", elsewhere: str | None = None) -> Uefi:
    store = Store(path=path, form=form, template=None, template_form=form, elsewhere=elsewhere)
    return Uefi(secure=None, secure_boot=None, enrolled_keys=None, store=store)


def test_of_what_is_declared() -> None:
    assert declared(uefi("/n.fd")) == Place(path="/n.fd", form="raw")
    for one, word in (
        (uefi(None), "has not made a store"),
        (uefi(None, elsewhere="network"), "'network', which is not read"),
        (uefi("/n.fd", "vmdk"), "no file of a form that is read"),
        (Uefi(secure=None, secure_boot=None, enrolled_keys=None, store=None), "has no store"),
    ):
        found = declared(one)
        assert isinstance(found, Missing)
        assert word in found.sentence
