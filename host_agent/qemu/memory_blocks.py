"""The monitor's ``info ramblock`` → names and sizes of memory blocks. Pure.

A migration sends every block with its name and size, and the destination refuses another size
(QEMU ``migration/ram.c``: "Length mismatch"), so option ROMs, firmware and video memory are here.
"""

import re
from collections.abc import Mapping

from host_agent.printable import printable

# Name, page size with unit, offset, used, total; newer versions add more (system/physmem.c).
_LINE = re.compile(
    r"\s*(?P<name>\S.*?)(?<=\S)\s+\d+ [KMG]iB"
    r"\s+0x[0-9a-f]+\s+0x[0-9a-f]+\s+0x(?P<total>[0-9a-f]+)\b"
)
MAX_BLOCKS = 1024
_MAX_LINE = 512


def parse(text: str) -> Mapping[str, int]:
    """Return name → largest size in bytes. Lines that are none (the title) are left out."""
    found: dict[str, int] = {}
    for line in text.splitlines():
        # No line is longer; of one that is, nothing is to be had but work.
        match = _LINE.match(line) if len(line) <= _MAX_LINE else None
        if match and len(found) < MAX_BLOCKS:
            found[printable(match["name"])] = int(match["total"], 16)
    return found
