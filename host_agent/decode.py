"""Report → ``Observation``: validates everything that came from a guest. Pure.

A guest is untrusted. What is not valid becomes a ``Missing`` with the reason, or where the whole
answer can't be trusted, a ``DecodeError``; control characters are escaped.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from host_agent.model import Missing, Named, Observation, Reason, Smbios
from host_agent.printable import printable
from host_agent.smbios import SmbiosError, parse
from samemachine.v1 import guest_pb2

MAX_REPORT_BYTES = 1024 * 1024
MAX_ABSENCES = 64
MAX_TEXT = 512
_REASONS = {
    guest_pb2.ABSENCE_REASON_ABSENT: Reason.ABSENT,
    guest_pb2.ABSENCE_REASON_UNREADABLE: Reason.DENIED,
    guest_pb2.ABSENCE_REASON_UNSUPPORTED: Reason.UNSUPPORTED,
}


class DecodeError(ValueError):
    """The answer is no answer to our question; the sentence completes "the guest …"."""


def decode(report: guest_pb2.Report, nonce: bytes, seconds: float) -> Observation:
    """Return the validated observation; raises ``DecodeError`` where it is not our answer."""
    if report.nonce != nonce:
        raise DecodeError("answered with another nonce than it was asked with")
    if len(report.absences) > MAX_ABSENCES:
        raise DecodeError(f"listed more than {MAX_ABSENCES} absent groups")
    missing = {
        absence.group: Missing(
            reason=_REASONS.get(absence.reason, Reason.FAILED),
            sentence=_text(absence.detail) or "the guest agent gave no reason",
        )
        for absence in report.absences
    }
    boot = report.boot if report.HasField("boot") else None
    return Observation(
        agent_version=_text(report.agent_version) or "unknown",
        seconds=seconds,
        boot_id=_uuid_text(boot.boot_id) if boot else None,
        boot_time=boot.boot_time_seconds or None if boot else None,
        kernel=_text(boot.kernel_release) if boot else None,
        architecture=_text(boot.architecture) if boot else None,
        dmi=_dmi(report.dmi)
        if report.HasField("dmi")
        else _why(missing, guest_pb2.EVIDENCE_GROUP_DMI),
        booted=_tables(report.smbios_booted, "the guest's booted tables")
        if report.HasField("smbios_booted")
        else _why(missing, guest_pb2.EVIDENCE_GROUP_SMBIOS_BOOTED),
        live=_tables(report.smbios_live, "the guest's live tables")
        if report.HasField("smbios_live")
        else _why(missing, guest_pb2.EVIDENCE_GROUP_SMBIOS_LIVE),
    )


def _why(missing: Mapping[Any, Missing], group: int) -> Missing:
    return missing.get(group) or Missing(
        reason=Reason.REFUSED, sentence="the guest left it out without a reason"
    )


def _text(text: str) -> str | None:
    cut = text[:MAX_TEXT] + ("…" if len(text) > MAX_TEXT else "")
    return printable(cut) or None


def _uuid_text(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None


def _dmi(dmi: guest_pb2.Dmi) -> Named:
    uuid = _uuid_text(dmi.system_uuid)
    return Named(
        source="dmidecode in the guest"
        if dmi.source == guest_pb2.DMI_SOURCE_DMIDECODE
        else "sysfs in the guest",
        manufacturer=_text(dmi.system_manufacturer),
        product=_text(dmi.system_product),
        version=_text(dmi.system_version),
        uuid=UUID(uuid) if uuid else None,
        chassis_version=_text(dmi.chassis_version),
        processor_version=_text(dmi.processor_version),
    )


def _tables(message: guest_pb2.SmbiosTables, source: str) -> Smbios | Missing:
    try:
        return parse(message.entry_point, message.tables, source)
    except SmbiosError as error:
        return Missing(reason=Reason.REFUSED, sentence=f"{source} are not valid: {error}")
