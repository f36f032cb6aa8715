"""Where a machine has RAM in which a firmware may leave its tables. Pure.

A PC's begins at 0, and what its firmware leaves lies below 4 GiB, of which QEMU keeps some for
devices; a ``virt`` machine has all of it in one piece, and devices below (QEMU ``hw/arm/virt.c:
base_memmap``, ``hw/riscv/virt.c: virt_memmap``).
"""

from host_agent.domain.architectures import X86

PC = X86 | {"i386"}
"""libvirt's and QEMU's words for machines that may have a BIOS."""
_MOST_LOW = 0xE0000000
"""QEMU never has RAM of a PC between here and 4 GiB (``hw/i386/pc_piix.c``, ``pc_q35.c``)."""
_BOTTOMS = {"aarch64": 0x40000000, "riscv64": 0x80000000}
# Machine types' family → from how much memory on there is less of it below 4 GiB, and how much.
_Q35, _I440FX = (0xB0000000, 0x80000000), (_MOST_LOW, 0xC0000000)


def are_known(architecture: str) -> bool:
    """Tell whether it is known where such machines have RAM; the word is libvirt's or QEMU's."""
    return architecture in PC or architecture in _BOTTOMS


def of(architecture: str, memory: int | None, machine: str | None = None) -> tuple[int, int]:
    """Return where such RAM begins and ends, of a machine with so many bytes.

    ``machine``: its type; None: no RAM is missed, and on a PC some of it may be none. The memory is
    None where it is not told: then all is said that there may be.
    """
    bottom = _BOTTOMS.get(architecture)
    if bottom is not None:
        return bottom, bottom + (memory or 0)
    if machine is None:
        return 0, min(_MOST_LOW, memory or _MOST_LOW)
    limit, most = _Q35 if "q35" in machine else _I440FX
    size = memory or 0
    return 0, size if size < limit else most
