"""What a QEMU binary says that it sends of its devices in a migration: it is started to say it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from host_agent.atlas import vmstate
from host_agent.atlas.vmstate import VmState, VmStateError
from host_agent.errors import EvidenceError
from host_agent.missing import Reason
from host_agent.qemu import written_files
from host_agent.qemu.binary import QemuBinary
from host_agent.qemu.session import SECONDS, QemuSession, Stop

_NAME = "vmstate.json"


def dump(binary: QemuBinary, seconds: float = SECONDS, stop: Stop | None = None) -> VmState:
    """Return what all device models of a binary send; raises ``EvidenceError``.

    It is the same whatever the machine type is, so that none is built.
    """
    with _place(binary) as place:
        options = "-machine", "none", "-dump-vmstate", place.path
        with QemuSession(
            binary, options, seconds=seconds, stop=stop, descriptors=place.descriptors
        ) as session:
            session.wait_for_the_end()
        try:
            return vmstate.parse(place.read().decode("utf-8"))
        except (OSError, UnicodeDecodeError, VmStateError) as error:
            raise EvidenceError(
                Reason.FAILED, f"what {binary.path} sends in a migration can't be read: {error}"
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where QEMU writes to."""

    path: str
    descriptors: tuple[int, ...]
    read: Callable[[], bytes]


@contextmanager
def _place(binary: QemuBinary) -> Iterator[_Place]:
    """A file in memory, which is gone with us however we end; in a root without /proc a folder."""
    if binary.root is not None:
        with written_files.folder(binary.root) as folder:
            yield _Place(
                path=str(folder.theirs / _NAME),
                descriptors=(),
                read=lambda: written_files.written(folder.ours / _NAME, vmstate.MAX_BYTES),
            )
        return
    descriptor = os.memfd_create(_NAME)
    try:
        yield _Place(
            path=f"/proc/self/fd/{descriptor}",
            descriptors=(descriptor,),
            read=lambda: written_files.content(descriptor, _NAME, vmstate.MAX_BYTES),
        )
    finally:
        os.close(descriptor)
