"""What of a domain XML its guest sees, element by element: handled here, not handled, not known.

``data/domain-elements.txt`` has a rule for each of libvirt's elements, and the names of all that
its schema (``domaincommon.rng``) knew when the list was made. What is not in there is named, never
passed over. Pure, but for the list, which is read once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Literal

from lxml import etree

DEEPEST = 9
"""Elements within one another; deeper ones are their parents' business."""
_DATA = "data", "domain-elements.txt"
_QEMU = "http://libvirt.org/schemas/domain/qemu/1.0"
_HOLDERS = frozenset({"devices", "features", "os"})
MOST = 12
_LONGEST = 60

Sort = Literal["handled", "seen", "unseen"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Whether guests see an element or attribute, and what is below it."""

    path: str
    """``devices/disk``, ``devices/*/alias``, ``memory@dumpCore``."""
    sort: Sort
    where: str
    """What handles it: a module and, after a colon, how. Nothing: none does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What of one domain XML is not judged; each of bounded length and number."""

    seen: tuple[str, ...] = ()
    """Elements that the guest sees and no check handles."""
    unknown: tuple[str, ...] = ()
    """Elements and attributes that are not in the list."""


@cache
def _parts() -> tuple[str, str]:
    text = resources.files("host_agent").joinpath(*_DATA).read_text(encoding="utf-8")
    rules, _, names = text.partition("\n\n")
    return rules, names


@cache
def rules() -> Mapping[str, Rule]:
    """Return the rules by their path."""
    found = {}
    for line in _parts()[0].splitlines():
        if not line.startswith("#"):
            path, sort, *where = line.split("\t")
            found[path] = Rule(path=path, sort=sort, where=where[0] if where else "")  # type: ignore[arg-type]  # a test holds the words
    return found


@cache
def names() -> Mapping[str, frozenset[str]]:
    """Return path → its attributes, of all elements of the schema; "" is ``<domain>``."""
    lines = (line.split(" ") for line in _parts()[1].splitlines() if not line.startswith("#"))
    return {path if path != "." else "": frozenset(attributes) for path, *attributes in lines}


@lru_cache(maxsize=8192)
def rule(path: str, attribute: str | None = None) -> Rule | None:
    """Return the rule for an element or its attribute: the attribute's own, else the nearest's."""
    parts = path.split("/")
    if attribute is not None and (own := rules().get(f"{path}@{attribute}")):
        return own
    for length in range(len(parts), 0, -1):
        for form in ("/".join(parts[:length]), _any("devices", parts[:length])):
            if form in rules():
                return rules()[form]
    return None


def _any(parent: str, parts: list[str]) -> str:
    return "/".join([parent, "*", *parts[2:]]) if len(parts) > 2 and parts[0] == parent else ""


def look(root: etree._Element) -> Noted:
    """Return what of a ``<domain>`` no check judges; bounded, whatever the XML is."""
    seen: dict[str, None] = {}
    unknown: dict[str, None] = {}

    def walk(element: etree._Element, path: str, depth: int) -> None:
        known = names().get(path)
        if known is None:
            unknown[f"<{path}>"] = None
            return
        _of_attributes(element, path, known, seen, unknown)
        for child in element:
            if not isinstance(child.tag, str) or len(unknown) > MOST or path == "metadata":
                continue
            name = etree.QName(child)
            if name.namespace == _QEMU and not path:
                _note(f"qemu:{name.localname}", None, seen)
            elif not name.namespace and depth <= DEEPEST:
                same = path.rpartition("/")[2] == name.localname
                inner = path if same else f"{path}/{name.localname}".lstrip("/")
                walk(child, inner, depth + (not same))

    walk(root, "", 0)
    return Noted(seen=_bounded(seen), unknown=_bounded(unknown))


def _of_attributes(
    element: etree._Element,
    path: str,
    known: frozenset[str],
    seen: dict[str, None],
    unknown: dict[str, None],
) -> None:
    if path:
        _note(path, None, seen)
    for attribute in element.attrib:
        name = str(attribute)
        if name.startswith("{"):
            continue
        if name not in known and "*" not in known:
            unknown[f"<{path or 'domain'} {name}=>"] = None
        else:
            _note(path, name, seen)


def _note(path: str, attribute: str | None, seen: dict[str, None]) -> None:
    found = rule(path, attribute)
    if found is None or found.sort != "seen":
        return
    parts, length = path.split("/"), len(found.path.split("/"))
    if found.path in _HOLDERS:
        # What is in it is said, not the holder.
        length += 1
    if len(parts) >= length:
        seen[f"<{'/'.join(parts[:length])}>"] = None


def _bounded(found: Mapping[str, None]) -> tuple[str, ...]:
    shown = [name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…" for name in found]
    if len(shown) > MOST:
        shown = [*shown[:MOST], "and more"]
    return tuple(shown)
