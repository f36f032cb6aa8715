"""Group ``tpm``: what the TPM measured of this boot, and what a disk's key is bound to."""

import hashlib
from pathlib import Path
from typing import Optional

from guest_agent.errors import AbsenceReason, EvidenceError
from guest_agent.evidence import endorsement, luks
from guest_agent.evidence.files import read_bytes, read_text
from samemachine import event_log
from samemachine.event_log import LogError
from samemachine.v1 import guest_pb2

MAX_EVENTS = 1024
_TPM = "/sys/class/tpm/tpm0"
_LOG = "/sys/kernel/security/tpm0/binary_bios_measurements"
_MOST_LOG = 1 << 20


def parse(
    registers: "tuple[str, ...]",
    log: Optional[bytes],
    tokens: "Optional[list[guest_pb2.LuksToken]]",
    key: Optional[str] = None,
) -> guest_pb2.Tpm:
    """Return the group of what the kernel's files say; raises ``EvidenceError``."""
    try:
        values = [bytes.fromhex(one.strip()) for one in registers]
    except ValueError:
        raise EvidenceError(AbsenceReason.FAILED, "the TPM's registers are no numbers") from None
    found = guest_pb2.Tpm(pcrs=values, luks_read=tokens is not None, luks_tokens=tokens or [])
    if key is not None:
        found.endorsement_sha256 = key
    if log:
        found.log_bytes = len(log)
        found.log_sha256 = hashlib.sha256(log).digest()
        found.events.extend(_events(log))
    return found


def _events(log: bytes) -> "list[guest_pb2.TpmEvent]":
    try:
        events = [one for one in event_log.events(log) if one.pcr < event_log.FIRST]
    except LogError:
        return []
    if len(events) > MAX_EVENTS:
        return []
    return [guest_pb2.TpmEvent(pcr=one.pcr, type=one.type, sha256=one.sha256) for one in events]


def read(root: Path = Path("/")) -> guest_pb2.Tpm:
    """Read the group; raises ``EvidenceError``."""
    if not (root / _TPM.lstrip("/")).exists():
        raise EvidenceError(AbsenceReason.ABSENT, "the guest has no TPM")
    try:
        registers = tuple(
            read_text(root, f"{_TPM}/pcr-sha256/{number}") for number in range(event_log.FIRST)
        )
    except EvidenceError as error:
        if error.reason is not AbsenceReason.ABSENT:
            raise
        raise EvidenceError(
            AbsenceReason.ABSENT, "Linux before 5.12, and one with a TPM 1.2, shows no registers"
        ) from None
    return parse(registers, _log(root), luks.tokens(root), endorsement.fingerprint(root))


def _log(root: Path) -> Optional[bytes]:
    try:
        return read_bytes(root, _LOG, _MOST_LOG)
    except EvidenceError:
        return None
