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
        own = _of(path, tuple(map(str, element.attrib)))
        seen.update(own.seen)
        unknown.update(own.unknown)
        if path == "metadata" or path not in names():
            return
        for child in element:
            tag = child.tag
            if not isinstance(tag, str) or len(unknown) > MOST:
                continue
            if tag.startswith("{"):
                namespace, _, name = tag[1:].partition("}")
                if namespace == _QEMU and not path:
                    seen.update(_note(f"qemu:{name}", None))
            elif depth <= DEEPEST:
                same = path.rpartition("/")[2] == tag
                walk(child, path if same else f"{path}/{tag}" if path else tag, depth + (not same))

    walk(root, "", 0)
    return Noted(seen=_bounded(seen), unknown=_bounded(unknown))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Own:
    """What is to be noted of one element alone, in order."""

    seen: Mapping[str, None]
    unknown: Mapping[str, None]


@lru_cache(maxsize=8192)
def _of(path: str, attributes: tuple[str, ...]) -> _Own:
    """Return what is to be noted of an element with these attributes; one answer for all alike."""
    known = names().get(path)
    if known is None:
        return _Own(seen={}, unknown={f"<{path}>": None})
    seen: dict[str, None] = {}
    unknown: dict[str, None] = {}
    if path:
        seen.update(_note(path, None))
    for name in attributes:
        if name.startswith("{"):
            continue
        if name not in known and "*" not in known:
            unknown[f"<{path or 'domain'} {name}=>"] = None
        else:
            seen.update(_note(path, name))
    return _Own(seen=seen, unknown=unknown)


def _note(path: str, attribute: str | None) -> Mapping[str, None]:
    found = rule(path, attribute)
    if found is None or found.sort != "seen":
        return {}
    parts, length = path.split("/"), len(found.path.split("/"))
    if found.path in _HOLDERS:
        # What is in it is said, not the holder.
        length += 1
    return {f"<{'/'.join(parts[:length])}>": None} if len(parts) >= length else {}


def _bounded(found: Mapping[str, None]) -> tuple[str, ...]:
    shown = [name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…" for name in found]
    if len(shown) > MOST:
        shown = [*shown[:MOST], "and more"]
    return tuple(shown)
