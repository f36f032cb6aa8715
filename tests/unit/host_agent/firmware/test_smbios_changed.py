"""What differs between two structures is the same, read in full or where they differ."""

from hypothesis import given
from hypothesis import strategies as st

from host_agent.firmware.smbios import Structure
from host_agent.firmware.smbios_diff import MOST, differences
from host_agent.firmware.smbios_fields import changed, values
from tests import smbios_builder

KINDS = st.sampled_from([0, 1, 2, 3, 4, 7, 11, 16, 17, 19, 32, 38, 41, 127, 221])
STRINGS = st.lists(st.sampled_from([b"a", b"b", b"QEMU"]), max_size=4).map(tuple)


@st.composite
def structures(draw: st.DrawFn) -> tuple[Structure, Structure]:
    kind, length, strings = draw(KINDS), draw(st.integers(4, 60)), draw(STRINGS)
    body = bytearray(draw(st.binary(min_size=length - 4, max_size=length - 4)))
    made = []
    for handle in draw(st.lists(st.sampled_from([1, 2]), min_size=2, max_size=2)):
        for place in draw(st.lists(st.integers(0, max(0, length - 5)), max_size=3)):
            if body:
                body[place] = draw(st.integers(0, 5))
        formatted = bytes([kind, length]) + handle.to_bytes(2, "little") + bytes(body)
        made.append(Structure(type=kind, handle=handle, formatted=formatted, strings=strings))
    return made[0], made[1]


@given(structures())
def test_it_is_what_all_values_say(pair: tuple[Structure, Structure]) -> None:
    found = changed(*pair)
    if found is None:
        return
    one, two = map(values, pair)
    assert found == [
        (name, one.get(name, "absent"), two.get(name, "absent"))
        for name in one | two
        if one.get(name) != two.get(name)
    ]


def test_some_dozens_are_told_and_the_rest_counted() -> None:
    old, new = (
        b"".join(
            smbios_builder.structure(17, number, bytes([mark, number, 0, 0]) + bytes(18))
            for number in range(200)
        )
        + smbios_builder.tables()
        for mark in (1, 2)
    )
    found = differences(old, new)
    assert len(found) == MOST + 2
    assert str(found[-1]) == "SMBIOS and more: structures as they were -> others (151 times)"
    assert differences(old, old) == ()
