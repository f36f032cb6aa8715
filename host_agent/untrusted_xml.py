"""XML of others: no entities, no network, bounded depth and text. Pure.

lxml's own limits hold (``huge_tree=False``); how long a text may be is its reader's business.
"""

from lxml import etree


class XmlError(ValueError):
    """The text is no XML; the sentence says where."""


def parse(text: str) -> etree._Element:
    """Return the root element; raises ``XmlError``."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        return etree.fromstring(text.encode("utf-8", "surrogatepass"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise XmlError(str(error)) from error
