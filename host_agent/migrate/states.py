"""What the destination's QEMU makes of the device states that a domain sends."""

from collections.abc import Callable

from host_agent.atlas import files as atlas_files
from host_agent.atlas import state_touching
from host_agent.atlas.atlas import Atlas
from host_agent.atlas.state_touching import States
from host_agent.domain import device_models
from host_agent.domain.definition import Definition
from host_agent.errors import HostAgentError
from host_agent.migrate.facts import End
from host_agent.migrate.forecast import Ask
from host_agent.missing import Missing

Arguments = Callable[[], tuple[str, ...] | Missing]
"""Returns the command line with which libvirt would start the domain as it is now."""


def states(
    active: Definition,
    ends: tuple[End, End],
    given: Atlas | None,
    ask: Ask | None,
    arguments: Arguments,
) -> States | Missing | None:
    """Return what is not taken there; None: of one of the two QEMUs there is no atlas at all.

    ``ends``: source and destination. ``given``: the destination's atlas; without one a shipped
    atlas of its QEMU's version speaks for it. ``ask``: None where the source is not this host.
    """
    source, destination = ends
    there = given or atlas_files.nearest(active.architecture, destination.qemu)
    here = _asked(active, ask) or atlas_files.nearest(active.architecture, source.qemu)
    if here is None or there is None or active.machine is None:
        return None
    return of_arguments(here, there, active.machine, arguments())


def of_arguments(
    here: Atlas, there: Atlas, machine: str, arguments: tuple[str, ...] | Missing
) -> States | Missing:
    """Return what is not taken there of a domain with this command line."""
    if isinstance(arguments, Missing):
        return arguments
    return state_touching.of(here, there, machine, device_models.models(arguments))


def _asked(active: Definition, ask: Ask | None) -> Atlas | None:
    if ask is None or active.emulator is None or active.machine is None:
        return None
    try:
        return ask(active.emulator, (active.machine,))
    except HostAgentError:
        return None
