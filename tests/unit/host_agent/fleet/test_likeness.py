"""What QEMU shows a domain, without what is its own."""

import base64
from dataclasses import replace
from uuid import UUID

from host_agent.evidence.running import ProbedTables
from host_agent.fleet import likeness
from host_agent.fleet.likeness import Likeness
from host_agent.missing import Missing, Reason
from host_agent.qemu.options import from_command_line, to_text
from tests.unit.host_agent.shared.cases import PROBED, smbios

ONE = UUID("00112233-4455-6677-8899-aabbccddeeff")
OTHER = UUID("10112233-4455-6677-8899-aabbccddeef0")


def probed(uuid: UUID, memory: str = "512", product: str = "a machine") -> ProbedTables:
    command = ("qemu", "-machine", "pc-q35-7.2,accel=tcg", "-m", memory, "-uuid", str(uuid))
    options = from_command_line(command, "x86_64")
    tables = smbios(uuid=uuid, product=product)
    return replace(PROBED, smbios=tables, options=to_text(options))


def known(tables: ProbedTables) -> Likeness:
    found = likeness.of(tables)
    assert found is not None
    return found


def test_domains_of_one_shape_are_alike_whatever_their_uuid() -> None:
    assert known(probed(ONE)) == known(probed(OTHER))
    raw = base64.b64decode(known(probed(ONE)).tables)
    assert ONE.bytes not in raw
    assert ONE.bytes_le not in raw


def test_what_is_another_shape_and_what_is_shown_otherwise() -> None:
    one, wider, other = (
        known(probed(ONE)),
        known(probed(ONE, "1024")),
        known(probed(ONE, product="another")),
    )
    assert one.shape != wider.shape
    assert (one.shape, one.shown != other.shown) == (other.shape, True)
    with_acpi = known(replace(probed(ONE), parts=("ACPI DSDT: 8345 0123456789abcdef",)))
    assert (one.tables, one.shown != with_acpi.shown) == (with_acpi.tables, True)


def test_of_what_nothing_is_known() -> None:
    assert likeness.of(Missing(reason=Reason.ABSENT, sentence="no probe")) is None
    assert likeness.of(replace(probed(ONE), smbios=None)) is None
    assert likeness.of(replace(probed(ONE), options="no options")) is None
    assert likeness.of(replace(probed(ONE), masked=frozenset({(4, "ID")}))) is None
