"""A command line of ``domxml-to-native`` → with its network cards as the XML has them. Pure.

libvirt makes each interface anew for that, of its model, its MAC address and its boot order alone
(``src/qemu/qemu_driver.c: qemuConnectDomainXMLToNative``): where it is, its index for ACPI and the
driver's options are forgotten, and a free place is taken, for which a controller may be added. A
start has none of that.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lxml import etree

from host_agent import untrusted_xml
from host_agent.untrusted_xml import XmlError

# Element and attribute of <interface> → QEMU's property (libvirt src/qemu/qemu_command.c:
# qemuBuildNicDevProps); of virtio cards alone, but for the first two.
_ANY = (("acpi", "index", "acpi-index"), ("rom", "bar", "rombar"))
_VIRTIO = (
    ("mtu", "size", "host_mtu"),
    ("driver", "rx_queue_size", "rx_queue_size"),
    ("driver", "tx_queue_size", "tx_queue_size"),
    ("driver", "event_idx", "event_idx"),
    ("driver", "iommu", "iommu_platform"),
    ("driver", "ats", "ats"),
    ("driver", "packed", "packed"),
    ("driver", "page_per_vq", "page-per-vq"),
    ("driver", "rss", "rss"),
    ("driver", "rss_hash_report", "hash"),
    ("driver/host", "csum", "csum"),
    ("driver/host", "gso", "gso"),
    ("driver/host", "tso4", "host_tso4"),
    ("driver/host", "tso6", "host_tso6"),
    ("driver/host", "ecn", "host_ecn"),
    ("driver/host", "ufo", "host_ufo"),
    ("driver/host", "mrg_rxbuf", "mrg_rxbuf"),
    ("driver/guest", "csum", "guest_csum"),
    ("driver/guest", "tso4", "guest_tso4"),
    ("driver/guest", "tso6", "guest_tso6"),
    ("driver/guest", "ecn", "guest_ecn"),
    ("driver/guest", "ufo", "guest_ufo"),
)
_NUMBERS = {"acpi-index", "rombar", "host_mtu", "rx_queue_size", "tx_queue_size"}
_BOOLEANS = {"on": True, "off": False}
_OF_ADDRESS = {"bus", "addr", "multifunction"}


def restored(words: Sequence[str], xml: str) -> tuple[str, ...]:
    """Return the command line with each card's place and options; as it is where none is told."""
    try:
        root = untrusted_xml.parse(xml)
    except XmlError:
        return tuple(words)
    buses = dict(_buses(root))
    cards: dict[str, list[etree._Element]] = {}
    for one in root.iterfind("devices/interface"):
        # Two may have one address; their order is the same in both.
        cards.setdefault(_mac(one), []).append(one)
    found = list(words)
    for at in range(1, len(found)):
        device = _device(found[at]) if found[at - 1] == "-device" else None
        mac = str(device.get("mac", "")).lower() if device else ""
        if device is not None and mac and cards.get(mac):
            card = cards[mac].pop(0)
            found[at] = _written(_with(device, card, buses), as_json=found[at].startswith("{"))
    return tuple(_without_added(found, root, buses)) if any(cards) else tuple(found)


def _mac(card: etree._Element) -> str:
    mac = card.find("mac")
    return "" if mac is None else str(mac.get("address", "")).lower()


def _buses(root: etree._Element) -> Iterator[tuple[int, str]]:
    """Yield a controller's index and QEMU's name of its bus (libvirt's aliases)."""
    for controller in root.iterfind("devices/controller[@type='pci']"):
        index, alias = _number(controller.get("index")), controller.find("alias")
        if index is not None:
            express = controller.get("model") == "pcie-root"
            name = f"{'pcie' if express else 'pci'}.{index}"
            yield index, name if alias is None else str(alias.get("name", name))


def _number(text: str | None) -> int | None:
    try:
        return int(text or "", 0)
    except ValueError:
        return None


def _device(word: str) -> dict[str, Any] | None:
    """Return a device's properties, the driver among them; None: it can't be read."""
    if not word.startswith("{"):
        # A comma in a value is written twice; no value of a card that is looked for has one.
        driver, *pairs = word.split(",")
        return {"driver": driver} | {
            key: text for key, _, text in (p.partition("=") for p in pairs)
        }
    try:
        found = json.loads(word)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _written(device: Mapping[str, Any], *, as_json: bool) -> str:
    if as_json:
        return json.dumps(device, separators=(",", ":"))
    words = {True: "on", False: "off"}
    pairs = (
        f"{key}={words[item] if isinstance(item, bool) else str(item).replace(',', ',,')}"
        for key, item in device.items()
        if key != "driver"
    )
    return ",".join((str(device["driver"]), *pairs))


def _with(
    device: Mapping[str, Any], card: etree._Element, buses: Mapping[int, str]
) -> dict[str, Any]:
    found, alias = dict(device), card.find("alias")
    if card.get("type") == "hostdev":
        # The host's own card: nothing of it is QEMU's but its place.
        found = {"driver": "vfio-pci", "id": found.get("id", "")}
    if alias is not None and alias.get("name"):
        found["id"] = alias.get("name")
    place = _place(card, buses)
    if place:
        found = {key: item for key, item in found.items() if key not in _OF_ADDRESS} | place
    if card.get("type") != "hostdev":
        found |= _rom_file(card)
    options = (*_ANY, *(_VIRTIO if str(found["driver"]).startswith("virtio-") else ()))
    for element, attribute, name in options:
        child = card.find(element)
        text = None if child is None else child.get(attribute)
        if text is not None and name == "rombar":
            text = {"on": "1", "off": "0"}.get(text)
        value = _number(text) if name in _NUMBERS else _BOOLEANS.get(text or "")
        if value is not None:
            found[name] = value
    queues = _queues(card)
    if queues > 1 and str(found["driver"]).startswith("virtio-net"):
        # One vector each way, one for the configuration, one for control.
        found |= {"mq": True, "vectors": 2 * queues + 2}
    return found


def _rom_file(card: etree._Element) -> dict[str, Any]:
    rom = card.find("rom")
    if rom is None:
        return {}
    if rom.get("enabled") == "no":
        return {"romfile": ""}
    return {"romfile": str(rom.get("file"))} if rom.get("file") else {}


def _queues(card: etree._Element) -> int:
    driver = card.find("driver")
    return (0 if driver is None else _number(driver.get("queues"))) or 0


def _place(card: etree._Element, buses: Mapping[int, str]) -> dict[str, Any]:
    """Return where it is, in QEMU's words; nothing where the XML does not say."""
    address = card.find("address[@type='pci']")
    if address is None:
        return {}
    bus, slot, function = (_number(address.get(one, "0")) for one in ("bus", "slot", "function"))
    if bus is None or slot is None or function is None or bus not in buses:
        return {}
    several = _BOOLEANS.get(address.get("multifunction", ""))
    more = {} if several is None else {"multifunction": several}
    return {
        "bus": buses[bus],
        **more,
        "addr": f"{slot:#x}" + (f".{function:#x}" if function else ""),
    }


def _without_added(
    words: Sequence[str], root: etree._Element, buses: Mapping[int, str]
) -> Iterator[str]:
    """Leave out the controllers that were added for a card that is elsewhere."""
    if root.find("devices/controller[@type='pci']") is None:
        # They are all of libvirt's making.
        yield from words
        return
    own = set(buses.values())
    devices = [
        (at, device)
        for at in range(1, len(words))
        if words[at - 1] == "-device" and (device := _device(words[at])) is not None
    ]
    used = {str(device.get("bus", "")) for _, device in devices}
    added = {
        at
        for at, device in devices
        if str(device.get("id", "")).startswith("pci.") and device["id"] not in own | used
    }
    yield from (word for at, word in enumerate(words) if not {at, at + 1} & added)
