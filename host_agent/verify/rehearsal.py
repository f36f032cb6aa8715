"""A rehearsed domain: what its guest has, what it will have, and what differs. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from host_agent.difference import Difference
from host_agent.evidence import nic_names, rehearsal_diff, what_guests_notice
from host_agent.evidence.hardware import NetworkInterface
from host_agent.evidence.measured import Measured
from host_agent.evidence.nic_names import Scheme
from host_agent.evidence.rehearsal_diff import Compared
from host_agent.evidence.rehearsed import Rehearsed
from host_agent.evidence.what_guests_notice import Notice
from host_agent.firmware.smbios import SmbiosError
from host_agent.missing import Missing, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Nic:
    """One network card, by systemd's rules."""

    device: str
    """QEMU's id of it."""
    called: str | None
    """What the guest calls it today; None: it does not say."""
    now: tuple[str, ...]
    """What systemd's rules call it now, or in ``baseline``: more than one where it depends on their
    version, and the guest does not show which it has."""
    start: tuple[str, ...]
    """The same at the next start, by the same versions; none: the card is gone, or not known."""

    @property
    def changes(self) -> bool:
        """Whether the next start gives it another name."""
        return bool(self.start) and self.now != self.start

    @property
    def is_pinned(self) -> bool:
        """Whether the guest calls it otherwise than systemd's rules: then by a rule of its own."""
        return self.called is not None and self.called not in self.now


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """One domain, rehearsed."""

    name: str
    uuid: str
    now: Rehearsed | Missing
    """The machine that runs, as its own QEMU and firmware make it at a boot."""
    guest: Compared | Missing
    """The guest, held against that."""
    start: Rehearsed | Missing
    """The machine that its next start will make."""
    changes: tuple[Difference, ...] | Missing
    """What a guest will find otherwise there than now, or than in ``baseline``."""
    baseline: Rehearsed | Missing | None = None
    """The machine that its baseline was taken of, as its definition's QEMU and firmware would make
    it; None: it was not asked for."""
    nics: tuple[Nic, ...] = ()
    """What its kernel calls its network cards, and will call them."""
    notices: tuple[Notice, ...] = ()
    """What people fear of the next start, answered."""
    measured: Measured | Missing | None = None
    """What becomes of its TPM's registers; None: it has none, or does not run."""


def changes(
    before: Rehearsed | Missing, after: Rehearsed | Missing
) -> tuple[Difference, ...] | Missing:
    """Return what a guest will find otherwise in another machine."""
    if isinstance(before, Missing):
        return before
    if isinstance(after, Missing):
        return after
    try:
        return rehearsal_diff.between(before, after)
    except SmbiosError as error:
        return Missing(reason=Reason.FAILED, sentence=f"the tables can't be compared: {error}")


def noticed(
    before: Rehearsed | Missing,
    after: Rehearsed | Missing,
    changes: tuple[Difference, ...] | Missing,
) -> tuple[Notice, ...]:
    """Return what a guest notices of another machine; none where that is not known at all."""
    if isinstance(before, Missing) or isinstance(after, Missing) or isinstance(changes, Missing):
        return ()
    return what_guests_notice.notices(changes, before, after)


def nics(
    now: Rehearsed | Missing,
    start: Rehearsed | Missing,
    network: tuple[NetworkInterface, ...] | Missing,
) -> tuple[Nic, ...]:
    """Return what the cards of a machine are called, and will be."""
    if isinstance(now, Missing):
        return ()
    called = {} if isinstance(network, Missing) else {one.parent: one.name for one in network}
    later = () if isinstance(start, Missing) else nic_names.names(start)
    after = {one.device: one.names for one in later}
    found = []
    for one in nic_names.names(now):
        today = called.get(one.address)
        fitting = [scheme for scheme in Scheme if one.names[scheme] == today] or list(Scheme)
        names = after.get(one.device, {})
        found.append(
            Nic(
                device=one.device or one.address,
                called=today,
                now=_each(one.names, fitting),
                start=_each(names, fitting) if names else (),
            )
        )
    return tuple(found)


def _each(names: Mapping[Scheme, str], schemes: Sequence[Scheme]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names[scheme] for scheme in schemes))
