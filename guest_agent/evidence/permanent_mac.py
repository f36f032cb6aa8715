"""Asks the kernel for a network interface's permanent MAC address; sysfs does not have it.

An ioctl that only reads and needs no privilege (Linux ``net/ethtool/ioctl.c:
ethtool_get_perm_addr``; what ``ethtool --show-permaddr`` prints). It follows no root: it speaks of
the network namespace that the agent runs in.
"""

import array
import fcntl
import os
import socket
import struct

_SIOCETHTOOL = 0x8946
_GET_PERMANENT_ADDRESS = 0x20
_MAX_ADDRESS = 32
_COMMAND = struct.Struct(f"=II{_MAX_ADDRESS}s")
# struct ifreq: the name, a pointer, and the rest of a union that is larger.
_REQUEST = struct.Struct("@16sP24x")


def ask(interface: str) -> str:
    """Return the address, lower case with colons; empty where the kernel has none to tell."""
    name = os.fsencode(interface)
    if len(name) > 15:
        return ""
    answer = array.array("B", _COMMAND.pack(_GET_PERMANENT_ADDRESS, _MAX_ADDRESS, b""))
    try:
        # Any family takes the request; a sandbox that allows one allows this one.
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, _SIOCETHTOOL, _REQUEST.pack(name, answer.buffer_info()[0]))
    except OSError:
        return ""
    _, size, address = _COMMAND.unpack(answer.tobytes())
    raw = address[: min(size, _MAX_ADDRESS)]
    return ":".join(f"{byte:02x}" for byte in raw) if any(raw) else ""
