"""Evidence → Report: asks every reader, and names each group that gave nothing with its reason."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from guest_agent import __version__, fw_cfg_refresh
from guest_agent.config import Config
from guest_agent.errors import AbsenceReason, EvidenceError
from guest_agent.evidence import boot, dmi, smbios_booted, smbios_live
from samemachine.v1 import guest_pb2

MAX_REPORT_BYTES = 1024 * 1024
"""The wire contract's limit of one message."""

_DETAIL_BYTES = 500

Reader = Callable[[], Any]
"""Returns a group's message or raises ``EvidenceError``."""

GROUPS: "dict[str, int]" = {
    name: number for name, number in guest_pb2.EvidenceGroup.items() if number
}
"""All groups of the contract: ``EVIDENCE_GROUP_BOOT`` → 1 and so on; the field is the last word."""


def readers(config: Config, root: Path = Path("/")) -> "dict[str, Reader]":
    """Return the reader of each group that this version gathers, by the name of its field."""
    refresh = fw_cfg_refresh.refresh if config.refresh_fw_cfg else None
    return {
        "boot": partial(boot.read, root),
        "dmi": partial(dmi.read, root),
        "smbios_booted": partial(smbios_booted.read, root),
        "smbios_live": partial(smbios_live.read, root, refresh),
    }


def field_of(group: str) -> str:
    """Return the field of Report that holds a group: ``EVIDENCE_GROUP_BOOT`` → ``boot``."""
    return group[len("EVIDENCE_GROUP_") :].lower()


def gather(
    nonce: bytes,
    available: Mapping[str, Reader],
    wanted: Sequence[int] = (),
    off: Sequence[str] = (),
) -> guest_pb2.Report:
    """Return a report of the wanted groups (none named: all); ``off`` are the administrator's.

    Never raises for want of evidence: what can't be read is listed in ``absences``.
    """
    report = guest_pb2.Report(nonce=nonce, agent_version=__version__)
    for group, number in GROUPS.items():
        if wanted and number not in wanted:
            continue
        field = field_of(group)
        try:
            getattr(report, field).CopyFrom(_read(field, available, off))
        except EvidenceError as error:
            report.absences.add(
                group=number,
                reason=guest_pb2.AbsenceReason.Value(f"ABSENCE_REASON_{error.reason.name}"),
                detail=error.detail.encode()[:_DETAIL_BYTES].decode("utf-8", "ignore"),
            )
    return report


def _read(field: str, available: Mapping[str, Reader], off: Sequence[str]) -> Any:
    if field in off:
        raise EvidenceError(AbsenceReason.UNREADABLE, "switched off by the guest's administrator")
    if field not in available:
        raise EvidenceError(
            AbsenceReason.UNSUPPORTED, f"samemachine-guest {__version__} does not gather it"
        )
    try:
        return available[field]()
    except EvidenceError:
        raise
    except Exception as error:
        # One broken reader must not cost the other groups.
        raise EvidenceError(AbsenceReason.FAILED, f"the reader failed: {error!r}") from error
