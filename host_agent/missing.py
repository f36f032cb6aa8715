"""Evidence that is missing, and why. A check that lacks it says so; it never passes."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a piece of evidence is missing."""

    NOT_RUNNING = "not running"
    NOT_ENROLLED = "not enrolled"
    """The domain has no channel of ours."""
    PAUSED = "paused"
    NO_AGENT = "no agent"
    """The channel's guest end is closed: still booting, or the agent is not running."""
    SILENT = "silent"
    """The channel was opened and nobody answered in time."""
    BUSY = "busy"
    """Another program holds the channel."""
    HUNG = "hung"
    """The QEMU process does not do its work."""
    REFUSED = "refused"
    """What the guest sent is not a valid answer."""
    DENIED = "denied"
    """It needs rights that we don't have."""
    UNSUPPORTED = "unsupported"
    """It can't be had this way: another architecture, firmware, driver."""
    EARLY = "early"
    """The guest has not come so far yet: it was started a moment ago."""
    ABSENT = "absent"
    """There is no such thing."""
    NO_START = "will not start"
    """QEMU does not take the options that libvirt would start the domain with."""
    FAILED = "failed"
    """It went wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Evidence that can't be had: why, in one sentence, and what would help."""

    reason: Reason
    sentence: str
    remedy: str | None = None


SILENT = frozenset({Reason.NO_AGENT, Reason.SILENT, Reason.BUSY, Reason.HUNG})
"""Why a guest that has our channel gave no answer."""
NOT_RUNNING = Missing(reason=Reason.NOT_RUNNING, sentence="the domain is not running")
