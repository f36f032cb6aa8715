"""How slow this machine is, measured by the first guest that boots: every deadline follows it.

A deadline in the lab is there to end what hangs; no test may fail because the machine is slow or
busy. So each is written for a machine that has nothing else to do, and stretched by how much
longer the first boot took here, and by as much again, since others may come later.
"""

import os

VARIABLE = "SAMEMACHINE_LAB_PACE"
"""Hands what one program measured to those that it starts."""
_BOOT_SECONDS = 8.0
"""What a guest takes to boot where nothing else runs (two cores of 2025, software emulation)."""
_UNKNOWN = 4.0
_SPARE = 4.0

_measured: list[float] = []


def booted(seconds: float) -> None:
    """Tell how long a guest took to boot; the first one counts."""
    if not _measured and VARIABLE not in os.environ:
        _measured.append(max(1.0, seconds / _BOOT_SECONDS))


def measured() -> float:
    """Return how much slower this machine is than one that has nothing else to do."""
    told = os.environ.get(VARIABLE)
    return float(told) if told else _measured[0] if _measured else _UNKNOWN


def stretched(seconds: float) -> float:
    """Return a deadline, given for a machine with nothing else to do, as it holds here."""
    return seconds * measured() * _SPARE


def words(seconds: float) -> str:
    """Return the same as the product's options take it: whole seconds."""
    return str(round(stretched(seconds)))
