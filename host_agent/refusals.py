"""Live migrations that QEMU itself refuses, though machine type and CPU are the same. Pure.

Faults of single versions, that no option and no atlas shows; each was measured with the binaries
that its row names, and nothing is said of versions in between. A guest that such a fault holds back
needs a stop and a start, which lose nothing but the boot.
"""

from dataclasses import dataclass

from host_agent.move import Move, numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What one version sends and a later one does not take."""

    sent_by: str
    """QEMU's version on the source, exactly."""
    refused_from: tuple[int, ...]
    """The oldest version measured that refuses it."""
    why: str
    source: str


REFUSALS = (
    Refusal(
        sent_by="10.0.13", refused_from=(11, 1, 2),
        why="QEMU 10.0.13 gives every virtio device queues of 1024 entries, whatever their size "
        "should be",
        source='migrated from Debian\'s 1:10.0.13+ds-0+deb13u1 to its 1:11.1.2+ds-3: "VQ 0 '
        'vring.num 1024 exceeds allocated max 128" (hw/virtio/virtio.c: virtio_load); 10.0.2, 7.2 '
        "and 11.1 have the sizes of their devices (HMP info virtio-queue-status)",
    ),
)  # fmt: skip


def known(move: Move) -> Refusal | None:
    """Return the refusal that waits for a move; None: none is known."""
    if not move.devices.virtio or move.destination.qemu is None:
        return None
    there = numbers(move.destination.qemu)
    for refusal in REFUSALS:
        if move.source.qemu == refusal.sent_by and there >= refusal.refused_from:
            return refusal
    return None
