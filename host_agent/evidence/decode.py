"""Report → ``Observation``: validates everything that came from a guest. Pure.

A guest is untrusted. What is not valid becomes a ``Missing`` with the reason, or where the whole
answer can't be trusted, a ``DecodeError``; control characters are escaped.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import UUID

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from host_agent.evidence import decode_hardware
from host_agent.evidence.observation import Observation
from host_agent.evidence.report_bounds import MAX_ABSENCES
from host_agent.firmware.smbios import MAX_TABLES, Named, Smbios, SmbiosError, parse
from host_agent.missing import Missing, Reason
from host_agent.printable import shortened
from samemachine.v1 import guest_pb2

MAX_TEXT = decode_hardware.MAX_TEXT
_MAX_ENTRY_POINT = 64


class DecodeError(ValueError):
    """The answer is no answer to our question; the sentence completes "the guest …"."""


def decode(
    report: guest_pb2.Report,
    nonce: bytes,
    seconds: float,
    received: float,
    *,
    hashed: bool = False,
) -> Observation:
    """Return the validated observation; raises ``DecodeError`` where it is not our answer.

    ``seconds`` is how long it took, ``received`` when it came, since 1970-01-01 UTC. ``hashed``: it
    was kept, and identifiers may be tokens.
    """
    if report.nonce != nonce:
        raise DecodeError("answered with another nonce than it was asked with")
    if len(report.absences) > MAX_ABSENCES:
        raise DecodeError(f"listed more than {MAX_ABSENCES} absent groups")
    missing = {absence.group: decode_hardware.absent(absence) for absence in report.absences}

    def why(group: int) -> Missing:
        return _why(missing, group, agent=bool(report.agent_version))

    boot = report.boot if report.HasField("boot") else None
    booted = (
        _tables(report.smbios_booted, "the guest's booted tables")
        if report.HasField("smbios_booted")
        else why(guest_pb2.EVIDENCE_GROUP_SMBIOS_BOOTED)
    )
    live = (
        _tables(report.smbios_live, "the guest's live tables")
        if report.HasField("smbios_live")
        else why(guest_pb2.EVIDENCE_GROUP_SMBIOS_LIVE)
    )
    hardware = decode_hardware.hardware(report, why, hashed=hashed)
    return Observation(
        agent_version=_text(report.agent_version) or "unknown",
        seconds=seconds,
        boot_id=_uuid_text(boot.boot_id) if boot else None,
        boot_time=boot.boot_time_seconds or None if boot else None,
        kernel=_text(boot.kernel_release) if boot else None,
        architecture=_text(boot.architecture) if boot else None,
        dmi=_dmi(report.dmi) if report.HasField("dmi") else why(guest_pb2.EVIDENCE_GROUP_DMI),
        booted=booted,
        live=live,
        hardware=hardware,
        received=received,
        raw=_raw(report),
    )


def _raw(report: guest_pb2.Report) -> bytes:
    """Return what may be kept of a report: what is known of it, in bounded texts."""
    kept = guest_pb2.Report()
    kept.CopyFrom(report)
    kept.ClearField("nonce")
    kept.DiscardUnknownFields()
    _cut(kept)
    return kept.SerializeToString(deterministic=True)


def _cut(message: Message) -> None:
    """Cut each text of a message, but so that it still is too long, or has the mark, when read."""
    for field, value in message.ListFields():
        shape = _shape(field)
        if shape == "message":
            _cut(value)
        elif shape == "messages":
            for one in value:
                _cut(one)
        elif shape == "text":
            most = MAX_TABLES if field.name == "tables" else MAX_TEXT
            if len(value) > most:
                setattr(message, field.name, value[: most + 1])
        elif shape == "texts":
            for at, one in enumerate(value):
                if len(one) > MAX_TEXT:
                    value[at] = one[: MAX_TEXT + 1]
        elif shape == "map":
            pairs = list(value.items())
            if any(len(text) > MAX_TEXT for pair in pairs for text in pair):
                value.clear()
                # One text is another's key.
                value.update({key[: MAX_TEXT + 1]: text[: MAX_TEXT + 1] for key, text in pairs})


@cache
def _shape(field: FieldDescriptor) -> str:
    """Return what a field holds, in a word; "" for numbers, which are never too long."""
    # Its label told until protobuf 31, and tells in a warning now.
    many = getattr(field, "is_repeated", None)
    if many is None:
        many = getattr(field, "label", None) == FieldDescriptor.LABEL_REPEATED
    inner = field.message_type
    if inner is not None:
        if inner.GetOptions().map_entry:
            return "map"
        return "messages" if many else "message"
    if field.cpp_type != FieldDescriptor.CPPTYPE_STRING:
        return ""
    return "texts" if many else "text"


def _why(missing: Mapping[Any, Missing], group: int, *, agent: bool) -> Missing:
    if not agent:
        # A baseline of a domain without our agent: the host read the booted tables itself.
        return Missing(reason=Reason.NOT_ENROLLED, sentence="no guest agent was asked for it")
    return missing.get(group) or Missing(
        reason=Reason.REFUSED, sentence="the guest left it out without a reason"
    )


def _text(text: str) -> str | None:
    return shortened(text.strip(), MAX_TEXT) or None


def _uuid_text(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None


def _dmi(dmi: guest_pb2.Dmi) -> Named:
    uuid = _uuid_text(dmi.system_uuid)
    decoded = dmi.source == guest_pb2.DMI_SOURCE_DMIDECODE

    def text(string: str) -> str | None:
        # Guest agents up to 0.1.0 wrote a field that dmidecode left empty as an empty list.
        return None if decoded and string == "[]" else _text(string)

    return Named(
        source="dmidecode in the guest" if decoded else "sysfs in the guest",
        manufacturer=text(dmi.system_manufacturer),
        product=text(dmi.system_product),
        version=text(dmi.system_version),
        uuid=UUID(uuid) if uuid else None,
        chassis_version=text(dmi.chassis_version),
        processor_version=text(dmi.processor_version),
    )


def _tables(message: guest_pb2.SmbiosTables, source: str) -> Smbios | Missing:
    if len(message.entry_point) > _MAX_ENTRY_POINT:
        return Missing(
            reason=Reason.REFUSED,
            sentence=f"{source} are not valid: their entry point has {len(message.entry_point)} "
            "bytes",
        )
    try:
        return parse(message.entry_point, message.tables, source)
    except SmbiosError as error:
        return Missing(reason=Reason.REFUSED, sentence=f"{source} are not valid: {error}")
