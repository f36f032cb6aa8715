"""Domains by what their metadata says, such as ``role=db``. Pure.

A tag is an element or an attribute anywhere in ``<metadata>``, whatever its namespace: owners and
provisioning tools each have a form of their own.
"""

from collections.abc import Mapping

from lxml import etree

from host_agent import untrusted_xml
from host_agent.errors import UsageError
from host_agent.printable import printable
from host_agent.untrusted_xml import XmlError


def parse(text: str) -> tuple[str, str | None]:
    """Return a tag's key and value, None where any will do; raises ``UsageError``."""
    key, equals, value = text.partition("=")
    if not key.strip():
        raise UsageError(f"{printable(text)[:60]!r} is no tag: KEY or KEY=VALUE")
    return key.strip(), value if equals else None


def fits(metadata: Mapping[str, str], key: str, value: str | None) -> bool:
    """Tell whether metadata (namespace → element) has the tag."""
    return any(
        name == key and value in {None, found}
        for text in metadata.values()
        for name, found in _pairs(text)
    )


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        root = untrusted_xml.parse(text)
    except XmlError:
        return []
    pairs = []
    for element in root.iter("*"):
        pairs.append((etree.QName(element).localname, (element.text or "").strip()))
        pairs += [(etree.QName(str(name)).localname, str(found)) for name, found in element.items()]
        # Many write <tag name='role'>db</tag>.
        named = element.get("name") or element.get("key")
        if named:
            pairs.append((named, element.get("value") or (element.text or "").strip()))
    return pairs
