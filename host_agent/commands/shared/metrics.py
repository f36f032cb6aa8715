"""The address at which ``serve`` is asked for metrics."""

import re
from collections.abc import Callable

from host_agent.errors import UsageError
from host_agent.output import prometheus
from host_agent.output.prometheus import Looked

_LOOPBACK = "127.0.0.1"
_FORM = re.compile(r"(?:(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+)):)?([0-9]{1,5})", re.ASCII)


def address_of(text: str) -> tuple[str, int]:
    """Return host and port of ``PORT``, ``HOST:PORT`` or ``[IPV6]:PORT``; raises ``UsageError``."""
    found = _FORM.fullmatch(text)
    if found is None or not 0 < int(found[3]) < 65536:
        raise UsageError(f"--metrics {text!r}: PORT, ADDRESS:PORT or [IPV6]:PORT is meant")
    return found[1] or found[2] or _LOOPBACK, int(found[3])


def listen(text: str, look: Callable[[], Looked]) -> None:
    """Answer there from now on, in threads that end with the program; raises ``UsageError``."""
    host, port = address_of(text)
    try:
        from prometheus_client import CollectorRegistry, start_http_server
    except ImportError as error:
        raise UsageError(f"--metrics needs Python's prometheus-client ({error})") from error
    # Nothing of this process or of Python is told, only what we look at.
    registry = CollectorRegistry()
    prometheus.register(registry, look)
    try:
        start_http_server(port, host, registry)
    except OSError as error:
        raise UsageError(f"--metrics {text!r}: {error.strerror or error}") from error
