"""What is written down of one domain's machine-type upgrade, as text and back. Pure.

A record names the step that is about to be taken, never one that was: whoever finds it after a
crash knows that the step may have been taken, in part or not at all, and looks.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from uuid import UUID

from host_agent.case.results import Depth
from host_agent.finding import Finding, Outcome
from host_agent.records.entry import Entry
from host_agent.times import LAST_TIME
from host_agent.untrusted_text import TextError, json_of

SCHEMA = 1
MAX_BYTES = 64 * 1024
_BACKUP = re.compile(r"original-[0-9A-Za-z.]{1,64}\.xml", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MAX_TEXT = 1000


class RecordError(ValueError):
    """The text is no record that can be used; the sentence says why."""


class Step(StrEnum):
    """What is about to be done, or how it ended."""

    PLANNED = "planned"
    """The definition is saved; nothing was touched."""
    STOPPING = "stopping"
    DEFINING = "defining"
    STARTING = "starting"
    VERIFYING = "verifying"
    STAGED = "staged"
    """Defined; the next full stop and start applies it."""
    APPLIED = "applied"
    ROLLED_BACK = "rolled back"
    FAILED = "failed"
    """It needs a look: the reason says what stands."""


class Direction(StrEnum):
    """To which of its two machine types the domain is on its way."""

    FORWARD = "forward"
    BACK = "back"


UNDER_WAY = frozenset({Step.STOPPING, Step.DEFINING, Step.STARTING, Step.VERIFYING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One domain's upgrade."""

    uuid: UUID
    name: str
    host: str
    """The host's name, as its libvirt says it."""
    uri: str
    old: str
    """The machine type before, by its own name."""
    new: str
    written: str
    """The machine type before as the XML had it: an alias, or the name itself."""
    backup: str
    """File of the original definition."""
    sha256: str
    """Of the original definition."""
    started: float
    """Seconds since 1970-01-01 UTC."""
    changed: float
    step: Step = Step.PLANNED
    direction: Direction = Direction.FORWARD
    was_running: bool
    stage: bool = False
    """Whether the domain is left running as it is until somebody stops it."""
    start: bool = True
    """Whether a domain that ran is started again."""
    stopped: bool = False
    """Whether it was us who asked the guest to stop."""
    silent: bool = False
    """Whether its guest did not come up on the new machine type."""
    depth: Depth | None = None
    """How deep the domain was verified before; None: it was not."""
    change: str | None = None
    """The operator's number for the whole change."""
    reason: str | None = None
    """Why it was turned back, or what failed."""

    @property
    def goal(self) -> str:
        """The machine type that it is on its way to."""
        return self.new if self.direction is Direction.FORWARD else self.old

    @property
    def runs_at_the_end(self) -> bool:
        """Whether the domain is to run when all is done."""
        return self.was_running and (self.start or self.direction is Direction.BACK)


def to_text(record: Record) -> str:
    """Return a record as JSON."""
    form = asdict(record) | {"schema": SCHEMA, "uuid": str(record.uuid)}
    return json.dumps(form, indent=2, ensure_ascii=True, sort_keys=True) + "\n"


def from_text(text: str, uuid: UUID) -> Record:
    """Read the record of the domain with this UUID; raises ``RecordError``."""
    try:
        form = json_of(text)
    except TextError as error:
        raise RecordError(f"it is no JSON: {error}") from error
    if not isinstance(form, dict):
        raise RecordError("it is no JSON object")
    schema = form.pop("schema", None)
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise RecordError("it has no schema number")
    if schema > SCHEMA:
        raise RecordError(
            f"it has schema {schema}, this samemachine knows {SCHEMA}; update samemachine"
        )
    return _record(form, uuid)


def _record(form: Mapping[str, object], uuid: UUID) -> Record:
    if form.get("uuid") != str(uuid):
        raise RecordError("it is another domain's: its UUID is not this domain's")
    names = {field.name for field in fields(Record)}
    if set(form) != names:
        odd = ", ".join(sorted(set(form) ^ names))
        raise RecordError(f"its fields are not those of schema {SCHEMA}: {odd[:200]}")
    for name, (kinds, what) in _KINDS.items():
        empty = form[name] == "" and kinds == (str,)
        if not isinstance(form[name], kinds) or empty:
            raise RecordError(f"its {name} is no {what}")
    if not all(0 <= float(str(form[name])) < LAST_TIME for name in ("started", "changed")):
        raise RecordError("it is of no time")
    if not _BACKUP.fullmatch(str(form["backup"])):
        raise RecordError("its backup is no file of ours")
    if not _DIGEST.fullmatch(str(form["sha256"])):
        raise RecordError("its sha256 is none")
    try:
        words = {
            "uuid": uuid,
            "step": Step(str(form["step"])),
            "direction": Direction(str(form["direction"])),
            "depth": None if form["depth"] is None else Depth(str(form["depth"])),
        }
    except ValueError as error:
        raise RecordError(str(error)) from error
    return Record(**{**form, **words})  # type: ignore[arg-type]  # each was looked at above


_TEXT = (str,), "text"
_MAYBE = (str, type(None)), "text"
_SWITCH = (bool,), "yes or no"
_TIME = (float,), "time"
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "name": _TEXT, "host": _TEXT, "uri": _TEXT, "old": _TEXT, "new": _TEXT, "written": _TEXT,
    "backup": _TEXT, "sha256": _TEXT, "step": _TEXT, "direction": _TEXT, "depth": _MAYBE,
    "change": _MAYBE, "reason": _MAYBE, "was_running": _SWITCH, "stage": _SWITCH,
    "start": _SWITCH, "stopped": _SWITCH, "silent": _SWITCH, "started": _TIME, "changed": _TIME,
}  # fmt: skip

_OUTCOMES = {
    Step.APPLIED: Outcome.PASS, Step.STAGED: Outcome.PASS, Step.ROLLED_BACK: Outcome.WARN,
    Step.FAILED: Outcome.FAIL,
}  # fmt: skip


def sentence(record: Record) -> str:
    """Return what became of it, in one line."""
    change = f"; change {record.change}" if record.change else ""
    reason = f": {record.reason}" if record.reason else ""
    return f"{record.old} -> {record.new}, {record.step}{reason}{change}"[:_MAX_TEXT]


def entry(record: Record, *, qemu: str | None = None) -> Entry:
    """Return what the ledger keeps of how it ended."""
    finding = Finding(
        check="upgrade",
        outcome=_OUTCOMES.get(record.step, Outcome.UNKNOWN),
        sentence=sentence(record),
        expected=record.new,
    )
    return Entry(
        time=record.changed,
        host=record.host,
        uuid=str(record.uuid),
        name=record.name,
        occasion="upgrade",
        verdict=str(record.step),
        machine=record.goal,
        qemu=qemu,
        findings=(finding,),
    )
