"""The virtio-serial port to the host: found by its name, opened without waiting."""

import errno
import os
from pathlib import Path

from guest_agent.errors import PortError

_LINKS = "dev/virtio-ports"
_CLASS = "sys/class/virtio-ports"


def find(name: str, root: Path = Path("/")) -> Path:
    """Return the device of the port with this name; raises ``PortError`` where there is none.

    udev makes a link in /dev/virtio-ports; without udev the name stands in sysfs (Linux
    ``drivers/char/virtio_console.c``, ``show_port_name``).
    """
    link = root / _LINKS / name
    if link.exists():
        return link
    for entry in sorted((root / _CLASS).glob("vport*")):
        try:
            if (entry / "name").read_text(encoding="utf-8", errors="replace").strip() == name:
                return root / "dev" / entry.name
        except OSError:
            continue
    raise PortError(
        f"this guest has no virtio-serial port {name}; its domain needs <channel type='unix'>"
        f"<target type='virtio' name='{name}'/></channel>, which applies at the next start"
    )


def open_port(device: Path) -> int:
    """Return its descriptor; raises ``PortError`` where another program holds it or it may not."""
    try:
        return os.open(device, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        why = {
            errno.EBUSY: "another program has it open (is samemachine-guest running already?)",
            errno.EACCES: "it may not be opened; run as root",
        }.get(error.errno or 0, error.strerror)
        raise PortError(f"{device}: {why}") from error
