"""Group ``network``: the interfaces that a device carries, by permanent MAC address.

sysfs shows the address in use. The permanent one is asked of the kernel (``permanent_mac``), else
it is what a bond keeps of its member, else the one in use if the kernel says that it is permanent.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Optional

from guest_agent.evidence import devices
from guest_agent.evidence.files import attribute
from guest_agent.evidence.strings import clean
from samemachine.v1 import guest_pb2

_CLASS = "/sys/class/net"
_MAX_INTERFACES = 2048
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5,31}")
# include/uapi/linux/netdevice.h: NET_ADDR_PERM
_ASSIGNED_PERMANENTLY = "0"

Ask = Callable[[str], str]
"""Returns an interface's permanent address by its name; empty where it is not known."""


def parse(
    name: str, in_use: str, permanent: str, assigned: str = _ASSIGNED_PERMANENTLY
) -> Optional[guest_pb2.NetworkInterface]:
    """Return one interface from its addresses and addr_assign_type; None where it has no address.

    Linux ABI testing/sysfs-class-net.
    """
    current, own = _address(in_use), _address(permanent)
    if not current and not own:
        return None
    return guest_pb2.NetworkInterface(
        name=clean(name),
        mac=own or current,
        current_mac=current if own and current != own else "",
        permanent_unknown=not own and assigned.strip() != _ASSIGNED_PERMANENTLY,
    )


def _address(text: str) -> str:
    address = text.strip().lower()
    return address if _MAC.fullmatch(address) and address.strip("0:") else ""


def read(root: Path = Path("/"), ask: Optional[Ask] = None) -> guest_pb2.Network:
    """Read the group; raises ``EvidenceError``. Without ``ask``, from sysfs alone."""

    def one(path: str) -> Optional[guest_pb2.NetworkInterface]:
        # The class has a file beside its links (bonding_masters), and links without a device.
        if not (root / path.lstrip("/") / "device").exists():
            return None
        name = path.rsplit("/", 1)[1]
        files = {
            file: (attribute(root, f"{path}/{file}") or b"").decode("utf-8", "replace")
            for file in ("address", "addr_assign_type", "bonding_slave/perm_hwaddr")
        }
        permanent = (ask(name) if ask else "") or files["bonding_slave/perm_hwaddr"]
        interface = parse(name, files["address"], permanent, files["addr_assign_type"])
        if interface is not None:
            device = f"{path}/device"
            interface.parent = devices.bus_address(devices.place(root, device))
            interface.driver = devices.driver(root, device)
        return interface

    interfaces = devices.each(root, _CLASS, _MAX_INTERFACES, one)
    interfaces.sort(key=lambda interface: (interface.mac, interface.parent, interface.name))
    return guest_pb2.Network(interfaces=interfaces)
