"""The circuit breaker of channels opened through libvirt."""

from pathlib import Path
from uuid import UUID

import pytest

from host_agent.errors import EvidenceError
from host_agent.missing import Reason
from host_agent.opened_channels import MOST, PAUSE, OpenedChannels, key, refusal

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


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1}', '{"a": ["x", 2]}', "null"])
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
