"""The guest agent's errors.

::

    GuestAgentError             one sentence for people; the command line prints it and exits
    ├── ConfigError             the configuration can't be used
    ├── PortError               the port or socket to the host can't be had
    ├── WorkerError             the gRPC worker did not start
    └── EvidenceError           a group of evidence can't be read; becomes an Absence in the report
"""

from enum import Enum


class AbsenceReason(Enum):
    """Why a group is not in a report; the names are those of the wire contract."""

    ABSENT = "absent"
    UNREADABLE = "unreadable"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"


class GuestAgentError(Exception):
    """What went wrong, where, and what would help, in one sentence."""


class ConfigError(GuestAgentError):
    """The configuration can't be used."""


class PortError(GuestAgentError):
    """The port or socket to the host can't be had."""


class WorkerError(GuestAgentError):
    """The gRPC worker did not start or ended at once."""


class EvidenceError(GuestAgentError):
    """A group of evidence can't be read, for a reason that the report will name."""

    def __init__(self, reason: AbsenceReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
