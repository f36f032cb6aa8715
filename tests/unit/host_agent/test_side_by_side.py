"""Many at the same time, in order, and an end at once."""

import threading

import pytest

from host_agent import side_by_side


def nothing(done: int, total: int) -> None:
    return None


def test_results_are_in_the_order_of_the_things() -> None:
    told: list[tuple[int, int]] = []
    barrier = threading.Barrier(3)

    def double(number: int) -> int:
        barrier.wait(10)
        return number * 2

    assert side_by_side.each(double, [3, 1, 2], 3, lambda *done: told.append(done)) == [6, 2, 4]
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_each_is_told_as_soon_as_it_is_done() -> None:
    first_told = threading.Event()
    told: list[int] = []

    def wait(number: int) -> int:
        # The first of all waits until the second has been told.
        assert number or first_told.wait(10)
        return number

    def ended(number: int) -> None:
        told.append(number)
        first_told.set()

    assert side_by_side.each(wait, [0, 1], 2, nothing, ended) == [0, 1]
    assert told == [1, 0]


def test_an_interruption_waits_for_nothing_and_begins_nothing() -> None:
    begun: list[int] = []
    release = threading.Event()

    def hang(number: int) -> None:
        begun.append(number)
        release.wait(60)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    try:
        with pytest.raises(KeyboardInterrupt):
            side_by_side.each(hang, list(range(100)), 2, interrupt)
        assert len(begun) <= 2
    finally:
        release.set()


def test_an_error_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        side_by_side.each(lambda number: 1 // number, [1, 0], 1, nothing)
