"""A report is counted before it is parsed."""

import pytest
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given
from hypothesis import strategies as st

from host_agent.evidence import report_bounds
from host_agent.evidence.report_bounds import MAX_FIELDS, MAX_REPORT, BoundsError, count, parse
from samemachine.v1 import guest_pb2
from tests.unit.host_agent.shared.cases import report
from tests.unit.host_agent.shared.reports import REPORTS


def many(field: str, sub: str, number: int) -> bytes:
    """A report with so many empty messages in a group, as they lie on the wire."""
    group = guest_pb2.Report.DESCRIPTOR.fields_by_name[field]
    assert group.message_type is not None
    inner = group.message_type.fields_by_name[sub].number
    body = bytes([inner << 3 | 2, 0]) * number
    return tag(group.number) + varint(len(body)) + body


def varint(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def tag(number: int, wire: int = 2) -> bytes:
    return varint(number << 3 | wire)


GROUPS = [
    ("pci", "functions", report_bounds.MAX_FUNCTIONS),
    ("virtio", "devices", report_bounds.MAX_VIRTIO),
    ("acpi", "tables", report_bounds.MAX_TABLES),
    ("network", "interfaces", report_bounds.MAX_INTERFACES),
    ("block", "devices", report_bounds.MAX_DISKS),
    ("cpu", "live_cpuid", report_bounds.MAX_LEAVES),
    ("cpu", "flags", report_bounds.MAX_FLAGS),
    ("platform", "device_tree_compatible", report_bounds.MAX_WORDS),
    ("platform", "sysinfo", report_bounds.MAX_WORDS),
]


@pytest.mark.parametrize(("group", "field", "most"), GROUPS)
def test_as_many_as_the_contract_has_and_not_one_more(group: str, field: str, most: int) -> None:
    assert count(many(group, field, most)) == most + 1
    parse(many(group, field, most))
    with pytest.raises(BoundsError, match=f"more than {most} {field}"):
        parse(many(group, field, most + 1))


@pytest.mark.parametrize(("group", "field", "most"), GROUPS)
def test_those_of_one_group_that_comes_in_parts_are_counted_together(
    group: str, field: str, most: int
) -> None:
    with pytest.raises(BoundsError, match=f"more than {most} {field}"):
        parse(many(group, field, most // 2 + 1) * 2)


def test_every_repeated_field_of_the_contract_has_its_bound() -> None:
    found, waiting = set(), [guest_pb2.Report.DESCRIPTOR]
    while waiting:
        kind = waiting.pop()
        for field in kind.fields:
            # A repeated field is the one that can't say whether it is there.
            if not field.has_presence and field.type == FieldDescriptor.TYPE_MESSAGE:
                found.add((kind.name, field.name))
            if field.message_type is not None:
                waiting.append(field.message_type)
    assert found | {
        ("Cpu", "flags"),
        ("Platform", "device_tree_compatible"),
        ("Tpm", "pcrs"),
    } == set(report_bounds._MOST)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (tag(99, 0) + b"\x01", None),
        ((tag(99, 0) + b"\x01") * (MAX_FIELDS // 2), None),
        ((tag(3000, 0) + b"\x01") * (MAX_FIELDS + 1), "more than 131072 fields"),
        (bytes(MAX_REPORT + 1), "1048577 bytes, more than 1048576"),
        (tag(99, 3) + tag(99, 4), "not of that form"),
        (tag(99, 6), "not of that form"),
        (b"\x80" * 11, "not of that form"),
        (tag(2) + b"\x05abc", "not of that form"),
        (tag(99, 1) + b"1234567", "not of that form"),
        (tag(99, 5) + b"123", "not of that form"),
        (tag(2) + b"\x02\xff\xfe", "not of that form"),
        (tag(10) + b"\x02" + tag(1), "not of that form"),
        (b"", None),
    ],
)  # fmt: skip
def test_form(raw: bytes, why: str | None) -> None:
    if why is None:
        parse(raw)
    else:
        with pytest.raises(BoundsError, match=why):
            parse(raw)


@pytest.mark.parametrize("guest", ["q35", "i440fx"])
def test_what_guests_say_is_far_below(guest: str) -> None:
    assert count(report(guest).SerializeToString()) < MAX_FIELDS // 100


@given(REPORTS)
def test_whatever_is_a_report_is_parsed(found: guest_pb2.Report) -> None:
    assert parse(found.SerializeToString()) == found


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_parsed(raw: bytes) -> None:
    try:
        found = parse(raw)
    except BoundsError:
        return
    assert guest_pb2.Report.FromString(raw) == found
