"""What a domain is said to be, view by view: the rows of a table. Pure."""

from collections.abc import Callable, Collection
from typing import NamedTuple

from host_agent.case.views import Views
from host_agent.firmware.smbios import Named
from host_agent.printable import printable, shortened

SAME, NOTHING, UNSPECIFIED = "same", "-", "(not specified)"
_WIDEST = 200
"""Characters of a value; the checks tell what is wrong with it."""


class Row(NamedTuple):
    """One thing in each view; ``SAME`` is as declared, ``NOTHING`` is not to be seen there."""

    name: str
    declared: str
    running: str
    booted: str
    serving: str
    next_start: str
    """What QEMU would build now, if the domain were started."""
    differs: tuple[bool, bool, bool, bool]
    """Which of these four is not as declared; where nothing is, not as it was booted."""


def rows(views: Views) -> list[Row]:
    """Return the rows."""
    machine = _one(views.machine)
    return [
        _row(
            views,
            "machine type",
            machine,
            views.running_machine,
            lambda named: named.version,
            views.versions,
        ),
        _row(
            views,
            "uuid",
            _one(views.uuid),
            views.running_uuid,
            lambda named: named.uuid,
            _one(views.uuid),
        ),
        _row(
            views,
            "manufacturer",
            views.manufacturers or (),
            None,
            lambda named: named.manufacturer,
            views.manufacturers,
        ),
        _row(
            views,
            "product",
            views.products or (),
            None,
            lambda named: named.product,
            views.products,
        ),
        _row(views, "chassis version", (), None, lambda named: named.chassis_version),
        _row(views, "processor version", (), None, lambda named: named.processor_version),
    ]


def _row(
    views: Views,
    name: str,
    declared: Collection[str],
    running: str | None,
    of: Callable[[Named], object],
    right: Collection[str] | None = None,
) -> Row:
    """Return a row; ``right``: what may stand in a guest's tables, None: anything."""
    booted, serving, start = (
        None if view is None else str(of(view) or "")
        for view in (views.booted, views.serving, views.next_start)
    )
    # What nothing is declared of is held against what the guest booted with.
    wanted = (right or ()) if declared else _one(booted)

    def apart(text: str | None, wanted: Collection[str]) -> bool:
        return bool(text and wanted) and text not in wanted

    return Row(
        name=name,
        declared=printable(" or ".join(sorted(declared)) or NOTHING),
        running=_cell(running, declared),
        booted=_cell(booted, declared),
        serving=_cell(serving, declared),
        next_start=_cell(start, declared),
        differs=(
            apart(running, declared),
            apart(booted, wanted),
            apart(serving, wanted),
            apart(start, wanted),
        ),
    )


def _cell(text: str | None, declared: Collection[str]) -> str:
    if text is None:
        return NOTHING
    # What is equal need not be read again; of several that would be right, it is told which it is.
    return SAME if {text} == set(declared) else shortened(text or UNSPECIFIED, _WIDEST)


def _one(text: str | None) -> tuple[str, ...]:
    return (text,) if text else ()
