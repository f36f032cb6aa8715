"""``boot-entries``: do the firmware's boot entries name devices that this machine has?"""

from typing import TYPE_CHECKING

from host_agent.case.case import Case
from host_agent.checks.shared.uefi import listed, stored
from host_agent.domain.definition import Definition
from host_agent.finding import Finding, Outcome
from host_agent.machine_types import names
from host_agent.missing import Missing

if TYPE_CHECKING:
    # Few domains have a UEFI.
    from host_agent.evidence.nvram import BootEntry
    from host_agent.evidence.partitions import Partitions

ID = "boot-entries"

# Of QEMU's chipsets themselves (hw/pc_piix.c, hw/pc_q35.c), which no XML need name.
_OWN_SLOTS = {"pc-i440fx": 1, "pc-q35": 0x1F}


def check(case: Case) -> Finding:
    """Hold the device paths of BootOrder's entries against the domain's PCI devices and NICs.

    UEFI specification, 3.1 and 10.3. The firmware passes over an entry whose device is not there,
    and boots the next one; what a guest's system was to start by it is then not started. A path
    that begins with a partition names no device; whether a disk has it is looked for only where
    that was asked for.
    """
    found = stored(ID, case)
    if isinstance(found, Finding):
        return found
    order = [found.boot[number] for number in found.boot_order if number in found.boot]
    if not order:
        return _skip("its firmware has written no boot order yet")
    active = [one for one in order if one.active]
    if not active:
        return _skip("none of its firmware's boot entries is active")
    definition = case.declared.definition
    gone = [one for one in active if not _is_there(one, definition)]
    on_disk = [one for one in active if one.partition is not None and not one.pci]
    lost = [one for one in on_disk if _is_lost(one, case.partitions)]
    if gone:
        return Finding(
            check=ID,
            outcome=Outcome.WARN,
            sentence="the firmware is to boot from what this machine does not have: "
            f"{listed([f'{one.name}: {one.path}' for one in gone])}",
            expected=listed([one.path for one in gone]),
            observed="no such device in the definition",
            remedy="give the device its former <address> or MAC address (virsh edit), or make the "
            "entry anew in the guest (efibootmgr)",
        )
    if lost:
        return Finding(
            check=ID,
            outcome=Outcome.WARN,
            sentence="the firmware is to boot from a partition that no disk of this machine has: "
            f"{listed([f'{one.name}: {one.path}' for one in lost])}",
            expected=listed([str(one.partition) for one in lost]),
            observed="no such partition in the disks' tables",
            remedy="give the domain the disk that has it (virsh edit), or make the entry anew in "
            "the guest (efibootmgr)",
        )
    named = sum(1 for one in active if one.pci or one.mac is not None)
    sure = [one for one in on_disk if _is_found(one, case.partitions)]
    unsure = len(on_disk) - len(sure)
    unsaid = f"{unsure} boot entr{'y names' if unsure == 1 else 'ies name'} a partition"
    if not named and not sure:
        if not unsure:
            return _skip("its firmware's boot entries name no device")
        return Finding(
            check=ID,
            outcome=Outcome.UNKNOWN,
            sentence=f"{unsaid} and no device, and {_why(case.partitions)}",
        )
    told = []
    if named:
        told.append(
            f"{named} of the firmware's boot entries name a device, and this machine has it"
        )
    if sure:
        told.append(f"{len(sure)} name a partition, and a disk has it")
    if unsure:
        told.append(f"{unsaid}, which is not found: {_why(case.partitions)}")
    return Finding(check=ID, outcome=Outcome.PASS, sentence="; ".join(told))


def _is_found(entry: "BootEntry", on_disks: "Partitions | Missing | None") -> bool:
    if on_disks is None or isinstance(on_disks, Missing):
        return False
    return entry.partition in on_disks.found


def _is_lost(entry: "BootEntry", on_disks: "Partitions | Missing | None") -> bool:
    if on_disks is None or isinstance(on_disks, Missing) or on_disks.unread:
        return False
    return entry.partition not in on_disks.found


def _why(on_disks: "Partitions | Missing | None") -> str:
    """Return why a partition can't be said to be there or not."""
    if on_disks is None:
        return "no disk is looked at (--read-esp)"
    if isinstance(on_disks, Missing):
        return on_disks.sentence
    return f"not every disk could be read: {'; '.join(on_disks.unread)}"


def _is_there(entry: "BootEntry", definition: Definition) -> bool:
    if entry.mac is not None and entry.mac not in definition.identifiers:
        return False
    if not entry.pci:
        return True
    own = _OWN_SLOTS.get(names.family(definition.machine or "") or "")
    return (len(entry.pci) == 1 and entry.pci[0][0] == own) or entry.pci in definition.pci_ways


def _skip(sentence: str) -> Finding:
    return Finding(check=ID, outcome=Outcome.SKIP, sentence=sentence)
