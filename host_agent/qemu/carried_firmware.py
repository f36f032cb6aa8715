"""The firmware's image that came with a guest's memory, read there by the host.

A flash is memory of a migration's stream (QEMU ``hw/block/pflash_cfi01.c: pflash_cfi01_realize``):
a guest that came from another host, or was restored, runs the image that it was started with, also
after a reset, and the file on this host only after a stop. A PC has its first flash right below
4 GiB (``hw/i386/pc_sysfw.c: pc_system_flash_map``).
"""

import os
from pathlib import Path

from host_agent import inside_root
from host_agent.errors import EvidenceError
from host_agent.hypervisor import Domain
from host_agent.missing import Reason
from host_agent.qemu.rehearsal_flash import Flash

_END = 1 << 32
_MOST = 8 * 1024 * 1024
"""QEMU's own limit for all flashes together (``pc_sysfw.c: FLASH_SIZE_LIMIT``)."""
_PAGE = 4096
_SECONDS = 3.0
_QCOW2, _SIZE = b"QFI\xfb", slice(24, 32)
"""Where a qcow2 has the size of what is in it (QEMU ``docs/interop/qcow2.txt``)."""
_VOLUME, _VOLUME_AT = b"_FVH", slice(40, 44)
"""What a firmware volume's header has (UEFI Platform Initialization 1.8, III-3.2.1)."""


def image(domain: Domain, flash: Flash, root: Path) -> bytes:
    """Return the image, raw; raises ``EvidenceError``.

    ``root``: that of the process, whose file has the size that its memory has.
    """
    size = _size(flash, root)
    try:
        content = domain.peek_memory(_END - size, size, _SECONDS)
    except EvidenceError as error:
        missing = error.missing
        raise EvidenceError(
            missing.reason,
            f"the firmware that the guest came with can't be read: {missing.sentence}",
            missing.remedy,
        ) from error
    if content[_VOLUME_AT] != _VOLUME:
        raise EvidenceError(
            Reason.FAILED, "where the firmware that the guest came with should be is none"
        )
    return content


def _size(flash: Flash, root: Path) -> int:
    try:
        place = inside_root.resolved(root, flash.code)
        descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as file:
            head, size = file.read(_SIZE.stop), os.fstat(file.fileno()).st_size
    except OSError as error:
        raise EvidenceError(
            Reason.FAILED, f"{flash.code} can't be read: {error.strerror}"
        ) from error
    if head.startswith(_QCOW2):
        size = int.from_bytes(head[_SIZE], "big")
    if not 0 < size <= _MOST or size % _PAGE:
        raise EvidenceError(Reason.FAILED, f"{flash.code} has no size that a flash has")
    return size
