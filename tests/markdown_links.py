"""Links of Markdown pages, and whether they lead anywhere."""

import re
from pathlib import Path


def dead(page: Path) -> list[str]:
    """Return the links of a page that lead to no file and to no heading, whole ones aside."""
    text = page.read_text(encoding="utf-8")
    defined = dict(re.findall(r"^\[([^]]+)\]: (\S+)$", text, re.MULTILINE))
    used = set(re.findall(r"\]\[([^]]+)\]", text))
    targets = (*re.findall(r"\]\(([^)\s]+)\)", text), *defined.values())
    return [*sorted(used - set(defined)), *(one for one in targets if not _leads(page, one))]


def _leads(page: Path, target: str) -> bool:
    if "://" in target:
        return True
    place, _, anchor = target.partition("#")
    other = page.parent / place if place else page
    return other.exists() and (not anchor or anchor in _anchors(other))


def _anchors(page: Path) -> set[str]:
    """The headings of a page, as a forge makes anchors of them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one).strip().lower().replace(" ", "-") for one in headings}
