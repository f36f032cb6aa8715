"""Rows for the checks of what a UEFI keeps."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from host_agent.case.case import Case
from host_agent.checks import boot_entries, certificates, same_uefi, secure_boot, template
from host_agent.domain.uefi import Uefi
from host_agent.evidence.hardware import Uefi as SeenUefi
from host_agent.evidence.known_certificates import SUCCESSORS
from host_agent.evidence.nvram import BootEntry, Certificate, Database, Nvram
from host_agent.evidence.partitions import Partitions
from host_agent.finding import Outcome
from host_agent.missing import Missing, Reason
from tests.unit.host_agent.shared.cases import (
    BASELINE,
    DEFINITION,
    NOTHING,
    OBSERVATION,
    SURROUNDINGS,
    case,
    declared,
)

PASS, WARN, UNKNOWN, SKIP = Outcome.PASS, Outcome.WARN, Outcome.UNKNOWN, Outcome.SKIP
KEK, WINDOWS, THIRD = SUCCESSORS
UEFI = Uefi(secure=None, secure_boot=None, enrolled_keys=None, store=None)
GONE = Missing(reason=Reason.UNSUPPORTED, sentence="of an older time")
NO_BASELINE = Missing(reason=Reason.ABSENT, sentence="no baseline was taken")
MAC = "52:54:00:00:00:01"


def certificate(sha256: str, subject: str, end: date | None) -> Certificate:
    return Certificate(sha256=sha256, subject=subject, issuer="I", not_after=end)


OLD = (
    certificate(KEK.old, "KEK CA 2011", date(2026, 6, 24)),
    certificate(WINDOWS.old, "Windows 2011", date(2026, 10, 19)),
    certificate(THIRD.old, "UEFI CA 2011", date(2026, 6, 27)),
)
NEW = (
    certificate(KEK.new, "KEK 2K CA 2023", date(2038, 3, 2)),
    certificate(WINDOWS.new, "Windows 2023", date(2035, 6, 13)),
    certificate(THIRD.new, "UEFI CA 2023", date(2038, 6, 13)),
)
OWN = certificate("0" * 64, "Ours", date(2030, 1, 1))


def database(*certificates: Certificate, hashes: int = 0) -> Database:
    return Database(size=1, sha256="a" * 64, certificates=certificates, hashes=hashes, written=None)


def store(*pairs: tuple[Certificate, ...], dbx: int = 1, **changes: Any) -> Nvram:
    """A store with keys: ``pairs`` of KEK, Windows, others."""
    keys = {
        "PK": database(OWN),
        "KEK": database(OWN, *(pair[0] for pair in pairs)),
        "db": database(*(one for pair in pairs for one in pair[1:])),
        "dbx": database(hashes=dbx),
    }
    fields: dict[str, Any] = {"databases": keys, "secure_boot_enable": None, **changes}
    return Nvram(**fields)


NONE = Nvram(databases={}, secure_boot_enable=None)
OURS = store(databases={"PK": database(OWN), "KEK": database(OWN), "db": database(OWN)})
ENDED = store(
    databases={"PK": database(OWN), "db": database(replace(OWN, not_after=date(2020, 1, 1)))}
)


def uefi(nvram: Nvram | Missing, other: Nvram | Missing = NOTHING, **changes: Any) -> Case:
    """A domain with UEFI; ``other``: what a new one would get here."""
    today = changes.pop("today", SURROUNDINGS.today)
    words = {name: changes.pop(name) for name in list(changes) if name in Uefi.__slots__}
    definition = replace(DEFINITION, firmware="efi", uefi=replace(UEFI, **words), **changes)
    return case(
        declared=declared(definition),
        nvram=nvram,
        template=other,
        surroundings=replace(SURROUNDINGS, today=today),
    )


def told(nvram: Nvram, on: bool | None, *changed: str, **changes: Any) -> Case:
    """A domain whose guest says whether secure boot is on, and that it has the store's keys."""
    databases = {name: one.sha256 for name, one in nvram.databases.items()}
    databases |= dict.fromkeys(changed, "f" * 64)
    said = SeenUefi(secure_boot=on, setup_mode=not databases, databases=databases)
    seen = replace(OBSERVATION, hardware=replace(OBSERVATION.hardware, uefi=said))
    return replace(uefi(nvram, **changes), observation=seen)


def since(then: Nvram | None, now: Case) -> Case:
    """A domain whose baseline has the keys of another time; None: it has none."""
    digests = None if then is None else then.digests
    was = (
        GONE if digests is None else SeenUefi(secure_boot=True, setup_mode=None, databases=digests)
    )
    seen = replace(OBSERVATION, hardware=replace(OBSERVATION.hardware, uefi=was))
    return replace(now, baseline=replace(BASELINE, observation=seen))


def booting(*entries: BootEntry, **changes: Any) -> Case:
    """A domain that is to boot from these."""
    boot = {one.number: one for one in entries}
    return uefi(replace(NONE, boot_order=(*boot, 99), boot=boot), **changes)


def on_disk(*numbers: int, unread: str | None = None) -> Partitions:
    """What its disks have, of which one may not be known."""
    found = frozenset(UUID(int=number) for number in numbers)
    return Partitions(found=found, unread=() if unread is None else (unread,))


DISK = BootEntry(
    number=1,
    active=True,
    title="disk",
    path="PciRoot()/PCI(dev=02:0)/PCI(dev=00:0)",
    pci=((2, 0), (0, 0)),
    mac=None,
    partition=None,
)
NIC = replace(DISK, number=2, title="nic", path="PCI(dev=02:0)/MAC()", mac=MAC)
DEBIAN = replace(
    DISK, number=3, title="debian", path="Partition(nr=1)", pci=(), partition=UUID(int=1)
)
BOARD = replace(DISK, number=4, path="PciRoot()/PCI(dev=1f:2)/SATA(port=0)", pci=((31, 2),))
THERE = {"pci_ways": frozenset({((2, 0), (0, 0))})}
OFF = replace(uefi(store(OLD)), declared=declared(None, firmware="efi", uefi=UEFI))

ROWS = [
    (secure_boot.check, case(), SKIP, "no UEFI"),
    (secure_boot.check, uefi(NOTHING), UNKNOWN, "not to be had"),
    (secure_boot.check, uefi(store(OLD)), PASS, "whether its firmware can is not declared"),
    (secure_boot.check, uefi(store(OLD), secure=True), PASS, "is on by the guest's store (loader"),
    (secure_boot.check, uefi(store(OLD), secure=False), WARN, "declared without secure boot"),
    (secure_boot.check, uefi(store(OLD), secure_boot=False), WARN, "(secure-boot=no)"),
    (secure_boot.check, uefi(NONE), PASS, "secure boot is off: its store has no platform key"),
    (secure_boot.check, uefi(NONE, secure=False), PASS, "secure boot is off"),
    (secure_boot.check, uefi(NONE, secure=True), WARN, "(loader secure=yes), and it is off"),
    (secure_boot.check, uefi(NONE, enrolled_keys=True), WARN, "no platform key"),
    (secure_boot.check, uefi(NONE, secure=True, enrolled_keys=False), PASS, "off, as declared"),
    (secure_boot.check, uefi(store(OLD, secure_boot_enable=False), secure=True), WARN,
     "its setup switched it off"),
    (secure_boot.check, OFF, PASS, "is on"),
    (secure_boot.check, told(store(OLD), True, secure=True), PASS,
     "is on by the guest's store, and in the guest (loader secure=yes)"),
    (secure_boot.check, told(store(OLD), True), PASS, "by the guest's store, and in the guest"),
    (secure_boot.check, told(store(OLD), None), PASS, "can is not declared"),
    (secure_boot.check, told(NONE, False), PASS, "is off, and in the guest: its store has no"),
    (secure_boot.check, told(NONE, False, secure=True), WARN, "it is off, and in the guest: its"),
    (secure_boot.check, told(store(OLD), False, secure=True), WARN,
     "secure boot is off in the guest, and on by its store"),
    (secure_boot.check, told(store(OLD, secure_boot_enable=False), True), WARN,
     "secure boot is on in the guest, and off by its store"),
    (secure_boot.check, told(store(OLD), True, "db", "dbx"), WARN,
     "has other keys than its store on this host: db, dbx"),
    (secure_boot.check, told(NONE, False, "PK"), WARN, "store on this host: PK"),
    (certificates.check, case(), SKIP, "no UEFI"),
    (certificates.check, uefi(NOTHING), UNKNOWN, "not to be had"),
    (certificates.check, uefi(NONE), SKIP, "no platform key"),
    (certificates.check, replace(uefi(store(OLD)), surroundings=NOTHING), UNKNOWN, "not to be had"),
    (certificates.check, uefi(store(OLD)), WARN, "is not there: KEK CA 2011 (ended "
     "2026-06-24), Windows 2011 (ended 2026-10-19), UEFI CA 2011 (ended 2026-06-27). What they"),
    (certificates.check, uefi(store(OLD), today=date(2026, 6, 25)), WARN,
     "is not there: KEK CA 2011 (ended 2026-06-24). What"),
    # The last day is valid.
    (certificates.check, uefi(store(OLD), today=date(2026, 6, 24)), PASS,
     "have not ended yet, and what takes their place is not there: KEK CA 2011 (ends "
     "2026-06-24), Windows"),
    (certificates.check, uefi(store(OLD, NEW, dbx=443)), PASS,
     "of 2023; beside them ended ones: KEK CA 2011 (ended 2026-06-24), Windows 2011"),
    (certificates.check, uefi(store(NEW)), PASS, "certificates of 2023; dbx revokes 1 image"),
    (certificates.check, uefi(store((*OLD[:1], *NEW[1:]))), WARN,
     "certificates of Microsoft's in the guest's store ended, and what takes their place is not "
     "there: KEK CA 2011"),
    (certificates.check, uefi(OURS), PASS, "no certificate of Microsoft's; dbx revokes 0 images"),
    (certificates.check, uefi(ENDED), PASS, "beside them ended ones: Ours (ended 2020-01-01)"),
    (certificates.check, OFF, WARN, "ended"),
    (template.check, case(), SKIP, "no UEFI"),
    (template.check, uefi(NOTHING), UNKNOWN, "not to be had"),
    (template.check, uefi(NONE, store(OLD)), SKIP, "no platform key"),
    (template.check, uefi(store(OLD)), UNKNOWN, "not to be had"),
    (template.check, uefi(store(OLD), NONE), PASS, "this host's template has none"),
    (template.check, uefi(store(OLD), store(OLD)), PASS, "all certificates that a new domain"),
    (template.check, uefi(store(OLD), store(OLD, dbx=443)), PASS,
     "its dbx revokes 1 images, the template's 443"),
    (template.check, uefi(store(OLD, NEW), store(NEW)), PASS, "has more: KEK CA 2011 (KEK)"),
    (template.check, uefi(store(OLD), store(OLD, NEW, dbx=443)), WARN,
     "lacks: KEK 2K CA 2023 (KEK), Windows 2023 (db), UEFI CA 2023 (db); its dbx revokes 1"),
    (same_uefi.check, case(), SKIP, "no UEFI"),
    (same_uefi.check, replace(uefi(NONE), baseline=NO_BASELINE), SKIP, "no baseline"),
    (same_uefi.check, since(NONE, OFF), SKIP, "not running"),
    (same_uefi.check, since(NONE, uefi(NOTHING)), UNKNOWN, "not to be had"),
    (same_uefi.check, since(None, uefi(NONE)), UNKNOWN, "does not hold the guest's UEFI's keys"),
    (same_uefi.check, since(NONE, uefi(NONE)), PASS, "keys: none"),
    (same_uefi.check, since(OURS, told(OURS, True)), PASS, "keys: PK, KEK, db"),
    (same_uefi.check, since(OURS, uefi(OURS)), PASS, "keys: PK, KEK, db"),
    (same_uefi.check, since(NONE, uefi(OURS)), WARN, "PK is new; KEK is new; db is new"),
    (same_uefi.check, since(OURS, uefi(NONE)), WARN, "PK is gone; KEK is gone; db is gone"),
    (same_uefi.check, since(OURS, told(OURS, True, "dbx", "db")), WARN,
     "since the baseline: db is another one; dbx is new"),
    (same_uefi.check, since(OURS, told(OURS, False)), WARN, "secure boot was on and is off"),
    (boot_entries.check, case(), SKIP, "no UEFI"),
    (boot_entries.check, uefi(NOTHING), UNKNOWN, "not to be had"),
    (boot_entries.check, uefi(NONE), SKIP, "no boot order yet"),
    (boot_entries.check, booting(DISK, DEBIAN, BOARD, machine="pc-q35-7.2", **THERE), PASS,
     "name a device, and this machine has it; 1 boot entry names a partition, which is not found: "
     "no disk is looked at (--read-esp)"),
    (boot_entries.check, booting(DEBIAN, **THERE), UNKNOWN, "no disk is looked at"),
    (boot_entries.check, replace(booting(DEBIAN), partitions=NOTHING), UNKNOWN, "not to be had"),
    (boot_entries.check, replace(booting(DEBIAN), partitions=on_disk(1)), PASS,
     "1 name a partition, and a disk has it"),
    (boot_entries.check, replace(booting(DISK, DEBIAN, **THERE), partitions=on_disk(1, 2)), PASS,
     "1 of the firmware's boot entries name a device, and this machine has it; 1 name a part"),
    (boot_entries.check, replace(booting(DEBIAN), partitions=on_disk(2)), WARN,
     "from a partition that no disk of this machine has: Boot0003 (debian): Partition(nr=1)"),
    (boot_entries.check, replace(booting(DEBIAN), partitions=on_disk(2, unread="vdb: gone")),
     UNKNOWN, "not every disk could be read: vdb: gone"),
    (boot_entries.check, booting(replace(DEBIAN, partition=None), **THERE), SKIP, "no device"),
    (boot_entries.check, booting(replace(DISK, pci=((1, 0),)), machine="pc-q35-7.2"), WARN,
     "Boot0001"),
    (boot_entries.check, booting(DISK), WARN,
     "Boot0001 (disk): PciRoot()/PCI(dev=02:0)/PCI(dev=00:0)"),
    (boot_entries.check, booting(replace(DISK, active=False)), SKIP, "is active"),
    (boot_entries.check, booting(NIC, **THERE), WARN, "Boot0002 (network)"),
    (boot_entries.check, booting(NIC, identifiers=frozenset({MAC}), **THERE), PASS, "1 of"),
]  # fmt: skip
