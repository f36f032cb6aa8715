"""A domain's XML with another machine type, and not a byte else. Pure.

``<os><type machine='…'>`` of libvirt formatdomain.rst, "Guest firmware" and "Operating system
booting". Firmware variables, disks and addresses stay as they are: libvirt wrote them into the
definition when the domain was made, so a newer machine type does not place them anew.
"""

import re

from lxml import etree

from host_agent import untrusted_xml
from host_agent.untrusted_xml import XmlError

_MARK = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<(?P<name>[^\s<>/!?]+)|</", re.DOTALL)
_ATTRIBUTE = re.compile(r"""(\smachine\s*=\s*)("[^"]*"|'[^']*')""")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*", re.ASCII)


class EditError(ValueError):
    """The machine type can't be written into this XML; the sentence says why."""


def with_machine(xml: str, machine: str) -> str:
    """Return the XML with this machine type; raises ``EditError``.

    The text is changed, not parsed and written anew; then it is parsed, to see that nothing else
    is different.
    """
    if not _NAME.fullmatch(machine):
        raise EditError(f"{machine!r} is no machine type's name")
    wanted = _parsed(xml)
    element = wanted.find("os/type")
    if wanted.tag != "domain" or element is None or element.get("machine") is None:
        raise EditError("it has no <os><type machine='…'>")
    element.set("machine", machine)
    for start, end in _type_tags(xml):
        tag = _ATTRIBUTE.sub(lambda found: _quoted(found, machine), xml[start:end], count=1)
        after = xml[:start] + tag + xml[end:]
        if _written(_parsed(after)) == _written(wanted):
            return after
    raise EditError("its <os><type machine='…'> could not be found in the text")


def machine_of(xml: str) -> str | None:
    """Return the machine type as the XML has it; raises ``EditError``."""
    element = _parsed(xml).find("os/type")
    return None if element is None else element.get("machine")


def same_but_for_machine(one: str, two: str) -> bool:
    """Tell whether two definitions differ in no more than machine type and metadata.

    Metadata is other programs': our own baseline is renewed there while an upgrade goes on.
    """
    return _bare(one) == _bare(two)


def changed_lines(before: str, after: str) -> tuple[tuple[str, str], ...]:
    """Return the lines that differ, before and after, of texts with as many lines."""
    pairs = zip(before.splitlines(), after.splitlines(), strict=True)
    return tuple((one.strip(), two.strip()) for one, two in pairs if one != two)


def _quoted(found: re.Match[str], text: str) -> str:
    mark = found[2][0]
    return f"{found[1]}{mark}{text}{mark}"


def _type_tags(xml: str) -> list[tuple[int, int]]:
    """Return where the start tags of all <type> with a machine lie, outside of comments."""
    found = []
    for mark in _MARK.finditer(xml):
        if mark["name"] == "type":
            end = xml.find(">", mark.end())
            if end > 0 and _ATTRIBUTE.search(xml, mark.start(), end):
                found.append((mark.start(), end))
    return found


def _bare(xml: str) -> bytes:
    root = _parsed(xml)
    for element in root.findall("metadata"):
        root.remove(element)
    kind = root.find("os/type")
    if kind is not None:
        kind.attrib.pop("machine", None)
    for element in root.iter():
        # Indents are libvirt's.
        element.text = (element.text or "").strip() or None
        element.tail = None
    return _written(root)


def _written(root: etree._Element) -> bytes:
    # Not canonical XML: that refuses namespaces such as an owner's "u".
    return etree.tostring(root)


def _parsed(xml: str) -> etree._Element:
    try:
        return untrusted_xml.parse(xml)
    except XmlError as error:
        raise EditError(f"the domain XML can't be parsed: {error}") from error
