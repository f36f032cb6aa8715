"""What a guest will find on the destination, by two atlases."""

from dataclasses import replace
from typing import Any

import pytest

from host_agent.atlas.atlas import Atlas, Machine
from host_agent.atlas.processor import Processor
from host_agent.domain.devices import Devices
from host_agent.errors import UsageError
from host_agent.firmware.fingerprint import SMBIOS
from host_agent.migrate.forecast import forecast
from host_agent.missing import Missing, Reason
from tests import smbios_builder
from tests.fingerprint_builder import FILES, atlas, machine
from tests.unit.host_agent.shared.cases import DEFINITION, MACHINE

DEVICES = Devices(disks=(), passthrough=(), cpu="<cpu/>", cpu_mode="custom")
HERE = atlas(machine(MACHINE))
OTHER = atlas(machine(MACHINE, files=FILES | {SMBIOS: smbios_builder.tables(product="KVM")}))


def asked(_: str, __: tuple[str, ...]) -> Atlas:
    return HERE


def refused(_: str, __: tuple[str, ...]) -> Atlas:
    raise UsageError("this QEMU can't be asked")


@pytest.mark.parametrize(
    ("there", "ask", "changes", "reason", "words"),
    [
        (None, asked, {}, Reason.ABSENT, "no atlas of the destination"),
        (OTHER, None, {}, Reason.UNSUPPORTED, "only on its own host"),
        (OTHER, asked, {"emulator": None}, Reason.UNSUPPORTED, "only on its own host"),
        (OTHER, refused, {}, Reason.FAILED, "can't be asked"),
        (atlas(machine("pc-q35-9.0")), asked, {}, Reason.ABSENT, "no such machine type"),
    ],
)
def test_why_it_is_not_known(
    there: Atlas | None, ask: Any, changes: dict[str, Any], reason: Reason, words: str
) -> None:
    found = forecast(replace(DEFINITION, **changes), DEVICES, there, ask)
    assert isinstance(found, Missing)
    assert (found.reason, words in found.sentence) == (reason, True), found


def test_the_same_atlas_has_nothing_new() -> None:
    assert forecast(DEFINITION, DEVICES, HERE, asked) == ()


def test_what_differs_is_told() -> None:
    found = forecast(DEFINITION, DEVICES, OTHER, asked)
    assert isinstance(found, tuple)
    assert [(one.old, one.new) for one in found] == [
        ("'Standard PC (i440FX + PIIX, 1996)'", "'KVM'")
    ]


def test_of_a_processor_alone_nothing_is_known_of_a_domain() -> None:
    default = Processor(model="gen15a-base", features=frozenset({"vx"}))
    shown = atlas(Machine(name=MACHINE, error="it shows its guest no tables", processor=default))
    found = forecast(DEFINITION, DEVICES, shown, lambda *_: shown)
    assert isinstance(found, Missing)
    assert "no tables" in found.sentence
