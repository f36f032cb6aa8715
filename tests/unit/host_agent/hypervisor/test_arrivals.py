"""Which event says that a migrated guest runs here now: sequences as libvirt sends them."""

from uuid import UUID

import pytest

from host_agent.domain.event import EventKind
from host_agent.hypervisor.arrivals import Arrivals

K = EventKind
UUID_1 = UUID(int=1)
# What the table makes of libvirt's events, and what it means after those before it.
ROWS = {
    "destination": (
        [(K.ARRIVING, "migrated"), (K.DEFINED, "added"), (K.ARRIVED, "migrated")],
        [(K.ARRIVING, "migrated"), (K.DEFINED, "added"), (K.ARRIVED, "migrated")],
    ),
    "source": (
        [(K.SUSPENDED, "migrated"), (K.DEPARTED, "migrated")],
        [(K.SUSPENDED, "migrated"), (K.DEPARTED, "migrated")],
    ),
    "given up at the source after the guest was suspended": (
        [(K.SUSPENDED, "migrated"), (K.ARRIVED, "migrated")],
        [(K.SUSPENDED, "migrated"), (K.RESUMED, "migration cancelled")],
    ),
    "given up at the destination, and started there later": (
        [(K.ARRIVING, "migrated"), (K.STOPPED, "failed"), (K.STARTED, "booted"),
         (K.RESUMED, "unpaused")],
        [(K.ARRIVING, "migrated"), (K.STOPPED, "failed"), (K.STARTED, "booted"),
         (K.RESUMED, "unpaused")],
    ),
    "moved while it was paused": (
        [(K.ARRIVING, "migrated"), (K.SUSPENDED, "paused"), (K.RESUMED, "unpaused")],
        [(K.ARRIVING, "migrated"), (K.SUSPENDED, "paused"), (K.ARRIVED, "unpaused")],
    ),
    "post-copy": (
        [(K.ARRIVING, "migrated"), (K.RESUMED, "post-copy"), (K.ARRIVED, "migrated")],
        [(K.ARRIVING, "migrated"), (K.RESUMED, "post-copy"), (K.ARRIVED, "migrated")],
    ),
    "listened to in the middle": (
        [(K.ARRIVED, "migrated")],
        [(K.ARRIVED, "migrated")],
    ),
    "there and back": (
        [(K.SUSPENDED, "migrated"), (K.DEPARTED, "migrated"), (K.ARRIVING, "migrated"),
         (K.ARRIVED, "migrated")],
        [(K.SUSPENDED, "migrated"), (K.DEPARTED, "migrated"), (K.ARRIVING, "migrated"),
         (K.ARRIVED, "migrated")],
    ),
    "paused and resumed": (
        [(K.SUSPENDED, "paused"), (K.RESUMED, "unpaused")],
        [(K.SUSPENDED, "paused"), (K.RESUMED, "unpaused")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("sent", "told"), ROWS.values(), ids=ROWS)
def test_sequences(sent: list[tuple[EventKind, str]], told: list[tuple[EventKind, str]]) -> None:
    arrivals = Arrivals()
    assert [arrivals.told(UUID_1, kind, detail) for kind, detail in sent] == told


def test_domains_are_told_apart() -> None:
    arrivals = Arrivals()
    arrivals.told(UUID_1, K.SUSPENDED, "migrated")
    assert arrivals.told(UUID(int=2), K.ARRIVED, "migrated") == (K.ARRIVED, "migrated")
