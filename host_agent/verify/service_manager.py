"""Telling systemd how the service is: sd_notify(3), without its library.

Does nothing where no service manager asked to be told. A message is one datagram; a manager that
does not take it costs a second, and never the service.
"""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

from host_agent.printable import printable

_SECONDS = 1.0
"""What one message may take; PID 1 empties its queue long before."""
_MAX_STATUS = 500


class ServiceManager:
    """What the environment says of the service manager, and messages to it. Thread-safe."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self.watchdog_seconds = _watchdog(environment)
        """How often ``watchdog`` must be called at the least; None: nobody watches.

        Half of that is the right interval (sd_watchdog_enabled(3)).
        """

    @property
    def is_told(self) -> bool:
        """Whether there is somebody to tell."""
        return self._address is not None

    def ready(self, status: str = "") -> bool:
        """Say that the service is up, or that it is again after ``reloading``."""
        return self._send("READY=1", *_status(status))

    def status(self, status: str) -> bool:
        """Say in one line what the service does, for ``systemctl status``."""
        return self._send(*_status(status))

    def watchdog(self) -> bool:
        """Say that the service is alive."""
        return self._send("WATCHDOG=1")

    def reloading(self) -> bool:
        """Say that the configuration is being read again; ``ready`` ends it."""
        # Type=notify-reload needs the time, in microseconds of CLOCK_MONOTONIC.
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        return self._send("RELOADING=1", f"MONOTONIC_USEC={now}")

    def stopping(self, status: str = "") -> bool:
        """Say that the service is about to end."""
        return self._send("STOPPING=1", *_status(status))

    def _send(self, *assignments: str) -> bool:
        """Return whether the manager has it."""
        if self._address is None or not assignments:
            return False
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(_SECONDS)
            sender.sendto("\n".join(assignments).encode(), self._address)
            return True
        return False


def _address(text: str) -> str | bytes | None:
    """A path, or a name of the abstract namespace, which is written with an ``@``."""
    if len(text) > 1 and text.startswith("/"):
        return text
    return b"\0" + os.fsencode(text[1:]) if len(text) > 1 and text.startswith("@") else None


def _status(status: str) -> tuple[str, ...]:
    return (f"STATUS={printable(status)[:_MAX_STATUS]}",) if status else ()


def _watchdog(environment: Mapping[str, str]) -> float | None:
    """sd_watchdog_enabled(3): set, and meant for this process."""
    interval, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not (interval.isascii() and interval.isdecimal() and int(interval[:20])):
        return None
    if pid and pid != str(os.getpid()):
        return None
    return int(interval[:20]) / 1e6
