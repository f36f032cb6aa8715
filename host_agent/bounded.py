"""Runs calls that may never return, each for a bounded time."""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class CallTimeoutError(Exception):
    """The call did not return in time. It may still be under way in its thread."""


def call(function: Callable[[], T], seconds: float) -> T:
    """Return what the function returns, or raise ``CallTimeoutError`` after so many seconds.

    The call runs in a daemon thread of its own; one that never returns costs that thread and keeps
    nothing else from going on, nor the program from ending.
    """
    result: list[T] = []
    error: list[BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            result.append(function())
        except BaseException as raised:  # noqa: BLE001 - it is raised again in the caller's thread
            error.append(raised)
        done.set()

    threading.Thread(target=run, daemon=True).start()
    if not done.wait(seconds):
        raise CallTimeoutError(f"no return within {seconds:.0f} s")
    if error:
        raise error[0]
    return result[0]
