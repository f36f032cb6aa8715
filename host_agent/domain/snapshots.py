"""A snapshot's XML → whether it holds a running guest, and of which machine type. Pure.

libvirt docs/formatsnapshot.rst.
"""

from dataclasses import dataclass

from host_agent import untrusted_xml
from host_agent.domain.definition import DomainXmlError
from host_agent.untrusted_xml import XmlError

_OF_MEMORY = {"internal", "external"}
_MOST_DIGITS = 11
"""Of a time in seconds: more is after the year 9999."""
_RAN = {"running", "paused"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A snapshot of a domain."""

    name: str
    memory: bool
    """Whether it holds a running guest, which only the same machine type can take up again."""
    machine: str | None
    """The machine type of that guest."""
    created: float | None = None
    """Seconds since 1970-01-01 UTC; None: it is not told."""


def parse(xml: str) -> Snapshot:
    """Return what matters of a snapshot; raises ``DomainXmlError``."""
    try:
        root = untrusted_xml.parse(xml)
    except XmlError as error:
        raise DomainXmlError(f"a snapshot's XML can't be parsed: {error}") from error
    memory = root.find("memory")
    if memory is not None and memory.get("snapshot"):
        holds = memory.get("snapshot") in _OF_MEMORY
    else:
        # Those of older libvirts do not say.
        holds = (root.findtext("state") or "").strip() in _RAN
    type_ = root.find("domain/os/type")
    return Snapshot(
        name=(root.findtext("name") or "").strip(),
        memory=holds,
        machine=None if type_ is None else type_.get("machine") or None,
        created=_seconds((root.findtext("creationTime") or "").strip()),
    )


def _seconds(text: str) -> float | None:
    plain = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return float(text) if plain else None
