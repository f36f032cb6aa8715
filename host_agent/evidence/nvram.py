"""What a UEFI firmware keeps: its Secure Boot keys and boot entries, as facts. Pure.

What the variables hold is the UEFI specification's: 3.3 (boot entries), 32.4 (signature lists and
the databases PK, KEK, db, dbx). They are read by a program of its own (``qemu/nvram_decoding``),
whose answer is taken here, within bounds: a guest can write whatever it likes into its store.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from host_agent.domain.uefi import DATABASES
from host_agent.printable import shortened

_MOST_CERTIFICATES = 256
_MOST_ENTRIES = 512
_MOST_STEPS = 64
_MOST_TEXT = 200
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", re.ASCII)


class NvramError(ValueError):
    """The answer can't be used; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate in a database."""

    sha256: str
    """Of its DER form, in hexadecimal digits: its fingerprint."""
    subject: str | None
    """Its common name; None: it has none, or it can't be read."""
    issuer: str | None
    not_after: date | None
    """The last day of its validity, UTC; None: it can't be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """PK, KEK, db or dbx."""

    size: int
    """Bytes of the variable."""
    sha256: str
    """Of the variable's bytes, in hexadecimal digits."""
    certificates: tuple[Certificate, ...]
    hashes: int
    """How many images it names by their hash."""
    written: date | None
    """The time stamp that its last change was signed with; None: it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BootEntry:
    """A ``Boot####``."""

    number: int
    active: bool
    title: str
    path: str
    """The device path, in words."""
    pci: tuple[tuple[int, int], ...]
    """Device and function on each bus from the root bus on; empty: it names no PCI device."""
    mac: str | None
    """Of a network boot; None: it names none."""
    partition: UUID | None
    """The GUID of a GPT partition; None: it names none."""

    @property
    def name(self) -> str:
        """Return for example ``Boot0003 (debian)``; a network boot's title holds its address."""
        return f"Boot{self.number:04X} ({self.title if self.mac is None else 'network'})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nvram:
    """A variable store."""

    databases: Mapping[str, Database]
    """Those of ``DATABASES`` that are set."""
    secure_boot_enable: bool | None
    """``SecureBootEnable``, by which the firmware's setup switches it off; None: it is not set."""
    boot_order: tuple[int, ...] = ()
    boot: Mapping[int, BootEntry] = field(default_factory=dict)
    """By their number; those that can't be read are not among them."""
    unreadable: tuple[int, ...] = ()
    """Numbers of the boot entries that can't be read."""
    variables: int = 0
    """How many variables there are."""

    @property
    def secure_boot(self) -> bool:
        """Whether a firmware with secure boot enforces it with this store.

        It does where there is a platform key, unless its setup switched that off (edk2
        ``AuthVariableLib: InitSecureBootVariables``).
        """
        return "PK" in self.databases and self.secure_boot_enable is not False

    @property
    def digests(self) -> Mapping[str, str]:
        """The SHA-256 of each database."""
        return {name: one.sha256 for name, one in self.databases.items()}

    def certificates(self, *names: str) -> tuple[Certificate, ...]:
        """Return the certificates of some databases, each once."""
        found = {
            one.sha256: one
            for name in names
            for one in (self.databases[name].certificates if name in self.databases else ())
        }
        return tuple(found.values())


def from_form(form: Mapping[str, Any]) -> Nvram:
    """Return what the program answered; raises ``NvramError``."""
    try:
        enabled = form["secure_boot_enable"]
        if not isinstance(enabled, bool | None):
            raise NvramError("it says of secure boot what is no answer")
        entries = [_entry(one) for one in _listed(form["boot"], _MOST_ENTRIES)]
        return Nvram(
            databases={
                name: _database(form["databases"][name])
                for name in DATABASES
                if name in form["databases"]
            },
            secure_boot_enable=enabled,
            boot_order=tuple(map(_number, _listed(form["boot_order"], 1 << 16))),
            boot={entry.number: entry for entry in entries},
            unreadable=tuple(map(_number, _listed(form["unreadable"], 1 << 16))),
            variables=_number(form["variables"]),
        )
    except NvramError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise NvramError("what was read of it has another form than expected") from error


def _database(form: Mapping[str, Any]) -> Database:
    return Database(
        size=_number(form["size"]),
        sha256=_digest(form["sha256"]),
        certificates=tuple(map(_certificate, _listed(form["certificates"], _MOST_CERTIFICATES))),
        hashes=_number(form["hashes"]),
        written=_day(form["written"]),
    )


def _certificate(form: Mapping[str, Any]) -> Certificate:
    return Certificate(
        sha256=_digest(form["sha256"]),
        subject=_text(form["subject"]),
        issuer=_text(form["issuer"]),
        not_after=_day(form["not_after"]),
    )


def _entry(form: Mapping[str, Any]) -> BootEntry:
    mac, partition = form["mac"], form["partition"]
    return BootEntry(
        number=_number(form["number"]),
        active=bool(form["active"]),
        title=_text(form["title"]) or "",
        path=_text(form["path"]) or "",
        pci=tuple((_number(dev), _number(fn)) for dev, fn in _listed(form["pci"], _MOST_STEPS)),
        mac=mac if isinstance(mac, str) and _MAC.fullmatch(mac) else None,
        partition=UUID(partition) if isinstance(partition, str) else None,
    )


def _listed(found: object, most: int) -> Sequence[Any]:
    if not isinstance(found, list) or len(found) > most:
        raise NvramError(f"it has more than {most} of what there are few of")
    return found


def _number(found: object) -> int:
    if type(found) is not int or not 0 <= found < 1 << 32:
        raise NvramError("it has a number that is none")
    return found


def _digest(found: object) -> str:
    if not isinstance(found, str) or not _SHA256.fullmatch(found):
        raise NvramError("it has a SHA-256 that is none")
    return found


def _text(found: object) -> str | None:
    return shortened(found, _MOST_TEXT) if isinstance(found, str) else None


def _day(found: object) -> date | None:
    return date.fromisoformat(found) if isinstance(found, str) else None
