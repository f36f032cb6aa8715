"""What a guest felt of a move."""

from typing import Any

from tests.lab.matrix import load
from tests.lab.matrix.load import Beat
from tests.lab.matrix.load_in_guest import Memory

MS = 1_000_000
BEFORE, AFTER = 30, 30
SAID = {"beats": 60, "broken_connections": 0, "lines": 60, "lost_lines": 0, "write_error": "",
        "wrong_pages": 0, "clock_went_back": 0}  # fmt: skip


def moved(stopped: int = 300, slow: int = 0, **more: Any) -> list[Beat]:
    """A guest that stands still for ``stopped`` ms in the middle, and is ``slow`` there as well."""
    beats, guest, here = [], 0, 0
    for number in range(BEFORE + AFTER):
        guest, here = guest + 20 * MS, here + 20 * MS
        if number == BEFORE:
            guest, here = guest + slow * MS, here + (slow + stopped) * MS
        given = {"name": "g", "number": number, "kept": number + 1, "guest": guest,
                 "guest_time": guest + 7 * MS, "connection": 1, "here": here,
                 "here_time": here}  # fmt: skip
        beats.append(Beat(**{**given, **more}))
    return beats


def test_a_line_of_the_peer() -> None:
    found = load.beat("m-pc-q35-7.2 5 4 100 200 1 300 400\n")
    assert found is not None
    assert (found.name, found.kept) == ("m-pc-q35-7.2", 4)
    assert (found.connection, found.here_time) == (1, 400)
    for line in ("listening", "", "g 1 2", "g a b c d e f g"):
        assert load.beat(line) is None


def test_standing_still_is_told_from_being_slow() -> None:
    felt = load.felt(moved(stopped=300, slow=50), SAID)
    assert (felt.lost, felt.lacking) == ((), ())
    assert felt.figures["stood_still_ms"] == 300
    assert felt.figures["silence_ms"] == 370
    assert felt.figures["clock_jump_ms"] == -300
    assert felt.figures["usual_gap_ms"] == 20


def test_losses() -> None:
    def lost(came: list[Beat], **said: Any) -> str:
        return "; ".join(load.felt(came, {**SAID, **said}).lost)

    assert lost(moved()) == ""
    assert lost(moved(), lost_lines=2).startswith("2 of 60 lines")
    assert "memory" in lost(moved(), wrong_pages=1)
    assert "TCP connection, 1 times" in lost(moved(), broken_connections=1)
    assert "went back" in lost(moved(), clock_went_back=1)
    assert "told of" in lost(moved(), lines=10)
    assert "of 61 lines sent over TCP" in lost(moved(), beats=61)
    two = [*moved()[:BEFORE], *moved(connection=2)[BEFORE:]]
    assert "2 of them arrived" in lost(two)


def test_what_can_not_be_told_is_no_loss() -> None:
    felt = load.felt([], None)
    assert felt.lost == ()
    assert len(felt.lacking) == 2
    assert felt.figures == {}


def test_a_report() -> None:
    assert load.report('{"beats": 1}\n') == {"beats": 1}
    for text in ("", "Traceback", "[]"):
        assert load.report(text) is None


def test_memory_that_changed_behind_its_back() -> None:
    memory = Memory(1)
    assert memory.wrong() == 0
    for _ in range(40):
        memory.change()
    assert memory.wrong() == 0
    memory._bytes[5 * 4096] ^= 1
    memory._bytes[9 * 4096 - 1] ^= 1
    assert memory.wrong() == 2
