"""What in a report names one thing among all of its kind, hashed for keeping, and told again. Pure.

Identifiers are MAC addresses, serial numbers and world-wide names of disks, serial numbers and
asset tags of SMBIOS, fingerprints of TPMs, and the values of system credentials; not the domain's
own UUID, which is libvirt's name for it. Each is kept as ``hashed:`` and 64 bits of its HMAC-SHA256
with a random salt (RFC 2104), so the same thing has the same token wherever that salt is used, and
another token everywhere else.

The salt lies beside the tokens, since a baseline must be readable on every host. So this protects
from reading, searching and joining what is kept; whoever has both can still try out all MAC
addresses of a vendor, of which there are only 16 million.
"""

import hmac
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from google.protobuf.message import Message

from host_agent.firmware.smbios import SmbiosError, Structure, split
from samemachine.v1 import guest_pb2

SALT_BYTES = 16
TOKEN = re.compile(r"hashed:[0-9a-f]{16}")
Change = Callable[[str], str]

# Type of structure → where its formatted area names a serial number or an asset tag (DSP0134 7.2 to
# 7.5, 7.18, 7.23, 7.40).
_STRINGS = {
    1: (0x07,), 2: (0x07, 0x08), 3: (0x07, 0x08), 4: (0x20, 0x21), 17: (0x18, 0x19), 22: (0x07,),
    39: (0x08, 0x09),
}  # fmt: skip
_OEM_STRINGS = 11
# systemd.system-credentials(7).
_CREDENTIAL = re.compile(r"(io\.systemd\.credential[^=]*=)(.+)", re.DOTALL)
# /proc/sysinfo: of the physical machine and of its partition.
_SYSINFO = re.compile(r"Sequence Code|LPAR UUID|.*Serial.*")
# Of QEMU's option -smbios (qemu-options.hx).
_OPTIONS = {"serial", "asset"}


def token(salt: bytes, text: str) -> str:
    """Return what is kept instead of an identifier."""
    raw = text.encode("utf-8", "surrogateescape")
    return f"hashed:{hmac.digest(salt, raw, 'sha256').hex()[:16]}"


def hider(salt: bytes) -> Change:
    """Return what makes tokens; what is one already, since it is not known here, stays."""
    return lambda text: text if TOKEN.fullmatch(text) else token(salt, text)


def teller(salt: bytes, known: Iterable[str]) -> Change:
    """Return what puts identifiers in the place of their tokens; one that is not known stays."""
    told = {token(salt, text): text for text in known}
    return lambda text: told.get(text, text)


def changed(raw: bytes, how: Change) -> bytes:
    """Return a serialized report with its identifiers, or their tokens, changed."""
    report = guest_pb2.Report.FromString(raw)
    change(report, how)
    return report.SerializeToString(deterministic=True)


def changed_options(text: str, change: Change) -> str:
    """Return QEMU's options (``options.to_text``) with their identifiers changed."""
    try:
        form = json.loads(text)
        arguments = form["arguments"]
        for at, name in enumerate(arguments[:-1]):
            if name == "-smbios":
                arguments[at + 1] = _changed_option(arguments[at + 1], change)
        return json.dumps(form, separators=(",", ":"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        # None that was written here; whoever wants to use it will say so.
        return text


def in_report(raw: bytes) -> frozenset[str]:
    """Return the identifiers in a serialized report."""
    return _found(lambda keep: changed(raw, keep))


def in_tables(tables: bytes) -> frozenset[str]:
    """Return the identifiers in SMBIOS tables."""
    return _found(lambda keep: _changed_tables(tables, keep))


def in_options(text: str) -> frozenset[str]:
    """Return the identifiers in QEMU's options."""
    return _found(lambda keep: changed_options(text, keep))


def _found(visit: Callable[[Change], object]) -> frozenset[str]:
    found: set[str] = set()

    def keep(text: str) -> str:
        if not TOKEN.fullmatch(text):
            found.add(text)
        return text

    visit(keep)
    return frozenset(found)


def change(report: guest_pb2.Report, how: Change) -> None:
    """Change the identifiers of a report, or their tokens, where they stand."""
    for interface in report.network.interfaces:
        interface.name = _changed_name(interface, how)
    for message, field in _fields(report):
        text = getattr(message, field)
        if text:
            setattr(message, field, how(text))
    for key, text in tuple(report.platform.sysinfo.items()):
        if text and _SYSINFO.fullmatch(key):
            report.platform.sysinfo[key] = how(text)
    for name in ("smbios_booted", "smbios_live"):
        if report.HasField(name):
            group = getattr(report, name)
            group.tables = _changed_tables(group.tables, how)


def _fields(report: guest_pb2.Report) -> Iterator[tuple[Message, str]]:
    if report.HasField("dmi"):
        yield report.dmi, "system_serial"
    for interface in report.network.interfaces:
        yield interface, "mac"
        yield interface, "current_mac"
    if report.HasField("tpm"):
        yield report.tpm, "endorsement_sha256"
    for disk in report.block.devices:
        yield disk, "serial"
        yield disk, "wwn"


def _changed_name(interface: guest_pb2.NetworkInterface, change: Change) -> str:
    """An interface may be named by its address: ``enx525400aa1002`` (systemd.net-naming-scheme)."""
    name = TOKEN.sub(lambda found: change(found[0]), interface.name)
    for address in (interface.mac, interface.current_mac):
        digits = address.replace(":", "")
        if digits and not TOKEN.fullmatch(address) and digits in name:
            name = name.replace(digits, change(digits))
    return name


def _changed_tables(raw: bytes, change: Change) -> bytes:
    """Return SMBIOS tables with their identifiers changed.

    Of tables that can't be read nothing is kept: nobody knows what is in them.
    """
    try:
        tables = split(raw)
    except SmbiosError:
        return b""
    changed_ = tuple(_changed_structure(structure, change) for structure in tables.structures)
    return replace(tables, structures=changed_).build()


def _changed_structure(structure: Structure, change: Change) -> Structure:
    area = structure.formatted
    named = {area[at] for at in _STRINGS.get(structure.type, ()) if at < len(area)}
    strings = []
    for number, raw in enumerate(structure.strings, 1):
        text = raw.decode("utf-8", "surrogateescape")
        if number in named and text:
            text = change(text)
        elif structure.type == _OEM_STRINGS:
            text = _changed_credential(text, change)
        strings.append(text.encode("utf-8", "surrogateescape"))
    return replace(structure, strings=tuple(strings))


def _changed_credential(text: str, change: Change) -> str:
    found = _CREDENTIAL.fullmatch(text)
    return text if found is None else f"{found[1]}{change(found[2])}"


def _changed_option(value: str, change: Change) -> str:
    """Two commas stand for one (QEMU ``util/keyval.c``)."""
    parts = []
    for part in value.replace(",,", "\0").split(","):
        key, equals, escaped = part.partition("=")
        text = escaped.replace("\0", ",")
        if key in _OPTIONS and text:
            text = change(text)
        elif key == "value":
            text = _changed_credential(text, change)
        parts.append(f"{key}{equals}{text.replace(',', ',,')}")
    return ",".join(parts)
