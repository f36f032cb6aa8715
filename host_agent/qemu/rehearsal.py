"""The whole machine, before it happens: a second QEMU runs the firmware, and what it left is read.

It has the domain's own devices on back-ends that lead nowhere (``rehearsal_options``), nothing to
boot, and the rights of a probe: none. What a paused QEMU serves is not yet what a guest gets: on
q35 there is no MCFG, and the DSDT is shorter, until the firmware has set up PCI (QEMU
``hw/i386/acpi-build.c: acpi_build_update``), so it is run until its tables are in memory.
"""

from collections.abc import Iterator, Mapping, Sequence

from host_agent.errors import EvidenceError
from host_agent.evidence.rehearsed import Rehearsed, RehearsedFunction, RehearsedVirtio
from host_agent.evidence.rehearsed_form import SOURCE
from host_agent.firmware import fw_cfg, smbios
from host_agent.firmware.acpi import AcpiError, Table
from host_agent.firmware.fingerprint import E820
from host_agent.firmware.fw_cfg import Range
from host_agent.firmware.smbios import MAX_TABLES, Smbios, SmbiosError
from host_agent.missing import Reason
from host_agent.printable import printable
from host_agent.qemu import (
    cpu_reader,
    left_places,
    pci_config,
    pci_header,
    pci_reader,
    probe,
    variable_store,
    virtio_reader,
)
from host_agent.qemu.binary import QemuBinary
from host_agent.qemu.fw_cfg_reader import WINDOWS, FwCfg
from host_agent.qemu.left_places import Bios, Efi
from host_agent.qemu.machine_list import version_of
from host_agent.qemu.memory_reader import MemoryReader
from host_agent.qemu.options import KVM
from host_agent.qemu.pci_config import Config
from host_agent.qemu.pci_reader import Space
from host_agent.qemu.rehearsal_options import RehearsalOptions
from host_agent.qemu.session import NO_QMP, QemuSession, Stop, kvm_groups

SECONDS = 120.0
"""What one rehearsal may take. With SeaBIOS it takes about a second, with UEFI some twenty."""
_KINDS = {
    "x86_64": {"pc", "q35"},
    "i386": {"pc", "q35"},
    "aarch64": {"virt"},
    "riscv64": {"virt"},
}
"""QEMU's word for an architecture → how the names of machine types begin that are rehearsed."""


def rehearse(
    binary: QemuBinary,
    options: RehearsalOptions,
    seconds: float = SECONDS,
    stop: Stop | None = None,
) -> Rehearsed:
    """Return what a guest with these options finds; raises ``EvidenceError``."""
    kind = options.machine.type.partition("-")[0]
    if kind not in _KINDS.get(options.machine.architecture, ()):
        raise EvidenceError(
            Reason.UNSUPPORTED,
            f"{options.machine.architecture} machines of type {printable(options.machine.type)} "
            "are not rehearsed",
        )
    if not options.has_firmware:
        raise EvidenceError(
            Reason.UNSUPPORTED,
            "the machine has no firmware to be rehearsed: its kernel is started by QEMU",
        )
    groups = kvm_groups() if options.machine.accelerator == KVM else ()
    as_domain = groups is not None
    if groups is None:
        options, groups = options.without_kvm(), ()
    machine = options.machine
    with (
        variable_store.opened(options.flash, binary) as store,
        QemuSession(
            binary,
            options.command(store),
            seconds=seconds,
            groups=groups,
            vcpus=machine.vcpus,
            memory=options.memory,
            stop=stop,
            descriptors=() if store is None else (store,),
        ) as session,
    ):
        version = session.qmp("query-version")
        session.qmp("cont")
        places = left_places.places_of(options)
        place = left_places.wait(session, machine, places, acpi=options.has_acpi)
        session.qmp("stop")
        # Once more, of a machine that does nothing any more.
        reader = MemoryReader(session, machine.architecture, machine.memory)
        tables = _tables(reader, place) if options.has_acpi else ()
        booted = _smbios(reader, place)
        config = _config(machine.architecture, tables)
        spaces = pci_reader.read(session, config)
        cpu = cpu_reader.read(session, machine)
        blocks = probe.memory_blocks_of(session)
        # What is asked for from here on changes the machine.
        virtio = tuple(_virtio(session, config, spaces))
        files, memory = _served(session, machine.architecture)
    try:
        return Rehearsed(
            qemu=version_of(version),
            accelerator=machine.accelerator,
            smbios=booted,
            masked=machine.masked,
            acpi=tables,
            pci=tuple(_function(one, options.indexes) for one in spaces),
            left_out=options.left_out,
            as_domain=as_domain,
            virtio=virtio,
            cpu=cpu,
            memory=memory,
            files=files,
            blocks=blocks,
        )
    except NO_QMP as error:
        raise EvidenceError(Reason.FAILED, f"{binary.path} sent no valid QMP") from error


def _tables(reader: MemoryReader, place: Bios | Efi) -> tuple[Table, ...]:
    try:
        return place.tables(reader)
    except AcpiError as error:
        raise EvidenceError(
            Reason.FAILED, f"the firmware left no valid ACPI tables: {error}"
        ) from error


def _smbios(reader: MemoryReader, place: Bios | Efi) -> Smbios | None:
    try:
        anchor = place.anchor(reader)
        if anchor is None:
            return None
        if anchor.length > MAX_TABLES:
            raise SmbiosError(f"they are said to have {anchor.length} bytes")
        return smbios.parse(anchor.raw, reader.read(anchor.address, anchor.length), SOURCE)
    except (SmbiosError, AcpiError) as error:
        raise EvidenceError(
            Reason.FAILED, f"the firmware left no valid SMBIOS tables: {error}"
        ) from error


def _config(architecture: str, tables: Sequence[Table]) -> Config:
    found = pci_config.of(architecture, tables)
    if found is None:
        raise EvidenceError(
            Reason.UNSUPPORTED,
            f"{architecture} machines without ACPI are not rehearsed: no table says where the "
            "configuration of PCI functions is",
        )
    return found


def _function(one: Space, indexes: Mapping[str, int]) -> RehearsedFunction:
    return RehearsedFunction(
        function=pci_header.function(one.place, one.bridge, one.space),
        device=one.device,
        multifunction=pci_header.is_multifunction(one.space),
        index=indexes.get(one.device, 0),
    )


def _virtio(
    session: QemuSession, config: Config, spaces: Sequence[Space]
) -> Iterator[RehearsedVirtio]:
    """Yield what every virtio device offers; raises ``EvidenceError``."""
    for one in spaces:
        offered = virtio_reader.read(session, config, one.place, one.space)
        if offered is not None:
            yield RehearsedVirtio(
                address=one.place.address, device=printable(one.device), **offered._asdict()
            )


def _served(session: QemuSession, architecture: str) -> tuple[Mapping[str, int], tuple[Range, ...]]:
    """Return the files of fw_cfg, and the memory map; raises ``EvidenceError``."""
    device = FwCfg(session, WINDOWS[architecture])
    try:
        directory = device.directory()
    except fw_cfg.FwCfgError as error:
        raise EvidenceError(Reason.FAILED, f"what QEMU serves can't be read: {error}") from error
    maps = [fw_cfg.memory_map(device.read(file)) for file in directory if file.name == E820]
    return {file.name: file.size for file in directory}, maps[0] if maps else ()
