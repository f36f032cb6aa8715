"""A report's decoded DMI, of guest agents of any age."""

import pytest

from host_agent.evidence import decode
from host_agent.firmware.smbios import Named
from samemachine.v1 import guest_pb2

DMIDECODE, SYSFS = guest_pb2.DMI_SOURCE_DMIDECODE, guest_pb2.DMI_SOURCE_SYSFS


@pytest.mark.parametrize(
    ("source", "text", "product"),
    [
        (DMIDECODE, "Standard PC", "Standard PC"),
        (DMIDECODE, "", None),
        # What the first guest agents made of a string of spaces.
        (DMIDECODE, "[]", None),
        (SYSFS, "[]", "[]"),
        (DMIDECODE, "a\u3164", "a\\u3164"),
    ],
)
def test_a_decoded_string(source: "guest_pb2.DmiSource", text: str, product: str | None) -> None:
    report = guest_pb2.Report(
        nonce=bytes(16),
        agent_version="0.1.0",
        dmi=guest_pb2.Dmi(source=source, system_product=text),
    )
    dmi = decode.decode(report, bytes(16), 0.1, received=1.0).dmi
    assert isinstance(dmi, Named)
    assert dmi.product == product
