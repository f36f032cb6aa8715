"""Findings on a move before it is made. Pure.

A fail is a move that libvirt or QEMU would refuse, or one that must not be made though both would
let it pass.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from host_agent.atlas import touching
from host_agent.atlas.vmstate_diff import Reading
from host_agent.difference import Difference, with_rehearsal
from host_agent.evidence.sealed import of_start
from host_agent.finding import Finding, Outcome
from host_agent.firmware import effects
from host_agent.firmware.images import GIVEN_UP, Image, Presence
from host_agent.migrate import qemu_refusals
from host_agent.migrate.facts import MachineThere, Move, numbers
from host_agent.migrate.qemu_refusals import Certainty
from host_agent.missing import Missing, Reason
from host_agent.printable import argument, quoted

_SHOWN = 3


Check = Callable[[Move], Finding | None]


def run(move: Move, checks: Sequence[Check] | None = None) -> tuple[Finding, ...]:
    """Return the findings of all checks, or of these, that apply."""
    return tuple(
        finding
        for check in (CHECKS if checks is None else checks)
        if (finding := check(move)) is not None
    )


def refused(findings: tuple[Finding, ...]) -> bool:
    """Tell whether the move must not be made."""
    return any(finding.outcome is Outcome.FAIL for finding in findings)


def _state(move: Move) -> Finding:
    """``move-state``: only a running guest can be asked before and after."""
    name = argument(move.active.name, move.active.uuid)
    if move.job is not None:
        return Finding(
            check="move-state",
            outcome=Outcome.FAIL,
            sentence=move.job.sentence,
            remedy=move.job.remedy,
        )
    if move.state != "running":
        return Finding(
            check="move-state",
            outcome=Outcome.FAIL,
            sentence=f"the domain is {move.state}: its guest can't be asked before and after",
            remedy=f"virsh resume {name}" if move.state == "paused" else None,
        )
    return Finding(check="move-state", outcome=Outcome.PASS, sentence="running, and no other job")


def _host(move: Move) -> Finding | None:
    """``move-host``: libvirt moves nothing from a host to itself."""
    if move.source.uuid is None or move.source.uuid != move.destination.uuid:
        return None
    return Finding(
        check="move-host",
        outcome=Outcome.FAIL,
        sentence=f"source and destination are one host, {move.destination.name}",
        remedy="if they are two: give each a host_uuid of its own in libvirtd.conf",
    )


def _domain(move: Move) -> Finding | None:
    """``move-domain``: the destination must not have another of this name or UUID.

    Nor run one whose guest sees the same UUID: several domains may have one ``<hwuuid>``, but not
    run at once (libvirt formatdomain.rst).
    """
    name, uuid, host = move.active.name, move.active.uuid, move.destination.name
    for there in move.there:
        if there.active and there.uuid == uuid:
            return Finding(
                check="move-domain",
                outcome=Outcome.FAIL,
                sentence=f"a domain of this UUID runs on {host} already, as {there.name}",
                remedy="look at both: one UUID must not run twice",
            )
        if there.active and there.guest_uuid == move.active.guest_uuid:
            return Finding(
                check="move-domain",
                outcome=Outcome.FAIL,
                sentence=f"a domain whose guest sees this one's UUID, {move.active.guest_uuid}, "
                f"runs on {host} already: {there.name}",
                remedy="stop one of the two first: several domains may have one hwuuid, but no two "
                "of them may run at once",
            )
        if there.uuid != uuid or there.name != name:
            return Finding(
                check="move-domain",
                outcome=Outcome.FAIL,
                sentence=f"{host} has another domain of this name or UUID: {there.name} "
                f"{there.uuid}",
                remedy=f"rename or undefine that one: virsh domrename "
                f"{argument(there.name, there.uuid)} NEW",
            )
    return None


def _xml(move: Move) -> Finding | None:
    """``move-xml``: the machine type stays what it is.

    QEMU compares its name only as far as that of the source is long (``migration/savevm.c:
    configuration_post_load``, strncmp): pc-q35-4.0 would become pc-q35-4.0.1.
    """
    if move.xml is None:
        return None
    ours, theirs = move.active.machine, move.xml.machine
    if ours == theirs:
        return Finding(
            check="move-xml",
            outcome=Outcome.PASS,
            sentence=f"the destination's XML has the same machine type, {ours}",
        )
    prefix = "; QEMU itself would not notice" if ours and (theirs or "").startswith(ours) else ""
    return Finding(
        check="move-xml",
        outcome=Outcome.FAIL,
        sentence=f"the destination's XML changes the machine type from {ours} to {theirs}{prefix}",
        expected=ours,
        observed=theirs,
        remedy=f"write {ours} there: a running machine can't become another one",
    )


def _machine_type(move: Move) -> Finding:
    """``move-machine-type``: the destination has the machine type, by its exact own name."""
    name, host = move.active.machine, move.destination
    where = host.title
    if isinstance(move.offer, Missing):
        absent = move.offer.reason is Reason.ABSENT
        near = f"; near it: {', '.join(move.near[:_SHOWN])}" if absent and move.near else ""
        return Finding(
            check="move-machine-type",
            outcome=Outcome.FAIL if absent else Outcome.UNKNOWN,
            sentence=f"{where}: {move.offer.sentence}{near}",
            expected=name,
            remedy="change the machine type here first; it takes a stop and a start"
            if absent
            else move.offer.remedy,
        )
    if move.offer.canonical != name:
        return Finding(
            check="move-machine-type",
            outcome=Outcome.FAIL,
            sentence=f"on {where} {name} is another name of {move.offer.canonical}: the guest "
            "would be given another machine",
            expected=name,
            observed=move.offer.canonical,
            remedy="change the machine type here first; it takes a stop and a start",
        )
    if move.offer.deprecated:
        return Finding(
            check="move-machine-type",
            outcome=Outcome.WARN,
            sentence=f"{where} has {name}, but calls it deprecated: a later QEMU will not have it",
            remedy="change the machine type at the next stop",
        )
    return Finding(check="move-machine-type", outcome=Outcome.PASS, sentence=f"{where} has {name}")


def _cpu(move: Move) -> Finding:
    """``move-cpu``: the destination can give the guest every feature that it has."""
    host = move.destination.name
    if isinstance(move.cpu, str):
        return Finding(
            check="move-cpu",
            outcome=Outcome.FAIL,
            sentence=f"{host}: {move.cpu}",
            remedy="stop and start the guest there, or give it a CPU model that both hosts have",
        )
    if move.devices.host_bound_cpu:
        return Finding(
            check="move-cpu",
            outcome=Outcome.WARN,
            sentence=f"the guest has its host's own CPU ({move.devices.cpu_mode}), which libvirt "
            f"can't compare: {host} must have the same, with the same microcode",
            remedy="host-model or a named model moves between hosts that differ",
        )
    if isinstance(move.cpu, Missing):
        return Finding(
            check="move-cpu",
            outcome=Outcome.UNKNOWN,
            sentence=f"{host}: {move.cpu.sentence}",
            remedy=move.cpu.remedy,
        )
    return Finding(
        check="move-cpu", outcome=Outcome.PASS, sentence=f"{host} has all of the guest's CPU"
    )


def _versions(move: Move) -> Finding | None:
    """``move-versions``: a newer QEMU takes what an older one sends; the other way is luck.

    QEMU docs/devel/migration/compatibility.rst.
    """
    source, destination = move.source, move.destination
    both = [
        (what, here, there)
        for what, here, there in (
            ("QEMU", source.qemu, destination.qemu),
            ("libvirt", source.libvirt, destination.libvirt),
        )
        if here and there
    ]
    if not both:
        return None
    older = [
        f"{what} {there} there, {here} here"
        for what, here, there in both
        if numbers(there) < numbers(here)
    ]
    if older:
        return Finding(
            check="move-versions",
            outcome=Outcome.WARN,
            sentence=f"the destination is older: {'; '.join(older)}",
            remedy="nobody supports this direction; if it fails, the guest stays here",
        )
    return Finding(
        check="move-versions",
        outcome=Outcome.PASS,
        sentence=", ".join(f"{what} {here} to {there}" for what, here, there in both),
    )


def _devices(move: Move) -> Finding | None:
    """``move-devices``: a piece of the host can't move along."""
    bound = move.devices.passthrough
    if not bound:
        return None
    return Finding(
        check="move-devices",
        outcome=Outcome.FAIL,
        sentence=f"the guest has what belongs to this host: {', '.join(bound)}",
        remedy="detach it, or stop and start the guest there; a device whose driver can migrate: "
        "virsh migrate, then samemachine verify",
    )


def _storage(move: Move) -> Finding | None:
    """``move-storage``: the destination sees the disks, or they are copied.

    libvirt ``src/qemu/qemu_migration.c: qemuMigrationSrcIsSafe``: a disk that several domains share
    is never copied, a floppy is as any disk.
    """
    disks = [disk for disk in move.devices.disks if disk.writable and disk.type != "network"]
    if not disks:
        return None
    left = [disk for disk in disks if move.copy_storage is None or disk.shareable]
    if not left:
        names = ", ".join(disk.target for disk in disks)
        return Finding(
            check="move-storage",
            outcome=Outcome.PASS,
            sentence=f"disks are copied ({move.copy_storage}): {names}",
        )
    local = [disk for disk in left if move.shared.get(disk.target) is False]
    if local:
        names = ", ".join(f"{disk.target} ({disk.path})" for disk in local)
        shareable = any(disk.shareable for disk in local)
        return Finding(
            check="move-storage",
            outcome=Outcome.WARN if move.unsafe else Outcome.FAIL,
            sentence=f"on this host's own file system: {names}"
            f"{'; what several domains share is never copied' if shareable else ''}",
            remedy="the destination must see the very same files, or the guest's data is lost"
            if move.unsafe
            else f"{'' if shareable else '--copy-storage all; or '}--unsafe, where "
            "the destination sees the very same files",
        )
    unknown = [disk.target for disk in left if move.shared.get(disk.target) is None]
    if unknown:
        return Finding(
            check="move-storage",
            outcome=Outcome.UNKNOWN,
            sentence=f"whether the destination sees {', '.join(unknown)} can't be told from here",
            remedy="libvirt looks at it in the move",
        )
    return Finding(
        check="move-storage", outcome=Outcome.PASS, sentence="all disks are on shared storage"
    )


_VIRTIOFS_MOVES = (8, 2)
"""QEMU's version since which the device can be migrated at all (hw/virtio/vhost-user-fs.c)."""
_LIBVIRT_REFUSES = (9, 0, 0)
"""The newest libvirt that was seen to refuse it whatever serves the folder; 11.3.0 does not."""


def _folders(move: Move) -> Finding | None:
    """``move-folders``: a folder by virtiofs moves with a daemon that can hand its state over.

    libvirt 9.0.0 refuses all; 11.3.0 asks whether virtiofsd can (1.13.2 can) or leaves it to who
    serves the socket. What lies in the folder is never copied.
    """
    folders, source = move.devices.folders, move.source
    if not folders:
        return None
    names = ", ".join(folder.path or folder.name for folder in folders)
    old = (source.qemu and numbers(source.qemu) < _VIRTIOFS_MOVES) or (
        source.libvirt and numbers(source.libvirt) <= _LIBVIRT_REFUSES
    )
    own = [one.path for one in folders if one.path and move.shared.get(one.path) is False]
    if old or own:
        return Finding(
            check="move-folders",
            outcome=Outcome.FAIL,
            sentence=f"the guest has folders of this host by virtiofs: {names}"
            + ("" if old else "; they are on its own file system"),
            remedy="unmount and detach them, or stop and start the guest there",
        )
    return Finding(
        check="move-folders",
        outcome=Outcome.WARN,
        sentence=f"{names} (virtiofs): it moves only where virtiofsd on both hosts can hand over "
        "what the guest has open, and the destination must show the very same folder",
        remedy="if libvirt refuses, the guest stays here: detach them, or stop and start it there",
    )


def _firmware(move: Move) -> Finding | None:
    """``move-firmware``: QEMU there opens the image that it runs with, and finds it as large."""
    return firmware("move-firmware", move.images, move.destination.name)


def firmware(check: str, images: Sequence[Image], host: str) -> Finding | None:
    """Return what is said of firmware images, for a move or for a start; None: nothing."""
    of = {one: [image.path for image in images if image.there is one] for one in Presence}
    if of[Presence.NO]:
        given_up = GIVEN_UP.intersection(of[Presence.NO])
        return Finding(
            check=check,
            outcome=Outcome.FAIL,
            sentence=f"{host} has no {', '.join(of[Presence.NO])}"
            f"{': its packages gave up the images of 2 MB' if given_up else ''}",
            remedy="copy it there, to a folder that no package has, and name that in the "
            "definition; or give the domain an image of 4 MB and a new variable store, whose boot "
            "entries and keys are then set anew",
        )
    if of[Presence.GROWN]:
        return Finding(
            check=check,
            outcome=Outcome.FAIL,
            sentence=f"{', '.join(of[Presence.GROWN])} is of another size on {host}, and QEMU "
            "refuses the guest's",
            remedy="stop and start the guest there",
        )
    if of[Presence.DOUBTFUL]:
        return Finding(
            check=check,
            outcome=Outcome.UNKNOWN,
            sentence=f"whether {host} has {', '.join(of[Presence.DOUBTFUL])} can't be asked from "
            "here, and since Debian 13 and Ubuntu 24.04 the packages have none, or another",
            remedy=f"look there: ls -lL {' '.join(map(quoted, of[Presence.DOUBTFUL]))}",
        )
    return None


def _vcpus(move: Move) -> Finding | None:
    """``move-vcpus``: libvirt refuses more vCPUs than the machine type may have."""
    number, most = move.devices.vcpus, move.most_vcpus
    if number is None or most is None or number <= most:
        return None
    return Finding(
        check="move-vcpus",
        outcome=Outcome.FAIL,
        sentence=f"it has {number} vCPUs, and its machine type may have {most} on "
        f"{move.destination.name}",
        expected=str(most),
        observed=str(number),
        remedy="give it fewer, or a type that takes them: pc-q35-8.1 takes 1024, pc-q35-9.0 4096",
    )


def _threads(move: Move) -> Finding | None:
    """``move-threads``: libvirt there does not mistake the guest's CPU for another one."""
    known = qemu_refusals.of_threads(move)
    if known is None:
        return None
    why, sure = known
    return Finding(
        check="move-threads",
        outcome=Outcome.FAIL if sure else Outcome.UNKNOWN,
        sentence=f"libvirt on {move.destination.title} {'refuses' if sure else 'may refuse'} its "
        f"CPU: {why}",
        remedy="stop and start the guest there; libvirt 11.10.0 and newer take it live",
    )


def blocks(move: Move) -> Finding | None:
    """``move-blocks``: option ROMs and firmware are as large there as here.

    QEMU sends them with the guest's memory and refuses another size (``migration/ram.c``).
    """
    if isinstance(move.forecast, Missing):
        # The forecast says why.
        return None
    differing = touching.refusing(move.forecast)
    if not differing:
        return Finding(
            check="move-blocks",
            outcome=Outcome.PASS,
            sentence="firmware and option ROMs are of the same sizes there",
        )
    told = ", ".join(
        f"{one.subject.rpartition('/')[2] or 'firmware'} {one.old} here, {one.new} there"
        for one in differing
    )
    return Finding(
        check="move-blocks",
        outcome=Outcome.FAIL,
        sentence=f"QEMU would refuse the move: {told}",
        remedy="stop and start the guest there, or give both hosts the same package of ROMs",
        differences=differing,
    )


def device_states(move: Move) -> Finding | None:
    """``move-vmstate``: QEMU there takes what this guest's devices send, as both describe it.

    QEMU docs/devel/migration/main.rst. A warning, unless it was measured that such a device is
    refused: two QEMUs can agree on what their descriptions do not show.
    """
    known = move.states
    if known is None:
        return None
    if isinstance(known, Missing):
        return Finding(
            check="move-vmstate",
            outcome=Outcome.UNKNOWN,
            sentence="whether QEMU there takes the states of its devices is not known: "
            f"{known.sentence}",
            remedy=known.remedy,
        )
    measured = qemu_refusals.of_devices(move)
    if measured:
        return Finding(
            check="move-vmstate",
            outcome=Outcome.FAIL,
            sentence=f"{move.destination.title} refuses the state of {', '.join(measured)}, which "
            f"was measured: {'; '.join(measured.values())}",
            remedy="stop and start the guest there, or give it another model of that device first",
        )
    if not known.touching:
        return Finding(
            check="move-vmstate",
            outcome=Outcome.PASS,
            sentence=f"{known.taken_by} takes what {known.sent_by} says that it sends of the "
            f"{known.looked_at} device models that it describes of this guest"
            f"{_named('; it describes no state of', known.not_described)}"
            f"{_named('; more is held back by', known.held_by)}",
        )
    shown = "; ".join(
        f"{one.model}{' (of the machine itself)' if one.own else ''}: {one.change.what}"
        for one in known.touching[:_SHOWN]
    )
    more = len(known.touching) - _SHOWN
    sure = any(one.change.reading is not Reading.DEPENDS for one in known.touching)
    return Finding(
        check="move-vmstate",
        outcome=Outcome.WARN,
        sentence=f"QEMU there {'will probably' if sure else 'may'} refuse what this guest sends: "
        f"{shown}{f'; and {more} more' if more > 0 else ''}",
        remedy="try the move: a guest that is refused stays here; then stop and start it there",
    )


def _named(words: str, names: Sequence[object]) -> str:
    return f"{words} {', '.join(map(str, names))}" if names else ""


_IF = {
    Certainty.SURE: (Outcome.FAIL, ""),
    Certainty.IF_RESET: (Outcome.WARN, ", if it was reset there since it came"),
    Certainty.NOT_KNOWN: (Outcome.UNKNOWN, ", if that QEMU booted or reset it, which is not known"),
}


def _refusal(move: Move) -> Finding | None:
    """``move-refusal``: QEMU there is not known to refuse what the guest brings along."""
    said = qemu_refusals.of_emulation(move)
    if said is not None:
        return Finding(
            check="move-refusal",
            outcome=Outcome.FAIL,
            sentence=f"{move.destination.title} refuses what QEMU {move.source.qemu} sends of a "
            f"{move.active.architecture} guest in software emulation, which was measured: {said}",
            remedy="stop and start the guest there",
        )
    known = qemu_refusals.known(move)
    if known is None:
        return None
    refusal, certainty = known
    outcome, condition = _IF[certainty]
    sure = certainty is Certainty.SURE
    return Finding(
        check="move-refusal",
        outcome=outcome,
        sentence=f"{move.destination.title} refuses what the guest has from its last boot"
        f"{condition}: {refusal.why}",
        remedy="stop and start the guest there"
        if sure
        else "try the move: a guest that is refused stays here; then stop and start it there",
    )


def _tried(move: Move) -> Finding | None:
    """The same before a move that is wanted now: a guest whose QEMU is an older one may get there.

    Where a package was upgraded under it, libvirt names the new version; and a refused guest stays
    where it is.
    """
    found = _refusal(move)
    return None if found is None else replace(found, outcome=Outcome.WARN)


def _forecast(move: Move) -> Finding:
    """``move-forecast``: nothing changes in the move; what changes at the next boot there?"""
    served, made = move.forecast, move.rehearsed
    if isinstance(made, MachineThere):
        forecast = (
            made.differences
            if isinstance(served, Missing)
            else with_rehearsal(served, made.differences)
        )
        how = f" (rehearsed under QEMU {made.qemu})"
    elif isinstance(served, Missing):
        why = f"; not rehearsed, because {made.sentence}" if made is not None else ""
        return Finding(
            check="move-forecast",
            outcome=Outcome.UNKNOWN,
            sentence=f"what the guest will see there is not known: {served.sentence}{why}",
            remedy=served.remedy,
        )
    else:
        forecast = served
        how = "" if made is None else f" (not rehearsed, because {made.sentence})"
    seen = touching.seen(forecast)
    if not seen:
        return Finding(
            check="move-forecast",
            outcome=Outcome.PASS,
            sentence=f"at its next boot there the guest will find the same machine{how}",
        )
    shown = "; ".join(map(_told, seen[:_SHOWN]))
    more = len(seen) - _SHOWN
    return Finding(
        check="move-forecast",
        outcome=Outcome.WARN,
        sentence="nothing changes in the move; at its next boot there the guest will find"
        f"{how}: {shown}{f'; and {more} more' if more > 0 else ''}",
        differences=seen,
    )


def _sealed(move: Move) -> Finding | None:
    """``move-sealed``: what is bound to the TPM's registers opens at the first start there."""
    if move.sealed is None:
        return None
    return of_start("move-sealed", move.sealed, "its first stop and start there")


def _told(difference: Difference) -> str:
    return f"{difference} ({effects.of(difference).effect})"


CHECKS: tuple[Check, ...] = (
    _state,
    _host,
    _domain,
    _machine_type,
    _xml,
    _vcpus,
    _cpu,
    _threads,
    _versions,
    _devices,
    _folders,
    _storage,
    _firmware,
    blocks,
    device_states,
    _tried,
    _forecast,
    _sealed,
)

MOVING: tuple[Check, ...] = (
    _domain, _machine_type, _vcpus, _cpu, _threads, _versions, _devices, _folders, _storage,
    _firmware, blocks, device_states, _refusal, _sealed,
)  # fmt: skip
"""What decides, long before the move, whether a running domain can be moved."""
STARTING: tuple[Check, ...] = (_domain, _machine_type, _vcpus, _storage, _sealed)
"""What decides whether a domain that does not run can be started there."""
RESTORING: tuple[Check, ...] = (_threads, _firmware, blocks, _refusal)
"""What decides beside that whether a saved guest is taken up: it comes as by a migration."""
