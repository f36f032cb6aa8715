"""The host's capabilities XML → its machine-type aliases (libvirt docs/formatcaps.rst). Pure."""

from collections.abc import Mapping

from lxml import etree

Aliases = Mapping[tuple[str, str], Mapping[str, str]]
"""(architecture, emulator) → alias → the machine type's own name."""


def aliases(xml: str) -> Aliases:
    """Return the aliases of each emulator; none where the XML can't be parsed.

    A ``<machine canonical='pc-i440fx-7.2'>pc</machine>`` is an alias on this host today.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(xml.encode(), parser)
    except etree.XMLSyntaxError:
        return {}
    found: dict[tuple[str, str], dict[str, str]] = {}
    for arch in root.iterfind("guest/arch"):
        common = arch.findtext("emulator", "")
        for owner in (arch, *arch.iterfind("domain")):
            emulator = owner.findtext("emulator", common).strip()
            names = found.setdefault((arch.get("name", ""), emulator), {})
            for machine in owner.iterfind("machine[@canonical]"):
                names[(machine.text or "").strip()] = machine.get("canonical", "")
    return found
