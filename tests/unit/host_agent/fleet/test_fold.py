"""What stands after what a host told, and what changed."""

from dataclasses import replace

import pytest

from host_agent.fleet import told
from host_agent.fleet.fold import Change, fold
from host_agent.fleet.told import Alive, Gone, Offers, Present, Record, Stopped, Verdict

VM1 = Verdict(
    time=100.0,
    uuid="u1",
    name="vm1",
    verdict="verified",
    machine="pc-q35-9.2",
    qemu="10.0",
    shape="s",
    shown="a",
)
BAD = replace(VM1, time=110.0, verdict="mismatch", check="machine-type", problem="it is another")


def changed(*records: Record) -> list[tuple[float, str, str | None, str | None]]:
    return [(one.time, one.what, one.old, one.new) for one in fold({}, records)[1]]


def test_a_domain_appears_changes_and_goes() -> None:
    now, changes = fold({}, [VM1])
    assert changes == [
        Change(time=100.0, uuid="u1", name="vm1", what="appeared", old=None, new="verified")
    ]
    assert now["u1"].verified == 100.0
    now, changes = fold(now, [replace(VM1, time=105.0), BAD])
    assert [(one.what, one.old, one.new) for one in changes] == [
        ("verdict", "verified", "mismatch")
    ]
    assert (now["u1"].verified, now["u1"].time, now["u1"].check) == (105.0, 110.0, "machine-type")
    now, changes = fold(now, [Gone(time=120.0, uuid="u1"), Gone(time=121.0, uuid="u1")])
    assert (now, [(one.what, one.old) for one in changes]) == ({}, [("went", "mismatch")])


@pytest.mark.parametrize(
    ("after", "changes"),
    [
        (
            replace(VM1, machine="pc-q35-10.0", shown="b"),
            [("machine", "pc-q35-9.2", "pc-q35-10.0")],
        ),
        (replace(VM1, shown="b", qemu="10.1"), [("hardware", "10.0", "10.1")]),
        # Of another shape other tables are no news; nor is it one that they were not seen.
        (replace(VM1, shown="b", shape="t"), []),
        (replace(VM1, shown=None, shape=None), []),
    ],
)
def test_what_changes(after: Verdict, changes: list[tuple[str, str, str]]) -> None:
    now, found = fold(fold({}, [VM1])[0], [after])
    assert [(one.what, one.old, one.new) for one in found] == changes
    assert now["u1"].shown is not None


def test_what_is_remembered_counts_where_nothing_else_is_known() -> None:
    old = replace(BAD, remembered=True)
    assert fold({}, [old])[0]["u1"].verdict == "mismatch"
    assert fold(fold({}, [VM1])[0], [old])[0]["u1"].verdict == "verified"


def test_what_is_not_present_is_gone() -> None:
    two = replace(VM1, uuid="u2")
    assert changed(VM1, two, Present(time=200.0, uuids=("u2", "u3")))[2:] == [
        (200.0, "went", "verified", None)
    ]


def test_a_domain_that_stops() -> None:
    assert changed(BAD, Stopped(time=200.0, uuid="u1"), Stopped(time=201.0, uuid="u9"))[1:] == [
        (200.0, "verdict", "mismatch", "not running")
    ]


@pytest.mark.parametrize(
    "record",
    [
        VM1,
        BAD,
        Stopped(time=1.0, uuid="u1"),
        Gone(time=1.0, uuid="u1"),
        Present(time=1.0, uuids=("a", "b")),
        Alive(time=1.0, libvirt="9.0.0", qemu="7.2.0"),
        Offers(time=1.0, architecture="x86_64", names=("a",), deprecated=()),
    ],
)
def test_a_record_is_read_as_it_was_written(record: Record) -> None:
    assert told.from_text(told.to_text(record)) == record


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"kind": "other"}', '{"kind": "gone"}',
        '{"kind": "gone", "time": "now", "uuid": "a"}',
        '{"kind": "gone", "time": 1, "uuid": 1}',
        '{"kind": "gone", "time": -1, "uuid": "a"}',
        '{"kind": "gone", "time": NaN, "uuid": "a"}',
        '{"kind": "present", "time": 1, "uuids": [1]}',
    ],
)  # fmt: skip
def test_what_is_no_record(text: str) -> None:
    with pytest.raises(ValueError, match=r"it|time|argument|Expecting"):
        told.from_text(text)
