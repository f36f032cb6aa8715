"""libvirt's event loop, in one thread of its own."""

import threading
import time

import libvirt

_lock = threading.Lock()
_running = False
_PAUSE = 0.1


def start() -> None:
    """Start the loop, once a process; it must be there before a connection is opened."""
    global _running  # noqa: PLW0603 - libvirt has one event loop a process
    with _lock:
        if _running:
            return
        libvirt.virEventRegisterDefaultImpl()
        # Errors are raised; libvirt's own printing of them would go to the user's terminal.
        libvirt.registerErrorHandler(lambda *_: None, None)
        threading.Thread(target=_run, name="libvirt-events", daemon=True).start()
        _running = True


def _run() -> None:
    while True:
        try:
            libvirt.virEventRunDefaultImpl()
        except libvirt.libvirtError:
            # One bad turn (of descriptors that were closed under it) must not be the last.
            time.sleep(_PAUSE)
