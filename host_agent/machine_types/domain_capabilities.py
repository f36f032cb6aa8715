"""What a host's QEMU offers to one machine type (libvirt docs/formatdomaincaps.rst). Pure."""

from host_agent import untrusted_xml
from host_agent.untrusted_xml import XmlError


def loaders(xml: str) -> frozenset[str]:
    """Return the firmware images that libvirt lists; none where the XML can't be parsed."""
    try:
        root = untrusted_xml.parse(xml)
    except XmlError:
        return frozenset()
    found = (value.text or "" for value in root.iterfind("os/loader/value"))
    return frozenset(text.strip() for text in found if text.strip())
