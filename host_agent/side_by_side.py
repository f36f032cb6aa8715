"""One function for many things at the same time, and an end at once when it is interrupted."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

Progress = Callable[[int, int], None]
"""Told how many domains of how many are done."""


T = TypeVar("T")
R = TypeVar("R")


def each(
    function: Callable[[T], R],
    things: Sequence[T],
    at_once: int,
    progress: Callable[[int, int], None],
    ended: Callable[[R], None] | None = None,
) -> list[R]:
    """Return the results in the order of the things; ``progress`` is told how many are done.

    ``ended`` gets each result as soon as it is there, one after the other, in the caller's thread.
    Whatever interrupts it, nothing new is begun and nothing is waited for: what is under way ends
    with the program.
    """
    pool = ThreadPoolExecutor(max_workers=max(1, at_once))
    try:
        futures = [pool.submit(function, thing) for thing in things]
        progress(0, len(futures))
        for done, future in enumerate(as_completed(futures), 1):
            if ended is not None:
                ended(future.result())
            progress(done, len(futures))
        return [future.result() for future in futures]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
