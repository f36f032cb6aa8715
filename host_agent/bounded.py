"""Runs calls that may never return, each for a bounded time."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")

_MOST_IDLE = 32
"""How many threads wait for a next call; they cost memory, and no time."""
_idle: list["_Worker"] = []
_lock = threading.Lock()


class CallTimeoutError(Exception):
    """The call did not return in time. It may still be under way in its thread."""


def call(function: Callable[[], T], seconds: float) -> T:
    """Return what the function returns, or raise ``CallTimeoutError`` after so many seconds.

    The call runs in a daemon thread, which serves the next one when it has returned. One that never
    returns costs that thread, and keeps nothing else from going on, nor the program from ending.
    """
    answer: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            answer.put((function(), None))
        except BaseException as raised:  # noqa: BLE001 - it is raised again in the caller's thread
            answer.put((None, raised))

    _worker().calls.put(run)
    try:
        result, error = answer.get(timeout=seconds)
    except Empty:
        raise CallTimeoutError(f"no return within {seconds:.0f} s") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # it is what the function returned


class _Worker:
    """One thread, for one call after another: starting it costs more than most calls."""

    def __init__(self) -> None:
        self.calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            self.calls.get()()
            with _lock:
                if len(_idle) >= _MOST_IDLE:
                    return
                _idle.append(self)


def _worker() -> _Worker:
    with _lock:
        if _idle:
            return _idle.pop()
    return _Worker()
