"""What an XML says of its TPM."""

from typing import Any

import pytest

from host_agent.domain.definition import parse
from host_agent.domain.tpm import Tpm

UUID = "00112233-4455-6677-8899-aabbccddeeff"
BELOW = f"/var/lib/libvirt/swtpm/{UUID}"
EMULATED: dict[str, Any] = {
    "model": "tpm-crb", "back_end": "emulator", "version": "2.0", "state": f"{BELOW}/tpm2",
    "kept": False,
}  # fmt: skip


def tpm(backend: str, model: str = "model='tpm-crb'") -> Tpm | None:
    devices = f"<devices><tpm {model}>{backend}</tpm></devices>"
    return parse(f"<domain><uuid>{UUID}</uuid>{devices}</domain>").tpm


@pytest.mark.parametrize(
    ("backend", "changed"),
    [
        ("<backend type='emulator' version='2.0'/>", {}),
        ("<backend type='emulator'/>", {"version": None}),
        ("<backend type='emulator' version='1.2'/>",
         {"version": "1.2", "state": f"{BELOW}/tpm1.2"}),
        ("<backend type='emulator' version='2.0' persistent_state='yes'/>", {"kept": True}),
        ("<backend type='emulator' version='2.0'><source type='file' path='/t/state'/></backend>",
         {"state": "/t/state"}),
        ("<backend type='passthrough'><device path='/dev/tpm0'/></backend>",
         {"back_end": "passthrough", "version": None, "state": None}),
        ("<backend type='external'><source type='unix' mode='connect' path='/s'/></backend>",
         {"back_end": "external", "version": None, "state": None}),
    ],
)  # fmt: skip
def test_a_tpm(backend: str, changed: dict[str, Any]) -> None:
    assert tpm(backend) == Tpm(**{**EMULATED, **changed})


def test_none() -> None:
    assert parse(f"<domain><uuid>{UUID}</uuid></domain>").tpm is None
    assert tpm("") is None
