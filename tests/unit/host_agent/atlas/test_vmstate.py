"""What QEMU says of migration states: read, kept, and refused where it can't be."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.atlas import vmstate, vmstate_form
from host_agent.atlas.vmstate import VmStateError, all_fields
from tests.damage import damaged
from tests.vmstate_builder import as_dumped, description, dump, field, state

PCI = description("PCIDevice", field("config", 256, guarded=True), field("irq", 16, version=2))
WHOLE = state(
    e1000=description(
        "e1000",
        field("parent_obj", 2736, parts=PCI),
        field("eeprom data", 2, number=64),
        version=2,
        subsections=(description("e1000/full", field("mac", 4, number=32768)),),
    ),
    rtl8139=description("rtl8139", field("parent_obj", 2752, parts=PCI), version=5, minimum=3),
    empty=description("empty", version=0, minimum=0),
)
TEXT = as_dumped(WHOLE)
FORM = vmstate_form.to_form(WHOLE)


def test_a_dump_is_read() -> None:
    e1000 = WHOLE.devices["e1000"]
    assert (e1000.name, e1000.version, e1000.minimum) == ("e1000", 2, 1)
    assert [one.name for one in all_fields(e1000)] == [
        "parent_obj",
        "config",
        "irq",
        "eeprom data",
        "mac",
    ]
    assert [one.name for one in e1000.subsections] == ["e1000/full"]
    assert list(WHOLE.devices) == sorted(WHOLE.devices)
    assert WHOLE.counted
    assert not state(a=description("a", field("x"))).counted


def test_what_is_part_of_two_devices_is_kept_once() -> None:
    shared = [WHOLE.devices[name].fields[0].description for name in ("e1000", "rtl8139")]
    assert shared[0] is shared[1]
    # Their own sizes, in the memory of QEMU, are no matter: no stream has them.
    assert [WHOLE.devices[name].fields[0].size for name in ("e1000", "rtl8139")] == [0, 0]
    assert [row[0] for row in FORM["descriptions"]].count("PCIDevice") == 1


def test_the_form_is_read_as_it_was_written() -> None:
    assert FORM["descriptions"][0] == ["PCIDevice", 1, 1, ["256 ? config", "16 v2 irq"], []]
    assert "2x64 eeprom data" in FORM["descriptions"][FORM["devices"]["e1000"]][3]
    again = vmstate_form.from_form(json.loads(json.dumps(FORM)))
    assert again == WHOLE
    assert vmstate_form.to_form(again) == FORM


def nested(depth: int) -> dict[str, Any]:
    form = description("end", field("x"))
    for _ in range(depth):
        form = description("part", field("of", parts=form))
    return form


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no whole JSON"),
        (TEXT[:100], "no whole JSON"),
        ("[" * 1_000_000, "no whole JSON"),
        ("[]", "not what QEMU writes"),
        ("{}", "not what QEMU writes"),
        ('{"vmschkmachine": {}, "a": 1}', "a is no device"),
        ('{"vmschkmachine": {}, "a": {}}', "a description is missing"),
        (dump(a=description("a", {"field": "x"})), "whether a field of it is always sent"),
        (dump(a=description("a", field("x", -1))), "a size in it"),
        (dump(a=description("a", field("x", True))), "a size in it"),
        (dump(a=description("a", field("x", 1 << 60))), "a size in it"),
        (dump(a=description("a", version="1")), "a number in it"),  # type: ignore[arg-type]
        (dump(a={**description("a"), "Fields": {}}), "are no list"),
        (dump(a={**description("a"), "name": None}), "a name in it"),
        (dump(a=nested(30)), "too deep in each other"),
        (dump(a=description("a", *[field("x")] * 6000)), "a has more fields"),
        (dump(a=description("a", version=1 << 31)), "a number in it"),
    ],
)
def test_what_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(VmStateError, match=said):
        vmstate.parse(text)


def rows(*rows: list[Any], **devices: int) -> dict[str, Any]:
    return {"descriptions": list(rows), "devices": devices}


ONE = ["a", 1, 1, ["4 x"], []]
# Each is twice what stands before it: told in full the last one would have a billion fields.
LAUGHTER = [ONE, *(["a", 1, 1, [f"#{at} x", f"#{at} y"], []] for at in range(30))]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ([], "no object"),
        ({}, "no list"),
        ({"descriptions": [], "devices": []}, "no list"),
        (rows(ONE, a=1), "a part of a migration state is none"),
        (rows(ONE, a=-1), "a part of a migration state is none"),
        (rows(ONE, a=True), "a part of a migration state is none"),
        (rows(["a", 1, 1, [], [0]], a=0), "a part of a migration state is none"),
        (rows(["a", 1, 1, ["#0 x"], []], a=0), "a part of a migration state is none"),
        (rows(["a", 1, 1, ["x"], []], a=0), "a field of a migration state is none"),
        (rows(["a", 1, 1, [4], []], a=0), "a field of a migration state is none"),
        (rows(["a", 1, 1, {}, []], a=0), "has no fields"),
        (rows(["a", 1, 1, []], a=0), "a description of a migration state is none"),
        (rows(["a", "1", 1, [], []], a=0), "a number in it"),
        (rows([1, 1, 1, [], []], a=0), "a name in it"),
        (rows(["a", 1, 1, ["4 x9999999999", "4x9999999999 x"], []], a=0), "a number in it"),
        (rows(*LAUGHTER, a=30), "a has more fields"),
        (
            rows(["a", 1, 1, ["4 x"] * 4000, []], **dict.fromkeys(map(str, range(60)), 0)),
            "60 devices of 240060 fields: that is no QEMU",
        ),
    ],
)
def test_a_form_that_is_none_is_refused(form: Any, said: str) -> None:
    with pytest.raises(VmStateError, match=said):
        vmstate_form.from_form(form)


def test_names_of_strangers_are_escaped() -> None:
    read = state(a=description("\x1b[2J", field("x\n")))
    assert read.devices["a"].name == "\\x1b[2J"
    assert read.devices["a"].fields[0].name == "x\\n"
    assert vmstate_form.from_form(vmstate_form.to_form(read)) == read


@given(damaged(TEXT.encode()))
def test_a_damaged_dump_is_read_or_refused(raw: bytes) -> None:
    with contextlib.suppress(VmStateError):
        read = vmstate.parse(raw.decode("utf-8", "replace"))
        assert vmstate_form.from_form(vmstate_form.to_form(read)) == read


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-10, 1 << 70)
    | st.text(max_size=8)
    | st.sampled_from(["4 x", "#0 x", "2x8 v1 ? y", "#1x3 z"]),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(["descriptions", "devices", "a"]), inner, max_size=3)
    ),
    max_leaves=20,
)
NUMBERS = st.integers(-1, 4)
ROWS = st.lists(
    st.tuples(
        st.text(max_size=3),
        NUMBERS,
        NUMBERS,
        st.lists(st.sampled_from(["4 x", "#0 x", "2x8 v1 ? y", "#1x3 z", "?"]), max_size=3),
        st.lists(NUMBERS, max_size=2),
    ).map(list),
    max_size=5,
)


@given(
    VALUES
    | st.builds(
        lambda rows, places: {"descriptions": rows, "devices": places},
        ROWS,
        st.dictionaries(st.text(max_size=3), NUMBERS, max_size=3),
    )
)
def test_any_form_is_read_or_refused(form: Any) -> None:
    with contextlib.suppress(VmStateError):
        read = vmstate_form.from_form(form)
        assert vmstate_form.from_form(vmstate_form.to_form(read)) == read
        assert vmstate.parse(as_dumped(read)) == read
