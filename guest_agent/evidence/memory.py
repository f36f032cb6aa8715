"""Group ``memory``: what the kernel manages, and the blocks of memory that are online."""

import re
from pathlib import Path
from typing import Optional

from guest_agent.errors import AbsenceReason, EvidenceError
from guest_agent.evidence.devices import names
from guest_agent.evidence.files import attribute, read_text
from samemachine.v1 import guest_pb2

_MEMINFO = "/proc/meminfo"
_BLOCKS = "/sys/devices/system/memory"
_TOTAL = re.compile(r"^MemTotal:\s+([0-9]{1,15}) kB$", re.MULTILINE)
_BLOCK = re.compile(r"memory[0-9]+")
_SIZE = re.compile(r"[0-9a-f]{1,12}")
# 8 TiB of the smallest blocks, 128 MiB, and some other files.
_MAX_BLOCKS = 65536 + 64


def parse(meminfo: str, block_size: str = "", online_blocks: int = 0) -> guest_pb2.Memory:
    """Return the group from /proc/meminfo (proc(5)), block_size_bytes and the number of blocks.

    Linux admin-guide/mm/memory-hotplug.rst: block_size_bytes is hexadecimal without a prefix.
    Raises ``EvidenceError`` where there is no MemTotal or the size is none.
    """
    total = _TOTAL.search(meminfo)
    if total is None:
        raise EvidenceError(AbsenceReason.FAILED, f"{_MEMINFO} has no MemTotal")
    size = 0
    if block_size.strip():
        if not _SIZE.fullmatch(block_size.strip().lower()):
            raise EvidenceError(AbsenceReason.FAILED, f"{_BLOCKS}/block_size_bytes is no size")
        size = int(block_size, 16)
    return guest_pb2.Memory(
        total_bytes=int(total.group(1)) * 1024,
        online_bytes=size * online_blocks,
        block_size_bytes=size,
    )


def read(root: Path = Path("/")) -> guest_pb2.Memory:
    """Read the group; raises ``EvidenceError``."""
    size = attribute(root, f"{_BLOCKS}/block_size_bytes")
    if size is None:
        return parse(read_text(root, _MEMINFO))
    online = sum(
        _is_online(attribute(root, f"{_BLOCKS}/{name}/online"))
        for name in names(root, _BLOCKS, _MAX_BLOCKS)
        if _BLOCK.fullmatch(name)
    )
    return parse(read_text(root, _MEMINFO), size.decode("utf-8", "replace"), online)


def _is_online(content: Optional[bytes]) -> bool:
    return content is not None and content.strip() == b"1"
