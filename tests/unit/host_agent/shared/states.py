"""What a destination's QEMU makes of a domain's device states, for rows of findings."""

from dataclasses import replace
from typing import Any

from host_agent.atlas.state_touching import States, Touching
from host_agent.atlas.vmstate_diff import Change, Kind, Reading

REFUSED, MISREAD, DEPENDS = Reading.REFUSED, Reading.MISREAD, Reading.DEPENDS
STATES = States(sent_by="QEMU 7.2.22, x86_64", taken_by="QEMU 10.0.13, x86_64")


def touching(model: str, reading: Reading) -> Touching:
    """Return a version that is not taken, of a device."""
    what = "sends version 3, and 2 is the newest there"
    return Touching(
        model=model, own=False, change=Change(kind=Kind.VERSION, reading=reading, what=what)
    )


def states(*found: Touching) -> dict[str, Any]:
    """Return it as what is changed in a move."""
    return {"states": replace(STATES, touching=found)}
