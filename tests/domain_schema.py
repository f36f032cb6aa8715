"""The elements and attributes that libvirt's schema of the domain XML has (RELAX NG)."""

from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from host_agent.domain.elements import DEEPEST

_N = "{http://relaxng.org/ns/structure/1.0}"
_NOT_LIBVIRTS = {"metadata"}


def names(folder: Path) -> dict[str, set[str]]:
    """Return path below ``<domain>`` → its attributes, of the schemas in a folder.

    An element within one of its own name (``<backingStore>``) is that one again.
    """
    defines: dict[str, list[etree._Element]] = {}
    # Held as long as this runs, since what was walked is known by its id.
    held: list[etree._Element] = []
    for file in _files(folder, "domain.rng", set()):
        held += etree.parse(file).getroot().iter()
        for define in held[-1].getroottree().iter(f"{_N}define"):
            defines.setdefault(define.get("name", ""), []).append(define)
    found: dict[str, set[str]] = {}
    seen: set[tuple[str, int]] = set()

    def walk(node: etree._Element, path: tuple[str, ...]) -> None:
        for child in node:
            if not isinstance(child.tag, str):
                continue
            kind = child.tag.removeprefix(_N)
            if kind in {"element", "attribute"} and child.get("ns"):
                continue
            if kind == "ref":
                below = [(define, path) for define in defines.get(child.get("name", ""), ())]
            elif kind == "element":
                name = child.get("name")
                if name is None or len(path) > DEEPEST:
                    continue
                inner = path if path and path[-1] == name else (*path, name)
                found.setdefault("/".join(inner[1:]), set())
                below = [(child, inner)] if not _NOT_LIBVIRTS & set(path) else []
            elif kind == "attribute":
                found["/".join(path[1:])].add(child.get("name") or "*")
                continue
            else:
                below = [(child, path)]
            for one, where in below:
                key = ("/".join(where), id(one))
                if key not in seen:
                    seen.add(key)
                    walk(one, where)

    for define in defines["domain"]:
        walk(define, ())
    return found


def _files(folder: Path, name: str, seen: set[str]) -> Iterator[str]:
    if name in seen:
        return
    seen.add(name)
    file = str(folder / name)
    yield file
    for include in etree.parse(file).getroot().iter(f"{_N}include"):
        yield from _files(folder, include.get("href", ""), seen)
