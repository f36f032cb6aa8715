"""A domain's channel as a non-blocking stream of bytes through libvirt."""

from collections.abc import Callable
from typing import Any

import libvirt


class GuestStream:
    """A non-blocking libvirt stream; ``watch`` calls back from libvirt's event thread."""

    def __init__(self, stream: libvirt.virStream) -> None:
        self._stream = stream
        self._watched = False

    def watch(self, ready: Callable[[], None], *, readable: bool, writable: bool) -> None:
        """Call ``ready`` whenever the stream is readable, writable if asked for, or over."""
        events = libvirt.VIR_STREAM_EVENT_HANGUP | libvirt.VIR_STREAM_EVENT_ERROR
        events |= libvirt.VIR_STREAM_EVENT_READABLE if readable else 0
        events |= libvirt.VIR_STREAM_EVENT_WRITABLE if writable else 0
        try:
            if self._watched:
                self._stream.eventUpdateCallback(events)
            else:
                self._stream.eventAddCallback(events, lambda *_: ready(), None)
                self._watched = True
        except libvirt.libvirtError:
            # The stream is over; read and write say so.
            ready()

    def read(self, size: int) -> bytes | None:
        """Return bytes, ``b""`` where the stream is over, None where none are there yet."""
        try:
            data: Any = self._stream.recv(size)
        except libvirt.libvirtError:
            return b""
        return None if isinstance(data, int) else bytes(data)

    def write(self, data: bytes) -> int | None:
        """Return how many bytes were taken, None where the stream is over."""
        try:
            taken = int(self._stream.send(data))
        except libvirt.libvirtError:
            return None
        return max(taken, 0)

    def close(self) -> None:
        """Give the channel back; the callback goes before the stream does."""
        try:
            if self._watched:
                self._stream.eventRemoveCallback()
            self._stream.abort()
        except libvirt.libvirtError:
            return
