"""A domain's baseline as an XML element, and back. Pure.

The element lies in the domain's ``<metadata>`` (libvirt formatdomain.rst, "General metadata"), so
libvirt carries it to the destination inside a live migration, keeps it over restarts and deletes it
with the domain::

    <baseline xmlns='urn:samemachine:baseline:1' version='2' uuid='…' taken='2026-03-02T04:11:00Z'
              salt='…' host='node17' qemu='7.2.22' machine='pc-q35-7.2' product='…' boot-id='…'>
      <report sha256='…'>base64 of deflated protobuf</report>
      <options>base64 of deflated JSON</options>  <!-- options.to_text -->
      <devices>base64 of deflated JSON</devices>  <!-- kept_rehearsal.to_text -->
      <older group='pci' taken='…' host='…' qemu='…' boot-id='…'/>  <!-- kept_evidence -->
      <event time='…' host='…' qemu='…' occasion='arrival' verdict='verified'/>
    </baseline>

What is readable is for people and for finding damage; what counts is the report, a serialized
``samemachine.v1.Report`` without its nonce. Version 2 has a salt, and tokens for the identifiers in
report and options (``identifiers``); version 1 has them in clear.
"""

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from lxml import etree

from host_agent import untrusted_xml
from host_agent.evidence import decode, decode_hardware, identifiers, report_bounds
from host_agent.evidence.baseline import NAMESPACE, Baseline, Event, Older
from host_agent.evidence.observation import Observation
from host_agent.firmware.smbios import Smbios
from host_agent.missing import Missing
from host_agent.printable import printable
from host_agent.untrusted_xml import XmlError

if TYPE_CHECKING:
    # Few domains have a UEFI.
    from host_agent.evidence.nvram import Nvram
from samemachine.v1 import guest_pb2

PREFIX = "samemachine"
VERSION = 2
_CLEAR = 1
"""The version whose identifiers are in clear."""
MAX_ELEMENT = 512 * 1024
"""Bytes of XML; libvirt's messages carry 16 MiB (``src/rpc/virnetprotocol.x``)."""
MAX_EVENTS = 10
_MAX_OLDER = 64
_MAX_OPTIONS = 256 * 1024
_ROOM = 4096
"""What libvirt may add to an element where it writes it anew: prefixes, indents."""
_LAST_TIME = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
"""A later one may be none in another time zone."""
_TAG = f"{{{NAMESPACE}}}"
_NUMBER = re.compile(r"[0-9]+", re.ASCII)
_DIGITS = 9


class BaselineError(ValueError):
    """The element is no baseline that can be used; the sentence says why."""


class ForeignBaselineError(BaselineError):
    """It is another domain's, as in a copied XML: this domain has none of its own."""


def to_element(baseline: Baseline) -> str:
    """Return the XML element; raises ``BaselineError`` where it would be too large.

    Where the baseline has a salt, identifiers are hashed with it.
    """
    salt = baseline.salt
    attributes = {
        "version": str(_CLEAR if salt is None else VERSION),
        "salt": None if salt is None else salt.hex(),
        "uuid": str(baseline.uuid),
        "taken": _time_text(baseline.taken),
        "host": baseline.host,
        "qemu": baseline.qemu,
        "booted-qemu": baseline.booted_qemu,
        "machine": baseline.machine,
        "product": baseline.product,
        "boot-id": baseline.observation.boot_id,
        "process": baseline.process,
    }
    element = etree.Element(f"{_TAG}baseline", _given(attributes), nsmap={None: NAMESPACE})
    raw, kept_options = _kept(baseline)
    options_raw = None if kept_options is None else kept_options.encode()
    for what, size, most in (
        ("report", len(raw), report_bounds.MAX_REPORT),
        ("list of options", len(options_raw or b""), _MAX_OPTIONS),
        ("list of devices", len((baseline.devices or "").encode()), _MAX_OPTIONS),
    ):
        # What would not be read must not be written either.
        if size > most:
            raise BaselineError(f"its {what} has {size} bytes, more than {most}")
    report = etree.SubElement(element, f"{_TAG}report", sha256=hashlib.sha256(raw).hexdigest())
    report.text = _packed(raw)
    if options_raw is not None:
        options = etree.SubElement(element, f"{_TAG}options")
        options.text = _packed(options_raw)
    if baseline.devices is not None:
        devices = etree.SubElement(element, f"{_TAG}devices")
        devices.text = _packed(baseline.devices.encode())
    for event in baseline.trail[-MAX_EVENTS:]:
        fields = {
            "time": _time_text(event.time),
            "host": event.host,
            "qemu": event.qemu,
            "occasion": event.occasion,
            "verdict": event.verdict,
            "process": event.process,
        }
        etree.SubElement(element, f"{_TAG}event", _given(fields))
    for group, older in sorted(baseline.older.items()):
        fields = {
            "group": group, "taken": _time_text(older.taken), "host": older.host,
            "qemu": older.qemu, "booted-qemu": older.booted_qemu, "process": older.process,
            "boot-id": older.boot_id, "kernel": older.kernel,
        }  # fmt: skip
        etree.SubElement(element, f"{_TAG}older", _given(fields))
    text = etree.tostring(element, encoding="unicode")
    size, most = len(text.encode()), MAX_ELEMENT - _ROOM
    if size > most:
        raise BaselineError(f"it would take {size} bytes of the XML, more than {most}")
    return text


def from_element(text: str, uuid: UUID, known: Collection[str] = ()) -> Baseline:
    """Read the element of the domain with this UUID; raises ``BaselineError`` with the reason.

    libvirt writes the element anew (``virXMLInjectNamespace`` of ``src/util/virxml.c``): the root
    gets our prefix, the children may stay in no namespace, and ``virDomainGetMetadata`` takes the
    root's away as well. What lies in a namespace of somebody else's is not ours.

    known: identifiers that are put in the place of their tokens.
    """
    if len(text) > MAX_ELEMENT:
        raise BaselineError(f"it has {len(text)} bytes, more than {MAX_ELEMENT}")
    if text.startswith("<?xml") and "encoding" in text.partition("?>")[0]:
        # It is text by now: an encoding that it still names would have to be believed.
        raise BaselineError("it is no XML element: it declares an encoding")
    try:
        element = untrusted_xml.parse(text)
    except XmlError as error:
        raise BaselineError(f"it is no XML: {printable(str(error))}") from error
    if element.tag not in _names("baseline"):
        raise BaselineError(f"it is no baseline but {printable(str(element.tag))[:80]}")
    version = element.get("version", "")
    if not _NUMBER.fullmatch(version):
        raise BaselineError("it has no version")
    if len(version) > _DIGITS or int(version) > VERSION:
        raise BaselineError(
            f"it has version {version[:20]}, this samemachine reads up to {VERSION}; "
            "update samemachine"
        )
    if element.get("uuid") != str(uuid):
        whose = printable(element.get("uuid") or "no UUID")[:36]
        raise ForeignBaselineError(
            f"it is of domain {whose}, not of this one: was the definition copied?"
        )
    salt = None if int(version) == _CLEAR else _salt(element.get("salt", ""))
    report = _only(element, "report")
    if report is None:
        raise BaselineError("its report is missing")
    raw = _unpacked(report.text, report_bounds.MAX_REPORT, "report")
    if hashlib.sha256(raw).hexdigest() != report.get("sha256"):
        raise BaselineError("its report is damaged: the SHA-256 is another one")
    tell = None if salt is None else identifiers.teller(salt, known)
    taken = _time(element.get("taken"))
    try:
        found = report_bounds.parse(raw)
        if tell is not None:
            identifiers.change(found, tell)
        observation = decode.decode(found, b"", 0.0, taken, hashed=tell is not None)
    except ValueError as error:
        raise BaselineError(f"its report can't be read: {error}") from error
    kept = _only(element, "options")
    options = None if kept is None else _json(kept.text, "options")
    if options is not None and tell is not None:
        options = identifiers.changed_options(options, tell)
    devices = _only(element, "devices")
    return Baseline(
        uuid=uuid,
        taken=taken,
        host=_text(element.get("host")) or "unknown",
        qemu=_text(element.get("qemu")),
        booted_qemu=_text(element.get("booted-qemu")),
        machine=_text(element.get("machine")),
        product=_text(element.get("product")),
        observation=observation,
        options=options,
        devices=None if devices is None else _json(devices.text, "devices"),
        trail=tuple(map(_event, _children(element, "event")[-MAX_EVENTS:])),
        salt=salt,
        process=_text(element.get("process")),
        older=dict(map(_older, _children(element, "older")[:_MAX_OLDER])),
    )


def observation_of_memory(booted: Smbios, now: float) -> Observation:
    """Return an observation of the booted tables only, which the host read in guest memory."""
    tables = guest_pb2.SmbiosTables(
        entry_point=booted.entry_point, tables=booted.tables, source="guest memory"
    )
    return decode.decode(guest_pb2.Report(smbios_booted=tables), b"", 0.0, now)


def with_store(seen: Observation, store: "Nvram | Missing") -> Observation:
    """Return an observation with what the host read in the guest's store, where the guest said not.

    That is the digests alone: whether secure boot was on, only the guest knows.
    """
    if isinstance(store, Missing) or not isinstance(seen.hardware.uefi, Missing):
        return seen
    report = guest_pb2.Report.FromString(seen.raw)
    absences = [one for one in report.absences if one.group != guest_pb2.EVIDENCE_GROUP_UEFI]
    del report.absences[:]
    report.absences.extend(absences)
    report.uefi.SetInParent()
    for name, database in store.databases.items():
        digest = bytes.fromhex(database.sha256)
        report.uefi.databases.add(name=name, size_bytes=database.size, sha256=digest)
    return decode.decode(report, b"", seen.seconds, seen.received)


def lasting(raw: bytes) -> bytes:
    """Return a report without what changes from one moment to the next within one boot.

    Its clocks, the bits of CPUID that follow what the kernel has switched on, and what the kernel
    writes into the ACPI table FACS.
    """
    report = guest_pb2.Report.FromString(raw)
    report.ClearField("clock")
    # Linux computes it anew from the clock that NTP corrects.
    report.boot.ClearField("boot_time_seconds")
    leaves = decode_hardware.lasting_cpuid(report.cpu.live_cpuid)
    del report.cpu.live_cpuid[:]
    for one in leaves:
        eax, ebx, ecx, edx = one.registers
        report.cpu.live_cpuid.add(
            leaf=one.leaf, subleaf=one.subleaf, eax=eax, ebx=ebx, ecx=ecx, edx=edx
        )
    for table in report.acpi.tables:
        if table.signature == "FACS" and table.content_sha256:
            table.ClearField("sha256")
    return report.SerializeToString(deterministic=True)


def _kept(baseline: Baseline) -> tuple[bytes, str | None]:
    """Return report and options as they are written."""
    raw, options = baseline.observation.raw, baseline.options
    if baseline.salt is None:
        return raw, options
    hide = identifiers.hider(baseline.salt)
    return (
        identifiers.changed(raw, hide),
        None if options is None else identifiers.changed_options(options, hide),
    )


def _names(name: str) -> tuple[str, str]:
    return f"{_TAG}{name}", name


def _children(element: etree._Element, name: str) -> list[etree._Element]:
    return [child for child in element if child.tag in _names(name)]


def _only(element: etree._Element, name: str) -> etree._Element | None:
    found = _children(element, name)
    if len(found) > 1:
        raise BaselineError(f"it has {len(found)} of <{name}>")
    return found[0] if found else None


def _given(fields: Mapping[str, str | None]) -> dict[str, str]:
    return {name: given for name, text in fields.items() if (given := _text(text)) is not None}


def _salt(text: str) -> bytes:
    try:
        salt = bytes.fromhex(text)
    except ValueError:
        salt = b""
    if len(salt) != identifiers.SALT_BYTES:
        raise BaselineError("it has no salt")
    return salt


def _packed(raw: bytes) -> str:
    return base64.b64encode(zlib.compress(raw, 9)).decode("ascii")


def _unpacked(text: str | None, most: int, what: str) -> bytes:
    try:
        packed = base64.b64decode((text or "").strip(), validate=True)
        plain = zlib.decompressobj()
        raw = plain.decompress(packed, most + 1)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise BaselineError(f"its {what} is damaged: {error}") from error
    if len(raw) > most:
        raise BaselineError(f"its {what} has more than {most} bytes")
    if not plain.eof:
        raise BaselineError(f"its {what} is cut short")
    return raw


def _json(text: str | None, of: str) -> str:
    return _unpacked(text, _MAX_OPTIONS, f"list of {of}").decode("utf-8", "replace")


def _event(element: etree._Element) -> Event:
    return Event(
        time=_time(element.get("time")),
        host=_text(element.get("host")) or "unknown",
        qemu=_text(element.get("qemu")),
        occasion=_text(element.get("occasion")) or "unknown",
        verdict=_text(element.get("verdict")) or "unknown",
        process=_text(element.get("process")),
    )


def _older(element: etree._Element) -> tuple[str, Older]:
    return _text(element.get("group")) or "unknown", Older(
        taken=_time(element.get("taken")),
        host=_text(element.get("host")) or "unknown",
        qemu=_text(element.get("qemu")),
        booted_qemu=_text(element.get("booted-qemu")),
        process=_text(element.get("process")),
        boot_id=_text(element.get("boot-id")),
        kernel=_text(element.get("kernel")),
    )


def _text(text: str | None) -> str | None:
    return printable(text[: decode.MAX_TEXT])[: decode.MAX_TEXT] or None if text else None


def _time_text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _time(text: str | None) -> float:
    try:
        seconds = datetime.fromisoformat(text or "").timestamp()
        if not 0 <= seconds < _LAST_TIME:
            raise ValueError(text)
    except (ValueError, OverflowError) as error:
        raise BaselineError(f"{printable(text or 'nothing')[:40]!r} is no time") from error
    return seconds
