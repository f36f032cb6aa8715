"""Which QEMU a running guest was booted or reset by last, as far as that is known. Pure.

What QEMU sets at a reset travels with a live migration, so the process under a guest need not be
the one that built what it has. A reset later than the last look is never ruled out.
"""

from dataclasses import dataclass

from host_agent.case import occasion
from host_agent.evidence.baseline import Baseline
from host_agent.evidence.running import Running
from host_agent.missing import Missing

_BOOTED = "booted"
"""libvirt's reason for a state: it started the guest itself (``hypervisor/states.py``)."""
_CAME = frozenset({"migrated", "restored", "from snapshot", "post-copy", "post-copy failed"})
_SLACK = 120.0
"""Seconds by which a guest's clock may be off from its host's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastBoot:
    """The versions of QEMU that may have been the one."""

    versions: frozenset[str] = frozenset()
    whole: bool = False
    """Whether no other version comes into question."""

    def moved(self, version: str | None) -> "LastBoot":
        """Return what is known after a live migration to a QEMU of this version."""
        if version is None:
            return LastBoot(versions=self.versions)
        return LastBoot(versions=self.versions | {version}, whole=self.whole)


NOT_KNOWN = LastBoot()


def by(version: str | None) -> LastBoot:
    """Return that it was booted by a QEMU of this version, where that is known."""
    return NOT_KNOWN if version is None else LastBoot(versions=frozenset({version}), whole=True)


def of(
    reason: str, running: Running | None, baseline: Baseline | Missing, installed: str | None
) -> LastBoot:
    """Return what is known of a running guest.

    ``reason`` is libvirt's for its state; ``running`` None: its process is not to be seen from
    here; ``installed``: the version of the QEMU that its host would start now.
    """
    kept = baseline if isinstance(baseline, Baseline) else None
    process = _process(running, kept, installed)
    if _here(reason, running, kept):
        return by(process)
    before = kept.booted_qemu if kept is not None else None
    return by(before).moved(process)


def _process(running: Running | None, kept: Baseline | None, installed: str | None) -> str | None:
    """Return the version of the QEMU under the guest; None: its package was replaced since."""
    if running is None or running.replaced is False:
        return installed
    same = kept is not None and occasion.is_of(running, kept)
    return kept.qemu if kept is not None and same else None


def _here(reason: str, running: Running | None, kept: Baseline | None) -> bool:
    """Tell whether the process that runs the guest now is the one that booted it.

    ``-incoming`` stays on the command line of a process to which a guest came, live or from a
    file (QEMU qemu-options.hx); one that has booted since tells so by its time of boot.
    """
    if reason == _BOOTED:
        return True
    booted = None if kept is None else kept.observation.boot_time
    if running is not None and booted is not None and booted > running.started + _SLACK:
        return True
    return reason not in _CAME and running is not None and "-incoming" not in running.arguments
