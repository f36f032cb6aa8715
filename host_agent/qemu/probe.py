"""What a QEMU binary shows a guest with given options: started paused, read, ended.

x86 reads fw_cfg through its I/O ports and by DMA, arm64's ``virt`` through its window in memory
(QEMU docs/specs/fw_cfg.rst); where a machine has no fw_cfg the device tree is asked for.
"""

import hashlib
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from host_agent.errors import EvidenceError
from host_agent.firmware import acpi, device_tree, fw_cfg, smbios
from host_agent.firmware.fingerprint import ANCHOR, SMBIOS, Fingerprint, Firmware
from host_agent.missing import Reason
from host_agent.qemu import memory_blocks, qom_tree, written_files
from host_agent.qemu.binary import QemuBinary
from host_agent.qemu.fw_cfg_reader import MAX_FILE, WINDOWS, FwCfg
from host_agent.qemu.machine_list import version_of
from host_agent.qemu.options import KVM, Mask, ProbeOptions
from host_agent.qemu.session import NO_QMP, SECONDS, QemuSession, Stop, decoded, kvm_groups
from host_agent.qemu.written_files import Folder

_DEVICE_TREE = {"ppc64", "ppc"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """A fingerprint, and what of it can't be held against a domain's."""

    fingerprint: Fingerprint
    masked: Mask
    qemu: str
    """The binary's version."""
    models: frozenset[str] = frozenset()
    """The kinds of objects that the machine itself is made of, where they were asked for."""


def probe(
    binary: QemuBinary,
    options: ProbeOptions,
    seconds: float = SECONDS,
    stop: Stop | None = None,
    *,
    models: bool = False,
) -> Probed:
    """Return what a guest with these options is shown; raises ``EvidenceError``.

    The domain's own accelerator is used where it can be had; where not, the fields that depend on
    it are masked. ``models``: whether to ask as well what the machine is made of.
    """
    groups = kvm_groups() if options.accelerator == KVM else ()
    if groups is None:
        options, groups = options.without_kvm(), ()
    with (
        _folder(options, binary.root) as folder,
        QemuSession(
            binary,
            options.command(),
            seconds=seconds,
            groups=groups,
            vcpus=options.vcpus,
            memory=options.memory,
            stop=stop,
        ) as session,
    ):
        version = session.qmp("query-version")
        fingerprint = _read(session, options, folder)
        made_of = qom_tree.models(_monitor(session, "info qom-tree")) if models else frozenset()
    try:
        return Probed(
            fingerprint=fingerprint,
            masked=options.masked,
            qemu=version_of(version),
            models=made_of,
        )
    except NO_QMP as error:
        raise EvidenceError(Reason.FAILED, f"{binary.path} sent no valid QMP") from error


def _folder(
    options: ProbeOptions, root: Path | None
) -> AbstractContextManager[Folder] | nullcontext[None]:
    """A folder for a device tree, which QEMU can only write to a file."""
    return written_files.folder(root) if options.architecture in _DEVICE_TREE else nullcontext()


def _read(session: QemuSession, options: ProbeOptions, folder: Folder | None) -> Fingerprint:
    window = WINDOWS.get(options.architecture)
    blocks = memory_blocks_of(session)
    command = options.command()
    if folder is not None:
        tree = _device_tree(session, folder)
        return Fingerprint(options=command, memory_blocks=blocks, device_tree=tree)
    if window is None:
        raise EvidenceError(
            Reason.UNSUPPORTED,
            f"a machine of {options.architecture} shows its guest neither fw_cfg nor a device tree",
        )
    device = FwCfg(session, window)
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


def memory_blocks_of(session: QemuSession) -> Mapping[str, int]:
    """Return name → size of each block of memory; raises ``EvidenceError``."""
    return memory_blocks.parse(_monitor(session, "info ramblock"))


def _monitor(session: QemuSession, command: str) -> str:
    return str(session.qmp("human-monitor-command", **{"command-line": command}))


def _firmware(session: QemuSession, size: int | None) -> Firmware | None:
    """Read the firmware's image, which ends at 4 GiB (``hw/i386/x86.c: x86_bios_rom_init``)."""
    if not size or size > MAX_FILE * 2:
        return None
    (answer,) = session.qtest([f"b64read 0x{0x100000000 - size:x} 0x{size:x}"])
    return Firmware(size=size, sha256=hashlib.sha256(decoded(answer, size)).hexdigest())


def _device_tree(session: QemuSession, folder: Folder) -> bytes:
    name = "tree.dtb"
    session.qmp("dumpdtb", filename=str(folder.theirs / name))
    try:
        tree = written_files.written(folder.ours / name, MAX_FILE)
        device_tree.parse(tree)
    except (device_tree.DeviceTreeError, OSError) as error:
        raise EvidenceError(Reason.FAILED, f"QEMU's device tree can't be read: {error}") from error
    return tree


def _acpi(device: FwCfg, directory: tuple[fw_cfg.File, ...]) -> acpi.Tables | None:
    for file in directory:
        if file.name == acpi.TABLES_FILE:
            return acpi.split(device.read(file))
    return None
