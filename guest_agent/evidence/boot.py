"""Group ``boot``: which boot of which kernel answers."""

import os
import re
from pathlib import Path

from guest_agent.errors import AbsenceReason, EvidenceError
from guest_agent.evidence.files import read_text
from guest_agent.evidence.strings import clean
from samemachine.v1 import guest_pb2

_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_STAT = "/proc/stat"
_RELEASE = "/proc/sys/kernel/osrelease"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def parse(boot_id: str, stat: str, release: str, architecture: str) -> guest_pb2.Boot:
    """Return the group from the texts of boot_id, /proc/stat and osrelease (Linux proc(5)).

    Raises ``EvidenceError`` where boot_id is no UUID; without a ``btime`` line the boot time is
    unset.
    """
    boot_id = boot_id.strip().lower()
    if not _UUID.fullmatch(boot_id):
        raise EvidenceError(AbsenceReason.FAILED, f"{_BOOT_ID} holds no UUID")
    btime = re.search(r"^btime (\d{1,18})$", stat, re.MULTILINE)
    return guest_pb2.Boot(
        boot_id=boot_id,
        boot_time_seconds=int(btime.group(1)) if btime else 0,
        kernel_release=clean(release),
        architecture=architecture,
    )


def read(root: Path = Path("/")) -> guest_pb2.Boot:
    """Read the group; raises ``EvidenceError``."""
    return parse(
        read_text(root, _BOOT_ID),
        read_text(root, _STAT),
        read_text(root, _RELEASE),
        os.uname().machine,
    )
