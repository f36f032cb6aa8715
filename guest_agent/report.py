"""Evidence → Report: asks every reader, and names each group that gave nothing with its reason."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from guest_agent import __version__, fw_cfg_refresh
from guest_agent.absence import absence
from guest_agent.errors import AbsenceReason, EvidenceError
from guest_agent.evidence import (
    OPT_IN,
    acpi,
    block,
    boot,
    clock,
    cpu,
    dmi,
    memory,
    network,
    pci,
    permanent_mac,
    platform,
    smbios_booted,
    smbios_live,
    uefi,
    virtio,
)
from samemachine.v1 import guest_pb2

MAX_REPORT_BYTES = 1024 * 1024
"""The wire contract's limit of one message."""

# So much is kept free for the absences that may still come: 15 of at most 520 bytes.
_ROOM_FOR_ABSENCES = 8 * 1024

Reader = Callable[[], Any]
"""Returns a group's message or raises ``EvidenceError``."""

GROUPS: "dict[str, int]" = {
    name: number for name, number in guest_pb2.EvidenceGroup.items() if number
}
"""All groups of the contract: ``EVIDENCE_GROUP_BOOT`` → 1 and so on; the field is the last word."""


def readers(root: Path = Path("/"), *, refresh_fw_cfg: bool = False) -> "dict[str, Reader]":
    """Return the reader of each group that this version gathers, by the name of its field."""
    refresh = fw_cfg_refresh.refresh if refresh_fw_cfg else None
    # An ioctl knows no root: of a tree it would tell what is not there.
    ask_mac = permanent_mac.ask if root == Path("/") else None
    return {
        "boot": partial(boot.read, root),
        "dmi": partial(dmi.read, root),
        "smbios_booted": partial(smbios_booted.read, root),
        "smbios_live": partial(smbios_live.read, root, refresh),
        "platform": partial(platform.read, root),
        "cpu": partial(cpu.read, root),
        "memory": partial(memory.read, root),
        "pci": partial(pci.read, root),
        "virtio": partial(virtio.read, root),
        "acpi": partial(acpi.read, root),
        "network": partial(network.read, root, ask_mac),
        "block": partial(block.read, root),
        "clock": partial(clock.read, root),
        "uefi": partial(uefi.read, root),
        "tpm": partial(_tpm, root),
    }


def _tpm(root: Path) -> Any:
    # Few guests are asked for it, and it needs more than all others.
    from guest_agent.evidence import tpm  # noqa: PLC0415

    return tpm.read(root)


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

    Never raises for want of evidence: what can't be read, and what would make the report too long,
    is listed in ``absences``.
    """
    report = guest_pb2.Report(nonce=nonce, agent_version=__version__)
    for group, number in GROUPS.items():
        if wanted and number not in wanted:
            continue
        field = field_of(group)
        try:
            evidence = _read(field, available, off)
            _check_room(report, evidence)
            getattr(report, field).CopyFrom(evidence)
        except EvidenceError as error:
            report.absences.append(absence(number, error))
    return report


def _check_room(report: guest_pb2.Report, evidence: Any) -> None:
    """Raise ``EvidenceError`` where the report would become longer than the contract allows."""
    size, room = evidence.ByteSize(), MAX_REPORT_BYTES - _ROOM_FOR_ABSENCES - report.ByteSize()
    if size > room:
        raise EvidenceError(
            AbsenceReason.FAILED, f"it has {size} bytes, and the report has room for {room}"
        )


def _read(field: str, available: Mapping[str, Reader], off: Sequence[str]) -> Any:
    if field in off:
        raise EvidenceError(
            AbsenceReason.UNREADABLE,
            "given only where the guest's administrator asks for it: groups-on"
            if field in OPT_IN
            else "switched off by the guest's administrator",
        )
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
