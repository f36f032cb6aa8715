"""Domain XML → the files of its disks, each with the format that is declared for it. Pure.

libvirt docs/formatdomain.rst, "Hard drives, floppy disks, CDROMs": ``<backingStore>``, which an
active XML has down to an empty one, where the chain ends.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from host_agent import untrusted_xml
from host_agent.domain.definition import DomainXmlError
from host_agent.untrusted_xml import XmlError

RAW = "raw"
_MOST = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One file, or block device, of a disk."""

    path: str
    form: str
    """``raw``, ``qcow2`` …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayeredDisk:
    """A disk that has something in it."""

    target: str
    """Such as ``vda``."""
    layers: tuple[Layer, ...] | None
    """The topmost first; None: not all of them are declared, or one is no file."""


def parse(xml: str) -> tuple[LayeredDisk, ...]:
    """Return a domain's hard disks; raises ``DomainXmlError``."""
    try:
        root = untrusted_xml.parse(xml)
    except XmlError as error:
        raise DomainXmlError(f"no domain XML: {error}") from error
    return tuple(_disks(root))


def _disks(root: etree._Element) -> Iterator[LayeredDisk]:
    for disk in root.iterfind("devices/disk"):
        target = disk.find("target")
        if target is None or disk.get("device", "disk") not in {"disk", "lun"}:
            continue
        driver = disk.find("driver")
        form = RAW if driver is None else driver.get("type", RAW)
        yield LayeredDisk(target=target.get("dev", ""), layers=_chain(disk, form))


def _chain(disk: etree._Element, form: str) -> tuple[Layer, ...] | None:
    found: list[Layer] = []
    place: etree._Element | None = disk
    while place is not None and len(found) < _MOST:
        source = place.find("source")
        path = None if source is None else source.get("file") or source.get("dev")
        # A slice is a part of a file, and what is encrypted is none of what the guest sees.
        if path is None or source is None or len(source):
            return None
        found.append(Layer(path=path, form=form))
        below = place.find("backingStore")
        if form == RAW or (below is not None and not len(below) and not below.attrib):
            return tuple(found)
        declared = None if below is None else below.find("format")
        if declared is None:
            return None
        form, place = declared.get("type", ""), below
    return None
