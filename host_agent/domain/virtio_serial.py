"""Domain XML → its virtio-serial controllers, their free ports, and our channel. Pure.

libvirt docs/formatdomain.rst, "Controllers" and "Channel".
"""

from collections import defaultdict
from dataclasses import dataclass

from lxml import etree

from host_agent.domain.definition import CHANNEL_NAME, DomainXmlError

CHANNEL = (
    "<channel type='unix'>\n"
    "  <source mode='bind'/>\n"
    f"  <target type='virtio' name='{CHANNEL_NAME}'/>\n"
    "</channel>"
)
"""The element of our channel; libvirt chooses socket, controller and port."""
_PORTS = 31
"""Of a controller that does not say how many (libvirt VIR_DOMAIN_DEFAULT_VIRTIO_SERIAL_PORTS)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """One virtio-serial controller."""

    index: int
    free: int
    """Ports that a channel can have; port 0 is kept for a console."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtioSerial:
    """What one XML has of it."""

    controllers: tuple[Controller, ...]
    channel: str | None
    """Our channel's element as it is; None: there is none."""

    @property
    def has_room(self) -> bool:
        """Tell whether a port is free."""
        return any(one.free for one in self.controllers)


def parse(xml: str) -> VirtioSerial:
    """Return what a domain XML has; raises ``DomainXmlError``."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(xml.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise DomainXmlError(f"the domain XML can't be parsed: {error}") from error
    used: dict[int, set[int]] = defaultdict(set)
    for address in root.iterfind("devices/*/address[@type='virtio-serial']"):
        used[_number(address, "controller", 0)].add(_number(address, "port", 0))
    controllers = []
    for element in root.iterfind("devices/controller[@type='virtio-serial']"):
        index, ports = _number(element, "index", 0), _number(element, "ports", _PORTS)
        taken = {port for port in used[index] if 0 < port < ports}
        controllers.append(Controller(index=index, free=max(0, ports - 1 - len(taken))))
    return VirtioSerial(controllers=tuple(controllers), channel=_channel(root))


def _channel(root: etree._Element) -> str | None:
    for channel in root.iterfind("devices/channel"):
        target = channel.find("target")
        if target is not None and target.get("name") == CHANNEL_NAME:
            return etree.tostring(channel, encoding="unicode", with_tail=False)
    return None


def _number(element: etree._Element, name: str, default: int) -> int:
    text = element.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default
