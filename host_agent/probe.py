"""What a QEMU binary shows a guest with given options: started paused, read, ended.

x86 reads fw_cfg through its I/O ports and by DMA, arm64's ``virt`` through its window in memory
(QEMU docs/specs/fw_cfg.rst); where a machine has no fw_cfg the device tree is asked for.
"""

import base64
import binascii
import errno
import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host_agent import memory_blocks
from host_agent.errors import EvidenceError
from host_agent.firmware import acpi, device_tree, fw_cfg, smbios
from host_agent.firmware.fingerprint import ANCHOR, FILES, LOADER, SMBIOS, Fingerprint, Firmware
from host_agent.missing import Reason
from host_agent.printable import printable
from host_agent.probe_options import KVM, Mask, ProbeOptions
from host_agent.qemu_binary import QemuBinary
from host_agent.qemu_session import QemuSession, Stop, kvm_groups, probe_user

SECONDS = 20.0
"""What one probe may take; it takes some 50 ms."""

_SIGNATURE, _ID, _SMBIOS_LEGACY = 0x00, 0x01, 0x8001
_HAS_DMA = 2
_MAX_FILE = 4 * 1024 * 1024
_SLOW_CHUNK = 2048
_FIRST_PART = 16 * 1024
_MAX_MACHINES = 4096
_MAX_LEGACY_ENTRIES, _MAX_LEGACY_ENTRY = 256, 4096


# Files that are padded to a fixed size → what tells where their contents end.
_ENDS: Mapping[str, Callable[[bytes], int | None]] = {
    acpi.TABLES_FILE: acpi.end, LOADER: acpi.loader_end,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """Where a machine's fw_cfg is, and where there is RAM for DMA."""

    data: int
    selector: int
    dma: int
    ports: bool
    """I/O ports, else memory."""
    ram: int


_PORTS = _Window(data=0x511, selector=0x510, dma=0x514, ports=True, ram=0x1000)
# hw/arm/virt.c: base_memmap[VIRT_FW_CFG], VIRT_MEM
_VIRT = _Window(data=0x9020000, selector=0x9020008, dma=0x9020010, ports=False, ram=0x40000000)
_WINDOWS = {"x86_64": _PORTS, "i386": _PORTS, "aarch64": _VIRT}
_DEVICE_TREE = {"ppc64", "ppc"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """A fingerprint, and what of it can't be held against a domain's."""

    fingerprint: Fingerprint
    masked: Mask
    qemu: str
    """The binary's version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedMachine:
    """A machine type as QEMU lists it."""

    name: str
    alias: str | None
    default: bool
    deprecated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a QEMU binary says of itself."""

    version: str
    package: str | None
    """As the distribution had it built in."""
    architecture: str
    machines: tuple[OfferedMachine, ...]
    devices: frozenset[str]
    """Names of PCI device models."""


_NO_QMP = (KeyError, TypeError, AttributeError, ValueError, OverflowError)


def offer(binary: QemuBinary, seconds: float = SECONDS) -> Offer:
    """Ask a binary what it is and offers; raises ``EvidenceError``."""
    nothing = ("-machine", "none")
    with QemuSession(binary, nothing, seconds=seconds) as session:
        version = session.qmp("query-version")
        target = session.qmp("query-target")
        machines = session.qmp("query-machines")
        devices = session.qmp("qom-list-types", implements="pci-device")
    try:
        if len(machines) > _MAX_MACHINES:
            raise EvidenceError(
                Reason.FAILED,
                f"{binary.path} offers {len(machines)} machine types: that is no QEMU",
            )
        package = re.sub(r"^v?\((.*)\)$|^Debian ", r"\1", str(version["package"])).strip()
        return Offer(
            version=_version(version),
            package=printable(package) or None,
            architecture=printable(str(target["arch"])),
            machines=tuple(_offered(machine) for machine in machines),
            devices=frozenset(str(device["name"]) for device in devices),
        )
    except _NO_QMP as error:
        raise EvidenceError(Reason.FAILED, f"{binary.path} sent no valid QMP") from error


def _version(answer: Any) -> str:
    return ".".join(str(int(answer["qemu"][part])) for part in ("major", "minor", "micro"))


def _offered(machine: dict[str, Any]) -> OfferedMachine:
    alias = machine.get("alias")
    return OfferedMachine(
        name=printable(str(machine["name"])),
        alias=printable(str(alias)) if alias else None,
        default=machine.get("is-default") is True,
        deprecated=machine.get("deprecated") is True,
    )


def probe(
    binary: QemuBinary, options: ProbeOptions, seconds: float = SECONDS, stop: Stop | None = None
) -> Probed:
    """Return what a guest with these options is shown; raises ``EvidenceError``.

    The domain's own accelerator is used where it can be had; where not, the fields that depend on
    it are masked.
    """
    groups = kvm_groups() if options.accelerator == KVM else ()
    if groups is None:
        options, groups = options.without_kvm(), ()
    with _folder(options, binary.root) as folder, QemuSession(
        binary, options.command(), seconds=seconds, groups=groups, vcpus=options.vcpus,
        memory=options.memory, stop=stop,
    ) as session:  # fmt: skip
        version = session.qmp("query-version")
        fingerprint = _read(session, options, folder)
    try:
        return Probed(fingerprint=fingerprint, masked=options.masked, qemu=_version(version))
    except _NO_QMP as error:
        raise EvidenceError(Reason.FAILED, f"{binary.path} sent no valid QMP") from error


@contextmanager
def _folder(options: ProbeOptions, root: Path | None) -> Iterator["_Folder | None"]:
    """A folder for a device tree, which QEMU can only write to a file."""
    if options.architecture not in _DEVICE_TREE:
        yield None
        return
    # Inside another root QEMU sees that root's own /tmp.
    place = root / "tmp" if root else Path(tempfile.gettempdir())
    try:
        if root and place.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        folder = Path(tempfile.mkdtemp(prefix="samemachine-probe-", dir=place))
    except OSError as error:
        raise EvidenceError(
            Reason.FAILED, f"{place} can't hold QEMU's device tree: {error.strerror}"
        ) from error
    try:
        if os.geteuid() == 0:
            user = probe_user()
            os.chown(folder, user, user)
        yield _Folder(ours=folder, theirs=Path("/", "tmp", folder.name) if root else folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Folder:
    """One folder, as we see it and as QEMU does."""

    ours: Path
    theirs: Path


def _read(session: QemuSession, options: ProbeOptions, folder: _Folder | None) -> Fingerprint:
    window = _WINDOWS.get(options.architecture)
    blocks = _memory_blocks(session)
    command = options.command()
    if folder is not None:
        tree = _device_tree(session, folder)
        return Fingerprint(options=command, memory_blocks=blocks, device_tree=tree)
    if window is None:
        raise EvidenceError(
            Reason.UNSUPPORTED,
            f"a machine of {options.architecture} shows its guest neither fw_cfg nor a device tree",
        )
    device = _FwCfg(session, window)
    try:
        directory = device.directory()
        files = device.files(directory)
        tables = _acpi(device, directory)
        if SMBIOS not in files and window.ports:
            # Machine types up to 2.0 leave the tables to the firmware and hand it fields only.
            files |= device.legacy_smbios()
        if files.get(SMBIOS):
            smbios.parse(files.get(ANCHOR, b""), files[SMBIOS], "QEMU, probed")
    except (acpi.AcpiError, smbios.SmbiosError, fw_cfg.FwCfgError) as error:
        raise EvidenceError(Reason.FAILED, f"what QEMU serves can't be read: {error}") from error
    return Fingerprint(
        options=command,
        directory=directory,
        files=files,
        acpi=tables,
        memory_blocks=blocks,
        firmware=_firmware(session, blocks.get("pc.bios")) if window.ports else None,
    )


def _memory_blocks(session: QemuSession) -> Mapping[str, int]:
    text = session.qmp("human-monitor-command", **{"command-line": "info ramblock"})
    return memory_blocks.parse(str(text))


def _firmware(session: QemuSession, size: int | None) -> Firmware | None:
    """Read the firmware's image, which ends at 4 GiB (``hw/i386/x86.c: x86_bios_rom_init``)."""
    if not size or size > _MAX_FILE * 2:
        return None
    (answer,) = session.qtest([f"b64read 0x{0x100000000 - size:x} 0x{size:x}"])
    return Firmware(size=size, sha256=hashlib.sha256(_decoded(answer, size)).hexdigest())


def _device_tree(session: QemuSession, folder: _Folder) -> bytes:
    name = "tree.dtb"
    session.qmp("dumpdtb", filename=str(folder.theirs / name))
    try:
        tree = _written(folder.ours / name)
        device_tree.parse(tree)
    except (device_tree.DeviceTreeError, OSError) as error:
        raise EvidenceError(Reason.FAILED, f"QEMU's device tree can't be read: {error}") from error
    return tree


def _written(file: Path) -> bytes:
    """Return what QEMU wrote, if it wrote a file and not a link to one of ours, or a pipe."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as opened:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise EvidenceError(Reason.FAILED, "QEMU wrote its device tree to no file")
        tree = opened.read(_MAX_FILE + 1)
    if len(tree) > _MAX_FILE:
        raise EvidenceError(
            Reason.FAILED, f"QEMU wrote a device tree of more than {_MAX_FILE} bytes"
        )
    return tree


def _acpi(device: "_FwCfg", directory: tuple[fw_cfg.File, ...]) -> acpi.Tables | None:
    for file in directory:
        if file.name == acpi.TABLES_FILE:
            return acpi.split(device.read(file))
    return None


class _FwCfg:
    """Reads the device, by DMA where it has it."""

    def __init__(self, session: QemuSession, window: _Window) -> None:
        self._session = session
        self._window = window
        signature, identity = self._bytes(_SIGNATURE, 4), self._bytes(_ID, 4)
        if signature != b"QEMU":
            raise EvidenceError(Reason.UNSUPPORTED, "this machine has no fw_cfg device")
        self._dma = bool(identity[0 if window.ports else 3] & _HAS_DMA)

    def directory(self) -> tuple[fw_cfg.File, ...]:
        """Return the directory; raises ``FwCfgError``."""
        if not self._dma:
            count = int.from_bytes(self._bytes(fw_cfg.DIRECTORY_KEY, 4), "big")
            length = 4 + min(count, fw_cfg.MAX_FILES + 1) * fw_cfg.ENTRY
            return fw_cfg.directory(self._bytes(fw_cfg.DIRECTORY_KEY, length))
        # What is read beyond the end is zeros.
        return fw_cfg.directory(self._by_dma([(fw_cfg.DIRECTORY_KEY, 4 + 64 * fw_cfg.ENTRY)])[0])

    def files(self, directory: tuple[fw_cfg.File, ...]) -> dict[str, bytes]:
        """Return the files that a fingerprint keeps whole."""
        wanted = [file for file in directory if file.name in FILES]
        for file in wanted:
            _bounded(file.name, file.size)
        if self._dma:
            blobs = self._by_dma([(file.key, file.size) for file in wanted])
        else:
            blobs = [self.read(file) for file in wanted]
        return {file.name: blob for file, blob in zip(wanted, blobs, strict=True)}

    def legacy_smbios(self) -> dict[str, bytes]:
        """Return what machine types up to 2.0 hand their firmware: a count and entries."""
        # No such key reads as zeros; the entries carry their own lengths.
        blob = self._bytes(_SMBIOS_LEGACY, 2)
        count = int.from_bytes(blob, "little")
        for _ in range(min(count, _MAX_LEGACY_ENTRIES)):
            header = self._next(2, [])
            size = int.from_bytes(header, "little")
            if not 2 <= size <= _MAX_LEGACY_ENTRY:
                break
            blob += header + self._next(size - 2, [])
        return {"legacy/smbios-entries": blob} if count else {}

    def read(self, file: fw_cfg.File) -> bytes:
        """Return one file, read only as far as its contents go, the rest being zeros."""
        size = _bounded(file.name, file.size)
        end = _ENDS.get(file.name)
        if self._dma:
            most = size if end is None else min(size, _FIRST_PART)
            blob = self._by_dma([(file.key, most)])[0]
            if most == size or (end is not None and end(blob) is not None):
                return blob + bytes(size - most)
            return self._by_dma([(file.key, size)])[0]
        blob = b""
        select = [self._select(file.key)]
        while len(blob) < size:
            blob += self._next(min(_SLOW_CHUNK, size - len(blob)), select)
            select = []
            if end is not None and end(blob) is not None:
                break
        return blob + bytes(size - len(blob))

    def _select(self, key: int) -> str:
        window = self._window
        if window.ports:
            return f"outw 0x{window.selector:x} 0x{key:x}"
        return f"write 0x{window.selector:x} 2 0x{key:04x}"

    def _bytes(self, key: int, size: int) -> bytes:
        return self._next(size, [self._select(key)])

    def _next(self, size: int, before: list[str]) -> bytes:
        if self._window.ports:
            one = f"inb 0x{self._window.data:x}"
        else:
            one = f"readb 0x{self._window.data:x}"
        answers = self._session.qtest([*before, *[one] * size])[len(before) :]
        try:
            # A number with leading zeros, of which the last two digits are the byte.
            blob = bytes.fromhex("".join([answer[-2:] for answer in answers]))
        except ValueError as error:
            raise EvidenceError(Reason.FAILED, "QEMU's qtest sent no number") from error
        if len(blob) != size:
            raise EvidenceError(Reason.FAILED, "QEMU's qtest sent less than was asked for")
        return blob

    def _by_dma(self, wanted: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return so many bytes of each key: a control block in RAM, its address to the device."""
        control, data = self._window.ram, self._window.ram + 0x100000
        commands = []
        for key, size in wanted:
            # Select and read (FW_CFG_DMA_CTL_SELECT | FW_CFG_DMA_CTL_READ).
            block = (key << 16 | 0x0A).to_bytes(4, "big") + size.to_bytes(4, "big")
            block += data.to_bytes(8, "big")
            commands.append(f"write 0x{control:x} 16 0x{block.hex()}")
            commands += self._trigger(control)
            commands.append(f"b64read 0x{data:x} 0x{max(size, 1):x}")
        answers = self._session.qtest(commands)
        each = len(commands) // len(wanted) if wanted else 1
        return [
            _decoded(answer, max(size, 1))[:size]
            for answer, (_, size) in zip(answers[each - 1 :: each], wanted, strict=True)
        ]

    def _trigger(self, address: int) -> list[str]:
        window = self._window
        if not window.ports:
            return [f"write 0x{window.dma:x} 8 0x{address.to_bytes(8, 'big').hex()}"]
        # The register is big-endian, a port of x86 is not.
        low = int.from_bytes((address & 0xFFFFFFFF).to_bytes(4, "big"), "little")
        return [f"outl 0x{window.dma:x} 0x0", f"outl 0x{window.dma + 4:x} 0x{low:x}"]


def _bounded(name: str, size: int) -> int:
    if size > _MAX_FILE:
        raise EvidenceError(Reason.FAILED, f"QEMU serves {name} with {size} bytes")
    return size


def _decoded(answer: str, size: int) -> bytes:
    try:
        blob = base64.b64decode(answer, validate=True)
    except (binascii.Error, ValueError) as error:
        raise EvidenceError(Reason.FAILED, "QEMU's qtest sent no base64") from error
    if len(blob) != size:
        raise EvidenceError(Reason.FAILED, "QEMU's qtest sent less than was asked for")
    return blob
