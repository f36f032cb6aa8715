"""A rehearsal that is kept is read again as it was, to the last field; what is none is refused."""

import json
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any

import pytest

from host_agent.evidence import rehearsed_form
from host_agent.evidence.hardware import PciFunction
from host_agent.evidence.rehearsed import (
    CpuWord,
    NotRehearsed,
    Rehearsed,
    RehearsedCpu,
    RehearsedFunction,
    RehearsedVirtio,
)
from host_agent.evidence.rehearsed_form import SOURCE, RehearsedFormError
from host_agent.firmware import smbios
from host_agent.firmware.acpi import Table
from host_agent.firmware.fw_cfg import Range
from tests import smbios_builder

TABLE = b"DSDT" + (40).to_bytes(4, "little") + bytes(32)
FUNCTION = PciFunction(
    address="0000:01:02.0",
    bridge="0000:00:01.0",
    vendor=0x1AF4,
    device=0x1000,
    subsystem_vendor=0x1AF4,
    subsystem_device=1,
    revision=0,
    class_code=0x020000,
)
WHOLE = Rehearsed(
    qemu="10.0.13",
    accelerator="kvm",
    smbios=smbios.parse(b"anchor", smbios_builder.tables(), SOURCE),
    masked=frozenset({(4, "Processor ID")}),
    acpi=(Table(offset=0x1FFE0000, raw=TABLE),),
    pci=(RehearsedFunction(function=FUNCTION, device="net0", multifunction=True, index=3),),
    left_out=(
        NotRehearsed(what="tpm-crb tpm0", tables=frozenset({"TPM2", "DSDT"})),
        NotRehearsed(what="vfio-pci hostdev0", stand_in="hostdev0"),
    ),
    as_domain=True,
    virtio=(
        RehearsedVirtio(
            address="0000:01:02.0", device="net0", kind=1, features=1 << 63, queues=(1024, 64)
        ),
    ),
    cpu=RehearsedCpu(
        vcpus=2,
        vendor="AuthenticAMD",
        name="QEMU",
        revision="15-107-1",
        words=(CpuWord(7, 0, "EBX", 5),),
        filtered=("avx2",),
    ),
    memory=(Range(start=0, length=1 << 29, kind=1),),
    files={"etc/e820": 20},
    blocks={"pc.bios": 1 << 18},
)


def kept(found: Rehearsed) -> Any:
    return json.loads(json.dumps(rehearsed_form.to_form(found)))


def test_round_trip() -> None:
    assert rehearsed_form.from_form(kept(WHOLE)) == WHOLE
    # Nothing is left out of the form: each field has a value of its own here.
    for field in fields(Rehearsed):
        if field.default is not MISSING:
            assert getattr(WHOLE, field.name) != field.default, field.name


def test_what_there_is_not() -> None:
    bare = Rehearsed(
        qemu="7.2.22",
        accelerator="tcg",
        smbios=None,
        masked=frozenset(),
        acpi=(),
        pci=(),
        left_out=(),
        as_domain=False,
    )
    assert rehearsed_form.from_form(kept(bare)) == bare


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "nothing": lambda form: form.clear(),
    "an accelerator that is a number": lambda form: form.update(accelerator=7),
    "one table of a pair": lambda form: form.update(smbios=["AAAA"]),
    "no SMBIOS": lambda form: form.update(smbios=["AAAA", "AAAA"]),
    "no base64": lambda form: form.update(acpi=[[0, "?"]]),
    "a table of another length": lambda form: form.update(acpi=[[0, "RFNEVA=="]]),
    "a function without an address": lambda form: form["pci"][0]["function"].pop("address"),
    "a vendor that is a text": lambda form: form["pci"][0]["function"].update(vendor="1af4"),
    "another field": lambda form: form["virtio"][0].update(more=1),
    "a range that is a list": lambda form: form.update(memory=[[0, 1, 1]]),
    "a size that is true": lambda form: form.update(blocks={"pc.bios": True}),
    "words that are numbers": lambda form: form["cpu"].update(words=[1]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_none_is_refused(change: str) -> None:
    form = kept(WHOLE)
    CHANGES[change](form)
    with pytest.raises(RehearsedFormError):
        rehearsed_form.from_form(form)
