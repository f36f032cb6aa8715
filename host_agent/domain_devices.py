"""Domain XML → what decides whether the domain can move (libvirt docs/formatdomain.rst). Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from host_agent import untrusted_xml
from host_agent.domain_xml import HOST_BOUND_CPU, DomainXmlError, cpu_mode
from host_agent.untrusted_xml import XmlError

# Models (libvirt formatdomain.rst) → QEMU's names of their option ROMs as memory blocks, of those
# that an atlas has.
_NIC_ROMS = {
    "e1000": "e1000.rom", "e1000e": "e1000e.rom", "rtl8139": "rtl8139.rom",
    "virtio": "virtio-net-pci.rom", "vmxnet3": "vmxnet3.rom",
}  # fmt: skip
_VIDEO_ROMS = {"vga": "vga.rom"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A disk that has something in it."""

    target: str
    """Such as ``vda``."""
    type: str
    """``file``, ``block``, ``network``, ``volume`` …: where its contents lie."""
    path: str | None
    """Of a file or a block device."""
    writable: bool
    """Not read-only, and not shared by several domains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """What of a domain must be there as well on another host."""

    disks: tuple[Disk, ...]
    passthrough: tuple[str, ...]
    """Devices of the host that the guest has, in words."""
    cpu: str | None
    """The element ``<cpu>``; None: there is none."""
    cpu_mode: str | None
    roms: frozenset[str] = frozenset()
    """Option ROMs that come with QEMU, as its memory blocks end: ``e1000.rom``."""
    virtio: bool = False
    """Whether it has a device of virtio's."""
    state: tuple[str, ...] = ()
    """What the guest keeps beside its disks, in words: firmware variables, a TPM's secrets."""

    @property
    def host_bound_cpu(self) -> bool:
        """Whether the guest has whatever CPU its host has."""
        return self.cpu_mode in HOST_BOUND_CPU

    @property
    def any_host_starts_it(self) -> bool:
        """Whether a start chooses a CPU that its host can give."""
        return self.cpu_mode is None or self.cpu_mode == "host-model" or self.host_bound_cpu


def parse(xml: str) -> Devices:
    """Return what matters of a domain XML; raises ``DomainXmlError``."""
    try:
        root = untrusted_xml.parse(xml)
    except XmlError as error:
        raise DomainXmlError(f"the domain XML can't be parsed: {error}") from error
    cpu = root.find("cpu")
    return Devices(
        disks=tuple(_disks(root)),
        passthrough=tuple(_passthrough(root)),
        cpu=None if cpu is None else etree.tostring(cpu, encoding="unicode", with_tail=False),
        cpu_mode=cpu_mode(root),
        roms=frozenset(_roms(root)),
        virtio=_has_virtio(root),
        state=tuple(_state(root)),
    )


def _disks(root: etree._Element) -> Iterator[Disk]:
    for disk in root.iterfind("devices/disk"):
        source, target = disk.find("source"), disk.find("target")
        if source is None or target is None:
            # An empty drive.
            continue
        fixed = disk.find("readonly") is not None or disk.find("shareable") is not None
        yield Disk(
            target=target.get("dev", ""),
            type=disk.get("type", "file"),
            path=source.get("file") or source.get("dev"),
            writable=not fixed and disk.get("device", "disk") not in {"cdrom", "floppy"},
        )


def _has_virtio(root: etree._Element) -> bool:
    """Tell by the names that formatdomain.rst has: a bus, a model or a type ``virtio…``."""
    return root.find("devices/vsock") is not None or any(
        str(value).startswith("virtio")
        for element in root.iterfind("devices//*")
        for value in element.attrib.values()
    )


def _roms(root: etree._Element) -> Iterator[str]:
    for device, roms in (("interface", _NIC_ROMS), ("video", _VIDEO_ROMS)):
        for element in root.iterfind(f"devices/{device}"):
            model, rom = element.find("model"), element.find("rom")
            name = "" if model is None else model.get("type", "")
            # One that is switched off, or a file of the operator's own.
            own = rom is not None and (
                rom.get("bar") == "off" or rom.get("enabled") == "no" or rom.get("file")
            )
            if name in roms and not own:
                yield roms[name]


def _state(root: etree._Element) -> Iterator[str]:
    nvram = root.find("os/nvram")
    if nvram is not None:
        source = nvram.find("source")
        file = (nvram.text or "").strip() or ("" if source is None else source.get("file", ""))
        yield f"firmware variables {file}".rstrip()
    if root.find("devices/tpm/backend[@type='emulator']") is not None:
        yield "the state of its TPM"


def _passthrough(root: etree._Element) -> Iterator[str]:
    """Yield what libvirt will not move (``qemu_migration.c: qemuMigrationSrcIsAllowed``)."""
    devices = root.find("devices")
    for device in devices if devices is not None else ():
        # With <teaming> the device is unplugged for the move, and its partner stays.
        if device.tag == "hostdev" and device.find("teaming") is None:
            kind = device.get("type", device.get("mode", ""))
            # libvirt lets the guest lose a USB device in the move.
            if kind != "usb":
                yield f"{kind} device {_alias(device)}".rstrip()
        elif device.tag == "interface" and device.find("teaming") is None:
            if device.get("type") in {"hostdev", "vdpa"}:
                yield f"{device.get('type')} network device {_alias(device)}".rstrip()
        elif device.tag == "filesystem":
            driver = device.find("driver")
            if driver is None or driver.get("type") != "virtiofs":
                yield f"shared folder {_alias(device)}".rstrip()
        elif device.tag == "shmem" and device.get("role") != "master":
            yield f"shared memory {device.get('name', '')}".rstrip()
        elif device.tag == "disk" and device.find("transient") is not None:
            target = device.find("target")
            yield f"transient disk {'' if target is None else target.get('dev', '')}".rstrip()
    if _has_invariant_tsc(root):
        yield "CPU feature invtsc at this host's frequency"
    if root.find("launchSecurity") is not None:
        yield "encrypted memory"


def _has_invariant_tsc(root: etree._Element) -> bool:
    """Whether the guest counts on a TSC that never changes, and nothing says how fast it is."""
    wanted = root.find("cpu/feature[@name='invtsc'][@policy='require']") is not None
    return wanted and root.find("clock/timer[@name='tsc'][@frequency]") is None


def _alias(device: etree._Element) -> str:
    alias = device.find("alias")
    return "" if alias is None else alias.get("name", "")
