"""The files that a machine's firmware is made of, as they are on disk.

QEMU reads its BIOS and the ROMs of its devices from folders beside it, which packages of their own
fill (QEMU ``qemu-options.hx: -L``; ``configure --firmwarepath``), so its own build says nothing of
them.
"""

from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path, PurePosixPath

from host_agent import inside_root
from host_agent.qemu import variable_store
from host_agent.qemu.binary import QemuBinary
from host_agent.qemu.rehearsal_options import RehearsalOptions

_FOLDERS = (
    "share/qemu", "share/qemu-kvm", "share/qemu-firmware", "share/seabios", "share/seavgabios",
    "share/vgabios", "share/sgabios", "share/ipxe", "share/ipxe/qemu", "lib/ipxe/qemu",
)  # fmt: skip
"""Below the prefix of a binary, in every distribution that packs QEMU."""
_IMAGES = {".bin", ".rom", ".fd"}
_MOST = 1024

Seen = tuple[str, int, int, int, int]
"""Path in the binary's root, device, inode, bytes, and when it changed last."""


def seen(binary: QemuBinary, options: RehearsalOptions) -> tuple[Seen, ...]:
    """Return the files that may become part of what a rehearsal with these options finds."""
    root = variable_store.root_of(binary)
    return tuple(sorted(set(_seen(root, binary, options))))


def _seen(root: Path, binary: QemuBinary, options: RehearsalOptions) -> Iterator[Seen]:
    for path in (*_images(root, binary), *_named(root, options)):
        with suppress(OSError):
            status = inside_root.resolved(root, path).stat(follow_symlinks=False)
            yield path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _images(root: Path, binary: QemuBinary) -> Iterator[str]:
    # /usr/bin and /usr/libexec have one prefix; whoever links to a binary has its own.
    prefix = PurePosixPath(binary.path).parent.parent
    for name in _FOLDERS:
        folder = str(prefix / name)
        with suppress(OSError):
            files = sorted(inside_root.resolved(root, folder).iterdir())[:_MOST]
            yield from (f"{folder}/{file.name}" for file in files if file.suffix in _IMAGES)


def _named(root: Path, options: RehearsalOptions) -> Iterator[str]:
    yield from (value for name, value in pairwise(options.devices) if name == "-bios")
    if options.flash is not None:
        yield options.flash.code
        if options.flash.store:
            with suppress(OSError):
                yield variable_store.template(options.flash.code, root)
