"""Moves that single versions of QEMU refuse: for whom, and for nobody else."""

from dataclasses import replace
from typing import Any

import pytest

from host_agent import preflight, refusals
from host_agent.model import Outcome
from tests.unit.host_agent.test_preflight import BROKEN, MOVE, devices

VIRTIO = devices(virtio=True)


def qemu(here: str, there: str | None) -> dict[str, Any]:
    return {
        "source": replace(MOVE.source, qemu=here),
        "destination": replace(MOVE.destination, qemu=there),
    }


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({**VIRTIO, **BROKEN}, True),
        ({**VIRTIO, **qemu("10.0.13", "12.0.0")}, True),
        # Nothing of virtio's is sent.
        (BROKEN, False),
        # These were seen to take it, or to send it right.
        ({**VIRTIO, **qemu("10.0.13", "10.0.13")}, False),
        ({**VIRTIO, **qemu("7.2.22", "11.1.2")}, False),
        ({**VIRTIO, **qemu("10.0.2", "11.1.2")}, False),
        # A release whose package may be any.
        ({**VIRTIO, **qemu("10.0.13", None)}, False),
    ],
)
def test_known(changes: dict[str, Any], refused: bool) -> None:
    move = replace(MOVE, **changes)
    assert (refusals.known(move) is not None) is refused
    outcomes = {one.check: one.outcome for one in preflight.run(move, preflight.MOVING)}
    assert (outcomes.get("move-refusal") is Outcome.FAIL) is refused
