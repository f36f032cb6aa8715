"""What a domain is said to be, view by view: the rows of a table. Pure."""

from collections.abc import Callable
from typing import NamedTuple

from host_agent.case.case import Case
from host_agent.evidence.running import ProbedTables, Running
from host_agent.firmware.smbios import Named
from host_agent.missing import Missing
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


def rows(case: Case) -> list[Row]:
    """Return the rows."""
    active = case.declared.active or case.declared.persistent
    running = case.running if isinstance(case.running, Running) else None
    expected = None if isinstance(case.expected, Missing) else case.expected
    views = case.booted, case.live, _start(case)

    def row(
        name: str, declared: str | None, process: str | None, of: Callable[[Named], object]
    ) -> Row:
        told = (process or NOTHING, *(_cell(view, of) for view in views))
        # What is equal need not be read again.
        same = (SAME if declared and one == declared else shortened(one, _WIDEST) for one in told)
        return Row(name, printable(declared or NOTHING), *same)

    manufacturers = expected.manufacturers if expected else None
    products = expected.products if expected else None
    return [
        row(
            "machine type",
            active.machine if active else None,
            running.machine if running else None,
            lambda named: named.version,
        ),
        row(
            "uuid",
            str(active.guest_uuid) if active else None,
            str(running.uuid) if running and running.uuid else None,
            lambda named: named.uuid,
        ),
        row(
            "manufacturer",
            " or ".join(sorted(manufacturers or ())),
            None,
            lambda named: named.manufacturer,
        ),
        row("product", " or ".join(sorted(products or ())), None, lambda named: named.product),
        row("chassis version", None, None, lambda named: named.chassis_version),
        row("processor version", None, None, lambda named: named.processor_version),
    ]


def _start(case: Case) -> Named | Missing | None:
    found = case.next_start
    if isinstance(found, ProbedTables):
        return found.smbios.named if found.smbios else None
    return found


def _cell(view: Named | Missing | None, of: Callable[[Named], object]) -> str:
    return NOTHING if view is None or isinstance(view, Missing) else str(of(view) or UNSPECIFIED)
