"""What machine types set of devices: read, kept once, compared."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.atlas import compat_props
from host_agent.atlas.compat_props import CompatPropsError, Property, Table


def prop(text: str) -> Property:
    model, _, rest = text.partition(".")
    name, _, value = rest.partition("=")
    return Property(model=model, name=name, value=value)


def of(*texts: str) -> tuple[Property, ...]:
    return tuple(sorted(map(prop, texts)))


def entry(model: Any, name: Any, value: Any) -> dict[str, Any]:
    return {"qom-type": model, "property": name, "value": value}


def test_the_last_value_counts() -> None:
    """As of pc-q35-7.2 in QEMU 10.0: first the chipset's own, then what is of the older type."""
    found = compat_props.of_qmp(
        [
            entry("virtio-iommu-pci", "aw-bits", "39"),
            entry("e1000e", "migrate-timadj", "off"),
            entry("virtio-iommu-pci", "aw-bits", "64"),
        ]
    )
    assert found == of("e1000e.migrate-timadj=off", "virtio-iommu-pci.aw-bits=64")
    assert str(found[0]) == "e1000e.migrate-timadj=off"


@pytest.mark.parametrize(
    "entries",
    [None, {}, [None], [entry(1, "a", "b")], [entry("a", None, "b")], [entry("a", "b", True)],
     [entry("a", "b", "c")] * 5000],
)  # fmt: skip
def test_what_is_no_list_of_properties_is_refused(entries: Any) -> None:
    with pytest.raises(CompatPropsError):
        compat_props.of_qmp(entries)


def test_each_is_kept_once() -> None:
    older, newer, other = of("a.b=1", "c.d=2", "e.f=3"), of("a.b=1"), of("a.b=1", "e.f=3", "g.h=4")
    table = Table()
    forms = [table.form(one) for one in (newer, older, other, ())]
    assert forms == ["0", "0-2", "0,2-3", ""]
    rows = compat_props.rows_of(table.rows())
    assert len(rows) == 4
    assert [compat_props.of_form(form, rows) for form in forms] == [newer, older, other, ()]


@pytest.mark.parametrize(
    "ranges", [None, 3, "x", "0-", "-1", "0,,1", "0;1", "4", "0-4", "9999999", "0-3\n"]
)
def test_ranges_that_are_none_are_refused(ranges: Any) -> None:
    rows = of("a.b=1", "c.d=2", "e.f=3", "g.h=4")
    with pytest.raises(CompatPropsError):
        compat_props.of_form(ranges, rows)


def test_differing_ones_are_paired() -> None:
    old, new = of("a.b=1", "c.d=2", "e.f=3"), of("a.b=1", "c.d=4", "g.h=5")
    assert compat_props.differing(old, new) == (
        (prop("c.d=2"), prop("c.d=4")),
        (prop("e.f=3"), None),
        (None, prop("g.h=5")),
    )


PROPERTIES = st.lists(
    st.builds(prop, st.sampled_from(["a.b=1", "a.b=2", "c.d=1", "e.f=1", "g.h=0"])), max_size=5
).map(lambda found: tuple(sorted(set(found))))


@given(st.lists(PROPERTIES, max_size=4))
def test_any_are_read_as_they_were_written(machines: list[tuple[Property, ...]]) -> None:
    table = Table()
    forms = [table.form(one) for one in machines]
    rows = compat_props.rows_of(table.rows())
    assert [compat_props.of_form(form, rows) for form in forms] == machines


@given(st.text(alphabet="0123456789,-", max_size=12), PROPERTIES)
def test_any_ranges_are_read_or_refused(text: str, rows: tuple[Property, ...]) -> None:
    with contextlib.suppress(CompatPropsError):
        assert set(compat_props.of_form(text, rows)) <= set(rows)
