"""What is known of a machine-type upgrade before it is made, and what became of it. Words only."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from host_agent.case.results import Confirmed, Failed
from host_agent.difference import Difference
from host_agent.domain.definition import Definition
from host_agent.domain.owner import Owner
from host_agent.evidence import recovery_keys
from host_agent.evidence.measured import Outlook
from host_agent.evidence.recovery_keys import RecoveryKeys
from host_agent.evidence.what_guests_notice import Notice
from host_agent.finding import Finding
from host_agent.machine_types.target import Target
from host_agent.missing import Missing
from host_agent.records.upgrade_record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Raising:
    """One domain, from which machine type to which, and what stands in the way."""

    name: str
    uuid: UUID
    persistent: Definition | None
    """None: the domain is transient."""
    active: Definition | None
    """None: it does not run."""
    state: str
    owner: Owner
    current: str
    """The definition's machine type, by its own name on this host."""
    target: Target
    hosts: tuple[str, ...]
    """Those that had a say in the target; the first is the domain's."""
    job: Missing | None = None
    """The job of libvirt that runs on it already; None: none."""
    saved: bool = False
    """Whether a managed-save image is there."""
    snapshots: tuple[str, ...] = ()
    """Snapshots that hold a running guest, by name."""
    on_poweroff: str = "destroy"
    """What libvirt does when the guest shuts down (formatdomain, "Events configuration")."""
    changed: tuple[tuple[str, str], ...] = ()
    """The lines of the XML that change, before and after."""
    forecast: tuple[Difference, ...] | Missing
    """What the guest will find on the new machine type that is not as on the old one."""
    noticed: tuple[Notice, ...] = ()
    """What people fear of that, answered; none: it was not rehearsed."""
    rehearsed: bool = False
    """Whether a rehearsal was asked for."""
    sealed: Outlook | Missing | None = None
    """What that start does to its TPM; None: it has none, or no rehearsal was asked for."""
    denied: str | None = None
    """Why the domain can't be changed over this connection."""
    stage: bool = False
    start: bool = True
    back: bool = False
    """Whether it is rolled back: the target is the type that it had."""
    resumed: Record | None = None
    """What an earlier command left half done, or staged; None: it begins anew."""

    trouble: str | None = None
    """Why it can't be gone on from what an earlier command wrote down; None: it can."""

    @property
    def running(self) -> bool:
        """Whether there is a guest to stop."""
        return self.active is not None

    @property
    def before(self) -> str:
        """The machine type that it is raised from; where it was begun already, the old one."""
        return self.current if self.resumed is None or self.back else self.resumed.old


class Ending(StrEnum):
    """What became of one domain."""

    REFUSED = "refused"
    PLANNED = "planned"
    """Looked at only (--dry-run), or not agreed to."""
    NOTHING = "nothing to do"
    SKIPPED = "not begun"
    WRONG_BEFORE = "wrong before"
    STAGED = "staged"
    APPLIED = "applied"
    ROLLED_BACK = "rolled back"
    FAILED = "failed"
    LEFT = "left half done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """What became of one domain's upgrade; None for each step that was not taken."""

    raising: Raising
    findings: tuple[Finding, ...]
    ending: Ending
    why: str | None = None
    record: Record | None = None
    before: Confirmed | Failed | None = None
    after: Confirmed | Failed | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of all domains of one command."""

    raised: tuple[Raised, ...]
    dry_run: bool = False
    back: bool = False
    seconds: float = 0.0
    change: str | None = None
    stopped: str | None = field(default=None)
    """Why the rest was not begun; None: all were."""

    @property
    def recovery(self) -> RecoveryKeys | None:
        """Whose recovery keys are asked for; None: nobody could, or it was not rehearsed."""
        return recovery_keys.of(
            (one.raising.persistent, one.raising.sealed)
            for one in self.raised
            if one.raising.rehearsed and one.raising.persistent is not None
        )
