"""What a host's domains are after what it told, and what changed with that. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from host_agent.case.results import Decision
from host_agent.fleet.told import Gone, Present, Record, Stopped, Verdict

NOT_RUNNING = "not running"
APPEARED, WENT, VERDICT, MACHINE, SHOWN = "appeared", "went", "verdict", "machine", "hardware"
"""What may change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """One domain of one host, as it is known last."""

    uuid: str
    name: str
    title: str | None
    machine: str | None
    architecture: str | None
    verdict: str
    depth: str | None
    occasion: str | None
    qemu: str | None
    check: str | None
    """The check that is to be named first; None: nothing is wrong."""
    problem: str | None
    time: float
    verified: float | None
    """When it was verified last; None: it never was."""
    shape: str | None
    shown: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What changed of a domain."""

    time: float
    uuid: str
    name: str
    what: str
    """One of the words above."""
    old: str | None
    new: str | None


Known = Mapping[str, Stands]
"""By the domain's UUID."""


def fold(known: Known, records: Iterable[Record]) -> tuple[dict[str, Stands], list[Change]]:
    """Return what stands after the records, in their order, and what changed."""
    now = dict(known)
    changes: list[Change] = []
    for record in records:
        match record:
            case Verdict():
                before = now.get(record.uuid)
                if before is not None and record.remembered:
                    continue
                after = _after(before, record)
                changes += _changes(before, after)
                now[record.uuid] = after
            case Stopped(time=time, uuid=uuid):
                before = now.get(uuid)
                if before is not None and before.verdict != NOT_RUNNING:
                    after = replace(
                        before, verdict=NOT_RUNNING, time=time, check=None, problem=None
                    )
                    changes += _changes(before, after)
                    now[uuid] = after
            case Gone(time=time, uuid=uuid):
                if (before := now.pop(uuid, None)) is not None:
                    changes.append(_went(before, time))
            case Present(time=time, uuids=uuids):
                for uuid in sorted(now.keys() - set(uuids)):
                    changes.append(_went(now.pop(uuid), time))
            case _:
                pass
    return now, changes


def _after(before: Stands | None, record: Verdict) -> Stands:
    verified = record.time if record.verdict == Decision.VERIFIED else None
    shape, shown = record.shape, record.shown
    if before is not None:
        verified = verified or before.verified
        # What could not be asked this time is as it was, as long as it is the same machine.
        if shown is None and before.machine == record.machine:
            shape, shown = before.shape, before.shown
    return Stands(
        uuid=record.uuid,
        name=record.name,
        title=record.title,
        machine=record.machine,
        architecture=record.architecture or (before.architecture if before else None),
        verdict=record.verdict,
        depth=record.depth,
        occasion=record.occasion,
        qemu=record.qemu,
        check=record.check,
        problem=record.problem,
        time=record.time,
        verified=verified,
        shape=shape,
        shown=shown,
    )


def _changes(before: Stands | None, after: Stands) -> list[Change]:
    def change(what: str, old: str | None, new: str | None) -> Change:
        return Change(
            time=after.time, uuid=after.uuid, name=after.name, what=what, old=old, new=new
        )

    if before is None:
        return [change(APPEARED, None, after.verdict)]
    found = []
    if before.verdict != after.verdict:
        found.append(change(VERDICT, before.verdict, after.verdict))
    if before.machine != after.machine:
        found.append(change(MACHINE, before.machine, after.machine))
    elif before.shape == after.shape and before.shown != after.shown:
        found.append(change(SHOWN, before.qemu, after.qemu))
    return found


def _went(before: Stands, time: float) -> Change:
    return Change(
        time=time, uuid=before.uuid, name=before.name, what=WENT, old=before.verdict, new=None
    )
