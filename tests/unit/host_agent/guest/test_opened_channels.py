"""The circuit breaker of channels opened through libvirt."""

import fcntl
import json
import os
import socket
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.errors import EvidenceError
from host_agent.guest.opened_channels import MOST, PAUSE, OpenedChannels, key, parse, refusal
from host_agent.missing import Reason

KEY = key("qemu+ssh://a/system", UUID(int=1), 3)


@pytest.mark.parametrize(
    ("count", "age", "words"),
    [
        (0, 0.0, None),
        (1, PAUSE - 1, "for 1 s more"),
        (1, PAUSE + 1, None),
        (MOST, PAUSE * 1000, "left alone: opened 2 times"),
    ],
)
def test_when_a_channel_is_left_alone(count: int, age: float, words: str | None) -> None:
    why = refusal({KEY: (count, 1000.0)}, KEY, 1000.0 + age)
    assert (why is None) if words is None else (why is not None and words in why)


def test_it_holds_over_runs_and_ends_with_an_answer(tmp_path: Path) -> None:
    OpenedChannels(tmp_path).begin(KEY)
    with pytest.raises(EvidenceError, match="left alone"):
        OpenedChannels(tmp_path).begin(KEY)
    OpenedChannels(tmp_path).begin(key("qemu+ssh://a/system", UUID(int=1), 4))
    OpenedChannels(tmp_path).answered(KEY)
    OpenedChannels(tmp_path).begin(KEY)


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", '{"a": 1}', '{"a": ["x", 2]}', "null", "[" * 100_000, "9" * 9000,
        '{"a": [1, NaN]}', '{"a": [Infinity, 1]}', '{"a": [NaN, 1]}', "\0" * 2_000_000,
        f'{{"{KEY}": [1, NaN]}}', f'{{"{KEY}": [1, Infinity]}}', f'{{"{KEY}": [-1, 1]}}',
        f'{{"{KEY}": [1e9, 1]}}', f'{{"{KEY}": [true, 1]}}', f'{{"{KEY}": [1, 1, 1]}}',
        f'{{"{KEY}": [9, {"9" * 400}]}}',
    ],
    ids=range(19),
)  # fmt: skip
def test_a_damaged_file_is_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / "unanswered-channels.json").write_text(content, encoding="utf-8")
    OpenedChannels(tmp_path).begin(KEY)
    with pytest.raises(EvidenceError):
        OpenedChannels(tmp_path).begin(KEY)


def test_what_can_not_be_counted_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(EvidenceError, match="can't be written") as caught:
        OpenedChannels(tmp_path / "file" / "state").begin(KEY)
    assert caught.value.missing.reason is Reason.FAILED


@pytest.mark.parametrize("kind", ["pipe", "link", "socket"])
def test_what_is_no_file_is_replaced(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "state" / "unanswered-channels.json"
    place.parent.mkdir()
    (tmp_path / "other").write_text("{}", encoding="utf-8")
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "link":
        place.symlink_to(tmp_path / "other")
    else:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(place))
    OpenedChannels(place.parent).begin(KEY)
    with pytest.raises(EvidenceError, match="left alone"):
        OpenedChannels(place.parent).begin(KEY)
    assert (tmp_path / "other").read_text(encoding="utf-8") == "{}"


def test_a_file_that_is_too_large_is_begun_anew(tmp_path: Path) -> None:
    channels = OpenedChannels(tmp_path)
    channels.begin(KEY)
    place = tmp_path / "unanswered-channels.json"
    with place.open("a") as file:
        file.write(" " * (1 << 20))
    channels.begin(KEY)
    assert place.stat().st_size < 1000
    # As it would have been without those spaces.
    with pytest.raises(EvidenceError, match="left alone"):
        channels.begin(KEY)


def test_one_among_others_that_are_damaged_counts_on() -> None:
    now = 1e9
    raw = json.dumps({"a": [1, now - 5], "b": "?", "c": [2, 1e300], "d": [1, 1.0], "e": [3, 1]})
    state = parse(raw.encode(), now)
    assert state == {"a": (1, now - 5)}
    later = parse(json.dumps({"c": [MOST, now + 100]}).encode(), now)
    assert refusal(later, "c", now) is not None
    back = parse(json.dumps({"c": [1, now + 100]}).encode(), now)
    assert refusal(back, "c", now) is None


def test_a_lock_that_another_holds_has_a_deadline(tmp_path: Path) -> None:
    OpenedChannels(tmp_path).answered(KEY)
    with (tmp_path / "unanswered-channels.json.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(EvidenceError, match="another samemachine has held its lock"):
            OpenedChannels(tmp_path, patience=0.1).begin(KEY)
        OpenedChannels(tmp_path, patience=0.1).answered(KEY)
    OpenedChannels(tmp_path, patience=0.1).begin(KEY)


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
        lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=3), one),
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_file_breaks_it(raw: bytes) -> None:
    for count, last in parse(raw, 1e9).values():
        assert 0 < count <= MOST
        assert 0 < last <= 1e9
