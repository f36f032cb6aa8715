"""What was asked of whom, and how long it took, for whoever wants to be told (``--debug``).

Of answers nothing is told: they hold what guests say, and definitions hold secrets.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from host_agent.printable import printable

Sink = Callable[[str], None]
_STARTED = time.monotonic()
_sinks: list[Sink] = []
_about = threading.local()


@contextmanager
def told(sink: Sink) -> Iterator[None]:
    """Tell a sink of what is asked, from whatever thread, in one line each."""
    _sinks.append(sink)
    try:
        yield
    finally:
        _sinks.remove(sink)


def is_told() -> bool:
    """Tell whether anybody wants to be told."""
    return bool(_sinks)


@contextmanager
def about(name: str) -> Iterator[None]:
    """Say of which domain, or of which host, this thread asks meanwhile."""
    before = getattr(_about, "name", "")
    _about.name = name
    try:
        yield
    finally:
        _about.name = before


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Ask something meanwhile: whom and what, in a few words without anything that is secret."""
    if not _sinks:
        yield
        return
    began = time.monotonic()
    failed = ""
    try:
        yield
    except BaseException as error:
        failed = f", {type(error).__name__}"
        raise
    finally:
        now = time.monotonic()
        whom = f"{name}: " if (name := getattr(_about, "name", "")) else ""
        line = f"+{now - _STARTED:.3f} s  {whom}{what}  {1000 * (now - began):.1f} ms{failed}"
        for sink in tuple(_sinks):
            sink(printable(line))
