"""What an XML says of its UEFI."""

from typing import Any

import pytest

from host_agent.domain.definition import parse
from host_agent.domain.uefi import Store, Uefi

UUID = "00112233-4455-6677-8899-aabbccddeeff"
RAW: dict[str, Any] = {"form": "raw", "template": None, "template_form": "raw"}


def uefi(os_elements: str, attributes: str = "firmware='efi'") -> Uefi | None:
    return parse(f"<domain><uuid>{UUID}</uuid><os {attributes}>{os_elements}</os></domain>").uefi


@pytest.mark.parametrize(
    ("nvram", "store"),
    [
        ("", None),
        ("<nvram/>", Store(path=None, **RAW)),
        ("<nvram>/n.fd</nvram>", Store(path="/n.fd", **RAW)),
        ("<nvram template='/t.fd'>/n.fd</nvram>",
         Store(path="/n.fd", form="raw", template="/t.fd", template_form="raw")),
        ("<nvram template='/t.fd' templateFormat='raw' format='qcow2'>/n.qcow2</nvram>",
         Store(path="/n.qcow2", form="qcow2", template="/t.fd", template_form="raw")),
        ("<nvram type='file'><source file='/n.fd'/></nvram>", Store(path="/n.fd", **RAW)),
        ("<nvram type='block'><source dev='/dev/vg/n'/></nvram>", Store(path="/dev/vg/n", **RAW)),
        ("<nvram type='network'><source protocol='nbd' name='n'/></nvram>",
         Store(path=None, elsewhere="network", **RAW)),
        ("<varstore template='/t.json' path='/n.json'/>",
         Store(path="/n.json", form="json", template="/t.json", template_form="json")),
    ],
)  # fmt: skip
def test_where_the_variables_are(nvram: str, store: Store | None) -> None:
    found = uefi(nvram)
    assert found is not None
    assert found.store == store


def test_what_it_says_of_secure_boot() -> None:
    assert uefi("") == Uefi(secure=None, secure_boot=None, enrolled_keys=None, store=None)
    features = "<feature enabled='yes' name='secure-boot'/><feature enabled='no' name='{}'/>"
    assert uefi(
        f"<loader secure='yes'/><firmware>{features.format('enrolled-keys')}</firmware>"
    ) == Uefi(secure=True, secure_boot=True, enrolled_keys=False, store=None)


def test_a_bios_has_none() -> None:
    assert uefi("<type arch='x86_64'>hvm</type>", "") is None
