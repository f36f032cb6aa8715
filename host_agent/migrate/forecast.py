"""What a guest finds on the destination, at its next boot, that is not as here. Pure.

Two atlases tell: the destination's, which its operator made there, and that of this host's QEMU,
which is asked for the domain's machine type.
"""

from collections.abc import Callable

from host_agent.atlas import diff as atlas_diff
from host_agent.atlas import touching
from host_agent.atlas.atlas import Atlas
from host_agent.difference import Difference
from host_agent.domain.definition import Definition
from host_agent.domain.devices import Devices
from host_agent.errors import HostAgentError
from host_agent.missing import Missing, Reason

Ask = Callable[[str, tuple[str, ...]], Atlas]
"""Asks an emulator of this host what some machine types show; raises ``HostAgentError``."""


def once(ask: Ask) -> Ask:
    """Return what asks the same only once, also where it is not answered."""
    answers: dict[tuple[str, tuple[str, ...]], Atlas | HostAgentError] = {}

    def asked(emulator: str, types: tuple[str, ...]) -> Atlas:
        if (emulator, types) not in answers:
            try:
                answers[emulator, types] = ask(emulator, types)
            except HostAgentError as error:
                answers[emulator, types] = error
        answer = answers[emulator, types]
        if isinstance(answer, HostAgentError):
            raise answer
        return answer

    return asked


def forecast(
    active: Definition, devices: Devices, there: Atlas | None, ask: Ask | None
) -> tuple[Difference, ...] | Missing:
    """Return what touches this domain; ``ask`` is None where it runs on another host than this."""
    if there is None:
        return Missing(
            reason=Reason.ABSENT,
            sentence="there is no atlas of the destination",
            remedy="there: samemachine probe --output FILE; then here: --atlas FILE",
        )
    if ask is None or active.emulator is None or active.machine is None:
        return Missing(
            reason=Reason.UNSUPPORTED,
            sentence="a QEMU can be asked only on its own host",
            remedy="run samemachine on the source",
        )
    try:
        here = ask(active.emulator, (active.machine,))
    except HostAgentError as error:
        return Missing(reason=Reason.FAILED, sentence=str(error))
    diff = atlas_diff.compare(here, there, (active.machine,))
    if diff.not_compared or diff.gone:
        why = diff.not_compared[0][1] if diff.not_compared else "its atlas has no such machine type"
        return Missing(reason=Reason.ABSENT, sentence=why)
    known = here.machine(active.machine)
    if known is not None and known.fingerprint is None:
        # The processor that an atlas has is QEMU's default, which need not be this domain's.
        return Missing(reason=Reason.UNSUPPORTED, sentence=f"{active.machine}: {known.error}")
    return touching.of(tuple(group.difference for group in diff.groups), active, devices)
