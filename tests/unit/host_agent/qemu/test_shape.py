"""What domains share of QEMU's options, and what is put back for each."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.firmware.acpi import Table, Tables
from host_agent.qemu import shape
from host_agent.qemu.options import ProbeOptions

ONE = UUID("00112233-4455-6677-8899-aabbccddeeff")
OTHER = UUID("10112233-4455-6677-8899-aabbccddeef0")
TYPE_1 = "type=1,manufacturer=A,,B,product=OpenStack Nova,serial={serial},uuid={uuid},family=VM"


def options(*arguments: str) -> ProbeOptions:
    return ProbeOptions(
        architecture="x86_64", machine="pc-q35-7.2", accelerator="tcg", arguments=arguments
    )


def domain(uuid: UUID, serial: str, *more: str) -> ProbeOptions:
    type_1 = TYPE_1.format(serial=serial, uuid=uuid)
    return options("-m", "512", "-uuid", str(uuid), "-smbios", type_1, *more)


def test_two_of_one_shape() -> None:
    one, other = (
        shape.of(domain(uuid, serial, "-smbios", f"type=11,value=first,value={value}"))
        for uuid, serial, value in (
            (ONE, "serial-one", "instance=i-0123,,4"),
            (OTHER, "serial-two", "instance=i-5678,,9"),
        )
    )
    assert one.options == other.options
    assert one.uuid == ONE
    assert [own for _, own in other.texts] == [b"serial-two", b"instance=i-5678,9"]
    assert all(len(stand_in) == len(own) for stand_in, own in one.texts)
    # What all have stays, and so does a text that is too short to be told from others.
    assert "manufacturer=A,,B" in one.options.arguments[5]
    assert "value=first" in one.options.arguments[7]


@pytest.mark.parametrize(
    "other",
    [
        domain(OTHER, "serial-10"),
        domain(OTHER, "short"),
        options("-m", "1024", "-uuid", str(ONE)),
        # Two UUIDs, and which of them is shown is QEMU's business.
        options("-uuid", str(ONE), "-smbios", f"type=1,uuid={OTHER}"),
        options("-uuid", str(ONE).upper()),
    ],
)
def test_others_are_of_another_shape(other: ProbeOptions) -> None:
    assert shape.of(other).options != shape.of(domain(ONE, "serial-one")).options


def stand_ins(own: shape.Shape) -> bytes:
    return b"\0".join(stand_in for stand_in, _ in own.texts) + b"\0"


@pytest.mark.parametrize("way", ["bytes", "bytes_le"])
def test_each_gets_its_own_back(way: str) -> None:
    own = shape.of(domain(ONE, "serial-one", "-smbios", "type=3,asset=rack seven"))
    uuid = getattr(shape._STAND_IN, way)
    found = shape.filled({"tables": b"T" + uuid + stand_ins(own), "other": b"x"}, None, own)
    assert found is not None
    assert found["tables"] == b"T" + getattr(ONE, way) + b"serial-one\0rack seven\0"
    assert found["other"] == b"x"


OWN = shape.of(domain(ONE, "serial-one"))
UUIDS = shape._STAND_IN.bytes, shape._STAND_IN.bytes_le


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"tables": UUIDS[1]},
        {"tables": UUIDS[1] + stand_ins(OWN) * 2},
        {"tables": UUIDS[1] + stand_ins(OWN), "other": stand_ins(OWN)},
        {"tables": UUIDS[0] + UUIDS[1] + stand_ins(OWN)},
        {"tables": UUIDS[1] * 2 + stand_ins(OWN)},
        # Cut, or continued.
        {"tables": UUIDS[1] + stand_ins(OWN)[:-1]},
        {"tables": UUIDS[1] + stand_ins(OWN)[:-1] + b"x\0"},
    ],
)
def test_nothing_is_put_where_it_is_not_clear_where(files: dict[str, bytes]) -> None:
    assert shape.filled(files, None, OWN) is None


def test_a_firmware_that_makes_the_tables_is_told_the_uuid_elsewhere() -> None:
    assert shape.filled({"x": b"y"}, None, shape.of(options("-uuid", str(ONE)))) == {"x": b"y"}


def test_acpi_has_none_of_it() -> None:
    own = shape.of(options("-uuid", str(ONE)))
    table = Table(offset=0, raw=b"SSDT" + bytes(32) + UUIDS[1])
    tables = Tables(tables=(table,), length=52)
    assert shape.filled({"tables": UUIDS[1]}, tables, own) is None


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)))
def test_whatever_is_given(values: list[str]) -> None:
    escaped = ",".join(f"value={value.replace(',', ',,')}" for value in values)
    given_ = options("-smbios", f"type=11,{escaped}")
    own = shape.of(given_)
    raw = own.options.arguments[1].encode().replace(b",value=", b"\0").replace(b",,", b",") + b"\0"
    wanted = given_.arguments[1].encode().replace(b",value=", b"\0").replace(b",,", b",") + b"\0"
    found = shape.filled({"tables": raw}, None, own)
    # An owner's text may hold what looks like a stand-in: it is then probed for itself.
    assert found in ({"tables": wanted}, None)
    assert found is not None or "own-" in escaped
