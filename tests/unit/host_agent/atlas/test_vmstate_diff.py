"""What a second QEMU makes of a device's state: a row for each rule of QEMU's."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.atlas.vmstate_diff import Change, Kind, Reading, changes
from tests.vmstate_builder import Form, description, field, state

REFUSED, MISREAD, DEPENDS, READ = (
    Reading.REFUSED, Reading.MISREAD, Reading.DEPENDS, Reading.READ,
)  # fmt: skip


def one(*fields: Form, name: str = "e1000", **more: Any) -> Form:
    return description(name, *fields, **more)


def part(*fields: Form, guarded: bool = False, version: int = 1) -> Form:
    inner = description("Part", *fields, version=version)
    return field("part", 99, guarded=guarded, parts=inner)


A, B, C = field("a"), field("b", 2), field("c", 8)
MAYBE = field("m", 2, guarded=True)
SUB = description("e1000/sub", A)
NEW = field("n", 8, version=2)

Rows = list[tuple[str, Form, Form, list[tuple[Kind, Reading, str]]]]
V, F, S = Kind.VERSION, Kind.FIELDS, Kind.SUBSECTION
ROWS: Rows = [
    ("the same", one(A, MAYBE), one(A, MAYBE), []),
    ("another name of a field", one(A), one(field("z")), []),
    ("put into a part", one(A, B, C), one(A, part(B, C)), []),
    ("two of two for one of four", one(A, B, B), one(A, A), []),
    ("only its size in QEMU's memory", one(field("p", 10, parts=description("P", A))),
     one(field("p", 20, parts=description("P", A))), []),
    ("nothing whose size is known", one(A), one(A, field("x", 0)), []),
    ("newer", one(A, version=3), one(A, version=2),
     [(V, REFUSED, "sends version 3, and 2 is the newest there")]),
    ("too old", one(A, version=1), one(A, version=3, minimum=2),
     [(V, REFUSED, "sends version 1, and 2 is the oldest that is taken")]),
    ("newer there, and taken", one(A), one(A, NEW, version=2),
     [(V, READ, "version 1 (from 1) here, 2 (from 1) there")]),
    ("a higher minimum", one(A, version=2), one(A, version=2, minimum=2), [(V, READ, "from 2")]),
    ("under another name", one(A), one(A, name="e1000e"),
     [(Kind.NAME, REFUSED, "sent as 'e1000', known there as 'e1000e'")]),
    ("one more, of no version", one(A, C), one(A, B, C),
     [(F, MISREAD, "not sent from here, but read there: b (2 bytes)")]),
    ("one less", one(A, B, C), one(A, C), [(F, MISREAD, "not read there: b (2 bytes)")]),
    ("resized", one(A, B), one(A, field("b", 8)),
     [(F, MISREAD, "b (2 bytes) here, b (8 bytes) there")]),
    ("in a part", one(A, part(B)), one(A, part(B, C)),
     [(F, MISREAD, "not sent from here, but read there: part.c (8 bytes)")]),
    # A part's version is not sent: what is of a newer one is read all the same.
    ("in a part, of its newer version", one(part(A)), one(part(A, NEW, version=2)),
     [(F, MISREAD, "part.n (8 bytes)")]),
    ("guarded, not read there", one(A, MAYBE), one(A),
     [(F, DEPENDS, "not read there: m (2 bytes, guarded)")]),
    ("guarded, not sent from here", one(A), one(A, MAYBE), [(F, READ, "m (2 bytes, guarded)")]),
    # Where there is a guard, the version says nothing.
    ("guarded, of a newer version", one(A), one(A, field("m", 2, version=9, guarded=True)),
     [(F, READ, "m (2 bytes, guarded)")]),
    ("in a guarded part", one(A, part(B, guarded=True)), one(A), [(F, DEPENDS, "part.b (2 bytes")]),
    ("guarded no more", one(A, MAYBE), one(A, field("m", 2)), [(F, READ, "m (2 bytes) there")]),
    ("another, guarded", one(A), one(field("x", 3, guarded=True), field("y", 1, guarded=True)),
     [(F, READ, "a (4 bytes) here")]),
    ("a subsection that is not known", one(A, subsections=(SUB,)), one(A),
     [(S, DEPENDS, "subsection e1000/sub, which is not known there")]),
    ("a subsection more", one(A), one(A, subsections=(SUB,)),
     [(S, READ, "subsections that are not sent from here: e1000/sub")]),
    ("a subsection in a subsection", one(A, subsections=(description("x", subsections=(SUB,)),)),
     one(A, subsections=(description("x"),)), [(S, DEPENDS, "subsection e1000/sub, which")]),
    ("of a part", one(field("p", parts=description("P", A, subsections=(SUB,)))),
     one(field("p", parts=description("P", A))), [(S, DEPENDS, "subsection e1000/sub, which")]),
    ("a subsection of a newer version",
     one(A, subsections=(description("e1000/sub", A, version=2),)), one(A, subsections=(SUB,)),
     [(S, DEPENDS, "subsection e1000/sub: sends version 2, and 1 is the newest there")]),
    ("a subsection with more", one(A, subsections=(SUB,)),
     one(A, subsections=(description("e1000/sub", A, B),)),
     [(S, DEPENDS, "subsection e1000/sub: not sent from here, but read there: b")]),
    ("all at once", one(A, B, version=3, subsections=(SUB,)), one(A, name="x"),
     [(Kind.NAME, REFUSED, "'x'"), (V, REFUSED, "version 3"), (F, MISREAD, "b (2 bytes)"),
      (S, DEPENDS, "e1000/sub")]),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "known", "told"), [pytest.param(*row[1:], id=row[0])
                                                      for row in ROWS])  # fmt: skip
def test_each_rule(sent: Form, known: Form, told: list[tuple[Kind, Reading, str]]) -> None:
    found = changes(state(e1000=sent), state(e1000=known)).get("e1000", ())
    assert [(change.kind, change.reading) for change in found] == [row[:2] for row in told]
    for change, (_, _, said) in zip(found, told, strict=True):
        assert said in change.what


def test_a_device_that_is_not_described_there() -> None:
    found = changes(state(e1000=one(A), qxl=description("qxl", A)), state(e1000=one(A)))
    assert [(c.kind, c.reading) for c in found.pop("qxl")] == [(Kind.DEVICE, DEPENDS)]
    assert found == {}


def test_a_device_of_another_name_sends_the_same() -> None:
    """QEMU 5.2's "ICH9 SMB" is 7.2's "ICH9-SMB"; what is sent is named ich9_smb by both."""
    old, new = state(old_name=description("smb", A)), state(new_name=description("smb", A))
    assert changes(old, new) == {}
    # One that both have is another device.
    both = state(old_name=description("smb", A), new_name=description("smb", A))
    assert changes(both, new) == {"old-name": changes(both, new)["old-name"]}


def test_lengths_of_arrays_that_one_side_does_not_tell() -> None:
    """Five of one byte look like one byte to QEMU 8.0 and older, and like five in one to others."""
    old = state(e1000=one(field("pending", 1), A))
    new = state(e1000=one(field("unused", 5), field("a", 4, number=1)))
    assert changes(old, new) == {}
    told = state(e1000=one(field("pending", 1, number=4), A))
    assert [c.reading for c in changes(told, new)["e1000"]] == [MISREAD]


def test_much_in_between_is_told_in_one() -> None:
    ours = [field(f"x{n}", n % 7 + 1) for n in range(300)]
    theirs = [field(f"y{n}", n % 5 + 1) for n in range(300)]
    (change,) = changes(state(e1000=one(*ours)), state(e1000=one(*theirs)))["e1000"]
    assert "and 29" in change.what
    assert change.reading is MISREAD


FIELDS = st.lists(
    st.builds(
        field,
        st.sampled_from("abc"),
        st.integers(0, 4),
        version=st.integers(0, 3),
        guarded=st.booleans(),
        number=st.none() | st.integers(1, 3),
    ),
    max_size=6,
)
DEVICES = st.builds(
    lambda fields, version, name, of: description(
        name, *fields, version=version, subsections=tuple(of)
    ),
    FIELDS,
    st.integers(0, 3),
    st.sampled_from(["e1000", "x"]),
    st.lists(st.builds(lambda fields: description("s", *fields), FIELDS), max_size=1),
)


@given(DEVICES, DEVICES)
def test_any_two_are_compared(one: Form, two: Form) -> None:
    first, second = state(a=one), state(a=two)
    assert changes(first, first) == {}
    for change in (*changes(first, second).get("a", ()), *changes(second, first).get("a", ())):
        assert isinstance(change, Change)
        assert change.what
