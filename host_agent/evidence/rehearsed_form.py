"""What a rehearsal found, as JSON to be kept, and read again. Pure.

The form is that of this schema, each run of bytes as base64::

    {"qemu", "accelerator", "as_domain", "smbios": [entry point, tables] | null,
     "masked": [[type, field]], "acpi": [[address, table]], "pci": [{function, device, ...}],
     "left_out": [{"what", "tables", "stand_in"}], "virtio": [{...}], "cpu": {...} | null,
     "memory": [[start, length, type]], "files": {name: bytes}, "blocks": {name: bytes}}
"""

import base64
import binascii
from dataclasses import asdict
from typing import Any, TypeVar

from host_agent.evidence.hardware import PciFunction
from host_agent.evidence.rehearsed import (
    CpuWord,
    NotRehearsed,
    Rehearsed,
    RehearsedCpu,
    RehearsedFunction,
    RehearsedVirtio,
)
from host_agent.firmware import smbios
from host_agent.firmware.acpi import MAX_BYTES, Table
from host_agent.firmware.fw_cfg import Range
from host_agent.firmware.smbios import SmbiosError

SOURCE = "QEMU itself, rehearsed"
_T = TypeVar("_T")


class RehearsedFormError(ValueError):
    """The form is no rehearsal's; the sentence says why."""


def to_form(found: Rehearsed) -> dict[str, Any]:
    """Return the form."""
    tables = found.smbios
    return {
        "qemu": found.qemu,
        "accelerator": found.accelerator,
        "as_domain": found.as_domain,
        "smbios": None if tables is None else [_text(tables.entry_point), _text(tables.tables)],
        "masked": sorted(found.masked),
        "acpi": [[table.offset, _text(table.raw)] for table in found.acpi],
        "pci": [asdict(one) for one in found.pci],
        "left_out": [{**asdict(one), "tables": sorted(one.tables)} for one in found.left_out],
        "virtio": [asdict(one) for one in found.virtio],
        "cpu": None if found.cpu is None else {**asdict(found.cpu), "words": found.cpu.words},
        "memory": [asdict(one) for one in found.memory],
        "files": dict(found.files),
        "blocks": dict(found.blocks),
    }


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def from_form(form: Any) -> Rehearsed:
    """Read the form; raises ``RehearsedFormError``."""
    try:
        kept = form["smbios"]
        return Rehearsed(
            qemu=_of(str, form["qemu"]),
            accelerator=_of(str, form["accelerator"]),
            as_domain=_of(bool, form["as_domain"]),
            smbios=None if kept is None else smbios.parse(_raw(kept[0]), _raw(kept[1]), SOURCE),
            masked=frozenset((_of(int, kind), _of(str, name)) for kind, name in form["masked"]),
            acpi=tuple(_table(*one) for one in form["acpi"]),
            pci=tuple(_function(**one) for one in form["pci"]),
            left_out=tuple(
                NotRehearsed(
                    what=_of(str, one["what"]),
                    tables=frozenset(_of(str, name) for name in one["tables"]),
                    stand_in=None if one["stand_in"] is None else _of(str, one["stand_in"]),
                )
                for one in form["left_out"]
            ),
            virtio=tuple(_virtio(**one) for one in form["virtio"]),
            cpu=None if form["cpu"] is None else _cpu(**form["cpu"]),
            memory=tuple(Range(**_numbers(one)) for one in form["memory"]),
            files=_numbers(form["files"]),
            blocks=_numbers(form["blocks"]),
        )
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise RehearsedFormError("something is missing in it, or of another kind") from error
    except (SmbiosError, binascii.Error, ValueError) as error:
        raise RehearsedFormError(str(error)) from error


def _of(kind: type[_T], value: Any) -> _T:
    if type(value) is not kind:
        raise TypeError
    return value


def _raw(text: Any) -> bytes:
    return base64.b64decode(_of(str, text), validate=True)


def _table(address: Any, text: Any) -> Table:
    raw = _raw(text)
    whole = len(raw) >= 36 and int.from_bytes(raw[4:8], "little") == len(raw) <= MAX_BYTES
    if not whole or not raw[:4].isalnum():
        raise RehearsedFormError("one of its ACPI tables is none")
    return Table(offset=_of(int, address), raw=raw)


def _function(function: Any, device: Any, multifunction: Any, index: Any) -> RehearsedFunction:
    address, bridge = function.pop("address"), function.pop("bridge")
    return RehearsedFunction(
        function=PciFunction(
            address=_of(str, address),
            bridge=None if bridge is None else _of(str, bridge),
            **_numbers(function),
        ),
        device=_of(str, device),
        multifunction=_of(bool, multifunction),
        index=_of(int, index),
    )


def _virtio(queues: Any, address: Any, device: Any, **numbers: Any) -> RehearsedVirtio:
    return RehearsedVirtio(
        address=_of(str, address),
        device=_of(str, device),
        queues=tuple(_of(int, entries) for entries in queues),
        **_numbers(numbers),
    )


def _cpu(vcpus: Any, words: Any, filtered: Any, **texts: Any) -> RehearsedCpu:
    return RehearsedCpu(
        vcpus=_of(int, vcpus),
        words=tuple(
            CpuWord(_of(int, leaf), _of(int, subleaf), _of(str, register), _of(int, bits))
            for leaf, subleaf, register, bits in words
        ),
        filtered=tuple(_of(str, feature) for feature in filtered),
        **{name: _of(str, text) for name, text in texts.items()},
    )


def _numbers(form: Any) -> dict[str, int]:
    return {name: _of(int, number) for name, number in form.items()}
