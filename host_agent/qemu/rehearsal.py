"""The whole machine, before it happens: a second QEMU runs the firmware, and what it left is read.

It has the domain's own devices on back-ends that lead nowhere (``rehearsal_options``), nothing to
boot, and the rights of a probe: none. What a paused QEMU serves is not yet what a guest gets: on
q35 there is no MCFG, and the DSDT is shorter, until the firmware has set up PCI (QEMU
``hw/i386/acpi-build.c: acpi_build_update``), so it is run until its tables are in memory.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from host_agent.errors import EvidenceError
from host_agent.evidence.rehearsed import Rehearsed, RehearsedFunction, RehearsedVirtio
from host_agent.evidence.rehearsed_form import SOURCE
from host_agent.firmware import efi_tables, fw_cfg, left_tables, smbios
from host_agent.firmware.acpi import AcpiError, Table
from host_agent.firmware.fingerprint import E820
from host_agent.firmware.fw_cfg import Range
from host_agent.firmware.smbios import MAX_TABLES, EntryPoint, Smbios, SmbiosError
from host_agent.missing import Reason
from host_agent.printable import printable
from host_agent.qemu import cpu_reader, pci_header, probe, variable_store, virtio_reader
from host_agent.qemu.binary import QemuBinary
from host_agent.qemu.fw_cfg_reader import _PORTS, _decoded, _FwCfg
from host_agent.qemu.machine_list import _NO_QMP, _version
from host_agent.qemu.options import KVM
from host_agent.qemu.pci_header import Place
from host_agent.qemu.rehearsal_options import RehearsalOptions
from host_agent.qemu.session import QemuSession, Stop, kvm_groups

SECONDS = 120.0
"""What one rehearsal may take. With SeaBIOS it takes about a second, with UEFI some twenty."""
_ARCHITECTURES = {"x86_64", "i386"}
_KINDS = {"pc", "q35"}
_FIRST_PAUSE, _LAST_PAUSE = 0.02, 0.25
_SEGMENT, _SEGMENT_SIZE = 0xE0000, 0x20000
"""Where a BIOS leaves both its anchors (ACPI 6.5, 5.2.5.1)."""
_MOST_LOW = 0xE0000000
_MAX_READ = 4 * 1024 * 1024
_MAX_FUNCTIONS = 4096
_MAX_DEPTH = 64


def rehearse(
    binary: QemuBinary,
    options: RehearsalOptions,
    seconds: float = SECONDS,
    stop: Stop | None = None,
) -> Rehearsed:
    """Return what a guest with these options finds; raises ``EvidenceError``."""
    kind = options.machine.type.partition("-")[0]
    if options.machine.architecture not in _ARCHITECTURES or kind not in _KINDS:
        raise EvidenceError(
            Reason.UNSUPPORTED,
            f"{options.machine.architecture} machines of type {printable(options.machine.type)} "
            "are not rehearsed",
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
        reader = _Reader(session, machine.memory)
        place = _wait(session, reader, _places_of(options), acpi=options.has_acpi)
        session.qmp("stop")
        # Once more, of a machine that does nothing any more.
        tables = _tables(reader, place) if options.has_acpi else ()
        booted = _smbios(reader, place)
        spaces = _spaces(session)
        cpu = cpu_reader.read(session)
        blocks = probe.memory_blocks_of(session)
        # What is asked for from here on changes the machine.
        virtio = tuple(_virtio(session, spaces))
        files, memory = _served(session)
    try:
        return Rehearsed(
            qemu=_version(version),
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
    except _NO_QMP as error:
        raise EvidenceError(Reason.FAILED, f"{binary.path} sent no valid QMP") from error


class _Reader:
    """Reads the machine's memory, and nothing beyond it."""

    def __init__(self, session: QemuSession, memory: int) -> None:
        self._session = session
        self.top = min(memory, _MOST_LOW)

    def read(self, address: int, length: int) -> bytes:
        """Return bytes below the top of low memory; raises ``AcpiError`` for any other."""
        if not 0 < length <= _MAX_READ or address + length > self.top:
            raise AcpiError(f"{length} bytes at {address:#x} are none of the memory's")
        (answer,) = self._session.qtest([f"b64read 0x{address:x} 0x{length:x}"])
        return _decoded(answer, length)

    def pieces(self, addresses: Sequence[int], length: int) -> list[bytes]:
        """Return so many bytes from each of many addresses."""
        answers = self._session.qtest([f"b64read 0x{at:x} 0x{length:x}" for at in addresses])
        return [_decoded(answer, length) for answer in answers]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bios:
    """Anchors in the segment below 1 MiB."""

    def tables(self, reader: _Reader) -> tuple[Table, ...]:
        pointer = left_tables.root_pointer(reader.read(_SEGMENT, _SEGMENT_SIZE))
        if pointer is None:
            raise AcpiError("there is no root pointer")
        return left_tables.tables(pointer, reader.read)

    def anchor(self, reader: _Reader) -> EntryPoint | None:
        return smbios.find_entry_point(reader.read(0xF0000, 0x10000))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Efi:
    """What the EFI system table names."""

    def _named(self, reader: _Reader) -> Mapping[UUID, int]:
        boundaries = range(
            (reader.top - efi_tables.POINTER) // efi_tables.STEP * efi_tables.STEP,
            0,
            -efi_tables.STEP,
        )
        for piece in reader.pieces(boundaries, efi_tables.POINTER):
            address = efi_tables.system_table(piece)
            if address is not None:
                return efi_tables.configuration(address, reader.read)
        return {}

    def tables(self, reader: _Reader) -> tuple[Table, ...]:
        address = self._named(reader).get(efi_tables.ACPI)
        if address is None:
            raise AcpiError("the EFI system table names no root pointer")
        pointer = left_tables.root_pointer_at(reader.read(address, 36))
        if pointer is None:
            raise AcpiError("there is no root pointer")
        return left_tables.tables(pointer, reader.read)

    def anchor(self, reader: _Reader) -> EntryPoint | None:
        named = self._named(reader)
        address = named.get(efi_tables.SMBIOS3) or named.get(efi_tables.SMBIOS)
        return None if address is None else smbios.entry_point(reader.read(address, 0x20))


def _places_of(options: RehearsalOptions) -> Sequence[_Bios | _Efi]:
    """Return where this firmware may leave its tables: a ROM of the owner's may be either kind."""
    if options.flash is not None:
        return (_Efi(),)
    return (_Bios(), _Efi()) if "-bios" in options.devices else (_Bios(),)


def _wait(
    session: QemuSession, reader: _Reader, places: Sequence[_Bios | _Efi], *, acpi: bool
) -> _Bios | _Efi:
    """Return where the tables are, as soon as all are there; raises ``EvidenceError``.

    A firmware fills the root pointer's checksum in last (QEMU ``hw/i386/acpi-build.c`` adds it to
    the script last), and does SMBIOS before ACPI, or names both when they are whole.
    """
    pause = _FIRST_PAUSE
    while True:
        for place in places:
            if _is_done(reader, place, acpi=acpi):
                return place
        if session.left <= _LAST_PAUSE:
            raise EvidenceError(
                Reason.HUNG,
                "the firmware of the rehearsal has left no tables when its time was over",
                "if this host is that slow, ask again when it has less to do",
            )
        time.sleep(pause)
        pause = min(pause * 1.2, _LAST_PAUSE)


def _is_done(reader: _Reader, place: _Bios | _Efi, *, acpi: bool) -> bool:
    try:
        if acpi:
            place.tables(reader)
        return place.anchor(reader) is not None
    except AcpiError:
        return False


def _tables(reader: _Reader, place: _Bios | _Efi) -> tuple[Table, ...]:
    try:
        return place.tables(reader)
    except AcpiError as error:
        raise EvidenceError(
            Reason.FAILED, f"the firmware left no valid ACPI tables: {error}"
        ) from error


def _smbios(reader: _Reader, place: _Bios | _Efi) -> Smbios | None:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Space:
    """A PCI function, with its configuration as the firmware left it."""

    place: Place
    bridge: Place | None
    device: str
    space: bytes


def _spaces(session: QemuSession) -> tuple[_Space, ...]:
    """Return every function, in the order of addresses; raises ``EvidenceError``."""
    try:
        found = sorted(_places(session.qmp("query-pci"), None, 0))
    except (*_NO_QMP, RecursionError) as error:
        raise EvidenceError(Reason.FAILED, "QEMU's list of PCI functions can't be read") from error
    if len(found) > _MAX_FUNCTIONS:
        raise EvidenceError(Reason.FAILED, f"QEMU lists {len(found)} PCI functions")
    return tuple(
        _Space(place=place, bridge=bridge, device=device, space=_header(session, place))
        for place, bridge, device in found
    )


def _function(one: _Space, indexes: Mapping[str, int]) -> RehearsedFunction:
    return RehearsedFunction(
        function=pci_header.function(one.place, one.bridge, one.space),
        device=one.device,
        multifunction=pci_header.is_multifunction(one.space),
        index=indexes.get(one.device, 0),
    )


def _virtio(session: QemuSession, spaces: Sequence[_Space]) -> Iterator[RehearsedVirtio]:
    """Yield what every virtio device offers; raises ``EvidenceError``."""
    for one in spaces:
        offered = virtio_reader.read(session, one.place, one.space)
        if offered is not None:
            yield RehearsedVirtio(
                address=one.place.address, device=printable(one.device), **offered._asdict()
            )


def _served(session: QemuSession) -> tuple[Mapping[str, int], tuple[Range, ...]]:
    """Return the files of fw_cfg, and the memory map; raises ``EvidenceError``."""
    device = _FwCfg(session, _PORTS)
    try:
        directory = device.directory()
    except fw_cfg.FwCfgError as error:
        raise EvidenceError(Reason.FAILED, f"what QEMU serves can't be read: {error}") from error
    maps = [fw_cfg.memory_map(device.read(file)) for file in directory if file.name == E820]
    return {file.name: file.size for file in directory}, maps[0] if maps else ()


def _places(
    buses: object, bridge: Place | None, depth: int
) -> Iterator[tuple[Place, Place | None, str]]:
    """Yield where each function is, the bridge it is behind, and its id (QMP ``PciInfo``)."""
    if not isinstance(buses, list) or depth > _MAX_DEPTH:
        raise TypeError
    for bus in buses:
        for device in bus["devices"]:
            place = Place(*(int(device[key]) for key in ("bus", "slot", "function")))
            if not (0 <= place.bus < 256 and 0 <= place.slot < 32 and 0 <= place.function < 8):
                raise ValueError
            yield place, bridge, str(device["qdev_id"])
            behind = device.get("pci_bridge", {}).get("devices")
            if behind:
                yield from _places([{"devices": behind}], place, depth + 1)


def _header(session: QemuSession, place: Place) -> bytes:
    """Read a function's configuration by mechanism 1 (PCI 3.0, 3.2.2.3.2)."""
    base = 0x80000000 | place.bus << 16 | place.slot << 11 | place.function << 8
    commands = [
        line
        for at in range(0, pci_header.BYTES, 4)
        for line in (f"outl 0xcf8 0x{base | at:x}", "inl 0xcfc")
    ]
    answers = session.qtest(commands)[1::2]
    try:
        return b"".join(int(answer, 16).to_bytes(4, "little") for answer in answers)
    except (ValueError, OverflowError) as error:
        raise EvidenceError(Reason.FAILED, "QEMU's qtest sent no number") from error
