"""The host agent's errors.

::

    HostAgentError              one sentence for people; the command line prints it and exits
    ├── UsageError              what was asked for can't be done: exit code 2
    │   └── NoDomainError       there is no domain of a name that was asked for
    ├── LibvirtError            libvirt can't be reached or refused: exit code 4
    │   └── LibvirtTimeoutError a call did not return in time; it may still be under way
    ├── LedgerError             the ledger can't be read or written: exit code 4, or history is lost
    │   └── LedgerMissingError  nothing was ever recorded there
    ├── UpgradeJournalError     an upgrade can't be written down, or what was is damaged
    └── EvidenceError           one piece of evidence can't be had; becomes a ``Missing``
        └── QemuEndedError      a QEMU ended by itself, with a complaint
"""

from host_agent.missing import Missing, Reason


class HostAgentError(Exception):
    """What went wrong, where, and what to do next, in one sentence."""


class UsageError(HostAgentError):
    """What was asked for can't be done as it was asked."""


class NoDomainError(UsageError):
    """There is no domain of a name that was asked for, where it was looked for."""

    def __init__(self, sentence: str, name: str) -> None:
        super().__init__(sentence)
        self.name = name


class LibvirtError(HostAgentError):
    """libvirt can't be reached, or refused."""


class LibvirtTimeoutError(LibvirtError):
    """A call to libvirt did not return in time and may still be under way."""


class LedgerError(HostAgentError):
    """The ledger can't be read or written; whoever wanted that goes on without it."""


class LedgerMissingError(LedgerError):
    """There is no ledger yet: nothing was ever recorded there."""


class UpgradeJournalError(HostAgentError):
    """An upgrade can't be written down, so it is not begun; or what was written is damaged."""


class EvidenceError(HostAgentError):
    """One piece of evidence can't be had; the audit goes on without it."""

    def __init__(self, reason: Reason, sentence: str, remedy: str | None = None) -> None:
        super().__init__(sentence)
        self.missing = Missing(reason=reason, sentence=sentence, remedy=remedy)


class QemuEndedError(EvidenceError):
    """A QEMU ended by itself, as it does where it refuses its options."""

    def __init__(self, binary: str, said: str) -> None:
        super().__init__(Reason.FAILED, f"{binary} ended: {said}")
        self.said = said
