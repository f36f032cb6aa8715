"""What is asked of a domain before it goes, beside what ``preflight`` asks of a live move. Pure."""

from collections.abc import Callable
from dataclasses import replace

from host_agent.case import last_boot
from host_agent.domain.definition import Definition
from host_agent.domain.snapshots import Snapshot
from host_agent.finding import Finding, Outcome
from host_agent.firmware.images import Presence
from host_agent.machine_types.offers import Offer
from host_agent.migrate import preflight, qemu_refusals
from host_agent.missing import Missing, Reason
from host_agent.plan.facts import Answer, Kind, Question

STARTING = frozenset({Answer.START, Answer.RESTART})
"""Answers with a start there."""
Check = Callable[[Question], tuple[Finding | None, ...]]


def _move(question: Question) -> tuple[Finding | None, ...]:
    """What a live move asks for, or no more than a start of a domain that does not run."""
    move, subject = question.move, question.subject
    if subject.active is not None:
        found = preflight.run(move, preflight.MOVING)
    else:
        found = preflight.run(move, preflight.STARTING)
        if subject.saved is not None and question.kind is not Kind.HOST:
            # A restore is an incoming migration to the same host.
            brought = replace(move, devices=subject.saved_devices or move.devices)
            found += preflight.run(brought, preflight.RESTORING)
    return tuple(_here(question, finding) for finding in found)


def _here(question: Question, finding: Finding) -> Finding | None:
    """Leave out what no atlas and no release can say of a host, and what a start says as well."""
    if finding.check == "move-firmware" and _starting(question) is not None:
        return None
    if finding.check == "move-storage":
        return _local(question, finding)
    if finding.check == "move-cpu" and question.kind is not Kind.HOST:
        # What is bound to this host's CPU is so whatever the other one is.
        return finding if finding.outcome is Outcome.WARN else None
    return finding


def _local(question: Question, finding: Finding) -> Finding | None:
    """A local disk is no hindrance to a host that is upgraded where it stands."""
    stopped = question.subject.active is None
    if finding.outcome is not Outcome.FAIL:
        # Where only a release is known, storage is not looked at, and the plan says so.
        unseen = finding.outcome is Outcome.UNKNOWN or stopped
        return None if unseen and question.kind is not Kind.HOST else finding
    if question.kind is Kind.HOST:
        remedy = "copy it there, then define and start the domain there"
        return finding if not stopped else _finding(finding, finding.check, remedy)
    if stopped:
        return None
    return _finding(
        finding,
        "plan-local-disks",
        "stop it while this host is upgraded; to another host: --copy-storage all",
    )


def _finding(finding: Finding, check: str, remedy: str) -> Finding:
    return Finding(check=check, outcome=finding.outcome, sentence=finding.sentence, remedy=remedy)


def _next_start(question: Question) -> tuple[Finding | None, ...]:
    """``plan-next-start``: what is defined can start there as well."""
    offer, subject = question.next_start, question.subject
    machine = None if subject.persistent is None else subject.persistent.machine
    if subject.persistent is None:
        return (
            Finding(
                check="plan-transient",
                outcome=Outcome.WARN,
                sentence="it is transient: when it stops, its definition is gone",
                remedy="keep it first: virsh dumpxml --migratable NAME >FILE",
            ),
        )
    if not isinstance(offer, Missing):
        return ()
    gone = offer.reason is Reason.ABSENT
    return (
        Finding(
            check="plan-next-start",
            outcome=Outcome.FAIL if gone else Outcome.UNKNOWN,
            sentence=f"its next start would be as {machine}, but {offer.sentence}",
            remedy=offer.remedy,
        ),
    )


def _starting(question: Question) -> Finding | None:
    """Say that a start there lacks its firmware; one of another size does for a start."""
    images = tuple(one for one in question.start_images if one.there is not Presence.GROWN)
    return preflight.firmware("plan-firmware", images, question.move.destination.name)


def _firmware(question: Question) -> tuple[Finding | None, ...]:
    """``plan-firmware``: where it starts, its UEFI image is there."""
    return (_starting(question),)


def _start_options(question: Question) -> tuple[Finding | None, ...]:
    """``plan-start``: QEMU there takes what libvirt there writes for this domain."""
    start, host = question.start, question.move.destination.name
    if start is None:
        return ()
    refused = start.reason is Reason.NO_START
    return (
        Finding(
            check="plan-start",
            outcome=Outcome.FAIL if refused else Outcome.UNKNOWN,
            sentence=f"it would not start on {host}: {start.sentence}"
            if refused
            else f"whether QEMU on {host} takes libvirt's options for it: {start.sentence}",
            remedy=start.remedy,
        ),
    )


def _files(question: Question) -> tuple[Finding | None, ...]:
    """``plan-files``: files that QEMU reads as it starts are there; a plan can't look."""
    images = [one.path for one in question.start_images if one.there is Presence.NOT_KNOWN]
    # A host that is upgraded keeps what no package brought.
    own = question.subject.start.files if question.kind is Kind.HOST else ()
    paths = tuple(dict.fromkeys([*images, *own]))
    if not paths:
        return ()
    where = question.move.destination.name
    return (
        Finding(
            check="plan-files",
            outcome=Outcome.UNKNOWN,
            sentence=f"whether {where} has {', '.join(paths)}",
        ),
    )


def _roms(question: Question) -> tuple[Finding | None, ...]:
    """``plan-roms``: option ROMs of which no atlas knows the size are named."""
    unseen = sorted(question.unseen_roms)
    if not unseen or question.subject.active is None or isinstance(question.move.forecast, Missing):
        return ()
    return (
        Finding(
            check="plan-roms",
            outcome=Outcome.UNKNOWN,
            sentence=f"whether {', '.join(unseen)} is of one size on both sides: the atlases do "
            "not have it",
        ),
    )


def _start_cpu(question: Question) -> tuple[Finding | None, ...]:
    """``plan-start-cpu``: where it has to start there, it can have its CPU."""
    live = question.subject.active is not None and not isinstance(question.move.cpu, str)
    if live or question.start_cpu is None:
        return ()
    host = question.move.destination.name
    if isinstance(question.start_cpu, Missing):
        return (
            Finding(
                check="plan-start-cpu",
                outcome=Outcome.UNKNOWN,
                sentence=f"{host}: {question.start_cpu.sentence}",
                remedy=question.start_cpu.remedy,
            ),
        )
    return (
        Finding(
            check="plan-start-cpu",
            outcome=Outcome.FAIL,
            sentence=f"it can't start on {host} either: {question.start_cpu}",
            remedy="give it a CPU model that both hosts have, or host-model",
        ),
    )


def _passthrough(question: Question) -> tuple[Finding | None, ...]:
    """``plan-devices``: what belongs to a host must be there as well, for a start."""
    bound = question.subject.start.passthrough
    if not bound or question.subject.active is not None:
        return ()
    return (
        Finding(
            check="plan-devices",
            outcome=Outcome.WARN,
            sentence=f"it starts only where there is: {', '.join(bound)}",
        ),
    )


def left_behind(question: Question, answer: Answer) -> tuple[Finding, ...]:
    """``plan-state``: a live move carries along what a stop and a start elsewhere do not."""
    files = question.subject.start.state
    if not files or question.kind is not Kind.HOST or answer not in STARTING:
        return ()
    return (
        Finding(
            check="plan-state",
            outcome=Outcome.WARN,
            sentence=f"what it keeps on this host must be copied there: {', '.join(files)}",
        ),
    )


def _saved(question: Question) -> tuple[Finding | None, ...]:
    """``plan-saved``: a saved guest is taken up only by the same machine type, on its own host."""
    saved, offer = question.subject.saved, question.saved
    if saved is None:
        return ()
    if isinstance(saved, Missing):
        return (
            Finding(
                check="plan-saved",
                outcome=Outcome.UNKNOWN,
                sentence=f"whether it has a saved state is not known: {saved.sentence}",
                remedy=saved.remedy,
            ),
        )
    here = "start it here: virsh start NAME; or throw the state away: virsh managedsave-remove NAME"
    if question.kind is Kind.HOST:
        return (
            Finding(
                check="plan-saved",
                outcome=Outcome.FAIL,
                sentence="its saved state stays on this host, also in an offline migration",
                remedy=here,
            ),
        )
    if isinstance(offer, Missing):
        gone = offer.reason is Reason.ABSENT
        return (
            Finding(
                check="plan-saved",
                outcome=Outcome.FAIL if gone else Outcome.UNKNOWN,
                sentence=f"its saved state can't be restored there: {offer.sentence}"
                if gone
                else f"whether its saved state can be restored is not known: {offer.sentence}",
                remedy=here,
            ),
        )
    return (
        Finding(
            check="plan-saved",
            outcome=Outcome.PASS,
            sentence="its saved state can be restored by a QEMU that has its machine type",
        ),
    )


def _snapshots(question: Question) -> tuple[Finding | None, ...]:
    """``plan-snapshots``: libvirt moves no domain that has snapshots.

    libvirt ``src/qemu/qemu_migration.c: qemuMigrationSrcIsAllowed``. On a host that is upgraded
    they stay, and one with memory can be reverted to only while its machine type is there.
    """
    snapshots = question.subject.snapshots
    if isinstance(snapshots, Missing):
        return (
            Finding(
                check="plan-snapshots",
                outcome=Outcome.UNKNOWN,
                sentence=f"whether it has snapshots is not known: {snapshots.sentence}",
                remedy=snapshots.remedy,
            ),
        )
    if question.kind is Kind.HOST:
        if not snapshots:
            return ()
        return (
            Finding(
                check="plan-snapshots",
                outcome=Outcome.FAIL,
                sentence=f"libvirt moves no domain with snapshots: {_names(snapshots)}",
                remedy="virsh snapshot-delete NAME SNAPSHOT (--metadata: only libvirt forgets it)",
            ),
        )
    gone = isinstance(question.move.offer, Missing)
    machine = question.move.active.machine
    lost = tuple(one for one in snapshots if one.memory and gone and one.machine in {machine, None})
    if not lost:
        return _brought(question, tuple(one for one in snapshots if one.memory))
    return (
        Finding(
            check="plan-memory-snapshots",
            outcome=Outcome.WARN,
            sentence="snapshots that hold a running guest can't be reverted to without "
            f"{machine}: {_names(lost)}",
            remedy="delete them before the type is raised: virsh snapshot-delete NAME SNAPSHOT",
        ),
    )


def _brought(question: Question, running: tuple[Snapshot, ...]) -> tuple[Finding | None, ...]:
    """Say that what is kept of a running guest may be refused, as it would be in a move."""
    move = question.move
    # What booted the guest that a snapshot holds is nowhere written.
    boot = last_boot.NOT_KNOWN.moved(move.source.qemu)
    known = qemu_refusals.known(replace(move, boot=boot)) if running else None
    if known is None:
        return ()
    return (
        Finding(
            check="plan-memory-snapshots",
            outcome=Outcome.WARN,
            sentence="snapshots that hold a running guest may not be reverted to there: "
            f"{_names(running)}; {known[0].why}",
            remedy="revert to them before, or delete them: virsh snapshot-delete NAME SNAPSHOT",
        ),
    )


def _names(snapshots: tuple[Snapshot, ...]) -> str:
    return ", ".join(one.name for one in snapshots)


def _raise(question: Question) -> tuple[Finding | None, ...]:
    """``plan-raise``: where a type is gone, there is one to raise to."""
    gone = lacking(
        question.move.active, question.move.offer, question.subject.persistent, question.next_start
    )
    if gone is None:
        return ()
    if question.raised.name is None or question.raised.name == gone:
        return (
            Finding(
                check="plan-raise",
                outcome=Outcome.FAIL,
                sentence=f"there is no machine type to raise it to: {question.raised.why}",
            ),
        )
    note = f"; {question.raised.note}" if question.raised.note else ""
    return (
        Finding(
            check="plan-raise",
            outcome=Outcome.WARN,
            sentence=f"{question.raised.name}: {question.raised.why}{note}",
            expected=question.raised.name,
            remedy=f"samemachine upgrade NAME --to {question.raised.name}",
        ),
    )


def lacking(
    definition: Definition,
    offer: Offer | Missing,
    persistent: Definition | None,
    next_start: Offer | Missing | None,
) -> str | None:
    """Return the machine type that must be another one before a domain can go; None: none.

    ``offer`` and ``next_start``: what is there for ``definition`` and for ``persistent``.
    """
    if isinstance(offer, Missing):
        gone = offer.reason is Reason.ABSENT
    else:
        gone = offer.canonical != definition.machine
    if gone:
        # The next start may be as one that is there.
        return None if isinstance(next_start, Offer) else definition.machine
    if persistent and isinstance(next_start, Missing) and next_start.reason is Reason.ABSENT:
        return persistent.machine
    return None


CHECKS: tuple[Check, ...] = (
    _move, _next_start, _start_options, _firmware, _start_cpu, _passthrough, _saved, _snapshots,
    _files, _roms, _raise,
)  # fmt: skip
