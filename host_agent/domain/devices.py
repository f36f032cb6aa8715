"""Domain XML → what decides whether the domain can move (libvirt docs/formatdomain.rst). Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from host_agent import untrusted_xml
from host_agent.domain.definition import HOST_BOUND_CPU, DomainXmlError, cpu_mode
from host_agent.untrusted_xml import XmlError

# Models (libvirt formatdomain.rst) → QEMU's names of their option ROMs as memory blocks. Measured
# with QEMU 7.2.22, 10.0.13 and 11.1.2 (HMP info ramblock): no other NIC or video model has one.
# virtio-transitional's block has a name of its own, and holds virtio's file.
_NIC_ROMS = {
    "e1000": "e1000.rom", "e1000-82544gc": "e1000.rom", "e1000-82545em": "e1000.rom",
    "e1000e": "e1000e.rom", "i82550": "i82550.rom", "i82551": "i82551.rom",
    "i82557b": "i82557b.rom", "i82559er": "i82559er.rom", "i82801": "i82801.rom",
    "ne2k_pci": "ne2000.rom", "pcnet": "pcnet.rom", "rtl8139": "rtl8139.rom",
    "virtio": "virtio-net-pci.rom", "virtio-transitional": "virtio-net-pci.rom",
    "vmxnet3": "vmxnet3.rom",
}  # fmt: skip
# Of the others only the primary one has it; virtio's without VGA compatibility never.
_VIDEO_ROMS = {
    "bochs": "bochs-display.rom", "cirrus": "cirrus_vga.rom", "qxl": "qxl.rom", "vga": "vga.rom",
    "virtio": "virtio-vga.rom", "vmvga": "vmware_vga.rom",
}  # fmt: skip
_SECONDARY = {"qxl", "virtio"}
# Dimensions of <topology> below the socket.
_IN_A_SOCKET = "dies", "clusters", "modules", "cores", "threads"
_MOST_VCPUS = 1 << 20


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
    """Not read-only. A floppy is written, a CD-ROM never."""
    shareable: bool = False
    """Several domains may use it at once, so a migration copies it never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder of the host that the guest has by virtiofs."""

    path: str | None
    """None: a daemon of somebody else's serves it, over a socket."""
    name: str
    """What the guest calls it."""


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
    images: tuple[str, ...] = ()
    """Files of a firmware package: the image, and the variables that a new store is made from."""
    files: tuple[str, ...] = ()
    """Other files that QEMU reads as it starts: a kernel, a ROM of the operator's own …"""
    folders: tuple[Folder, ...] = ()
    vcpus: int | None = None
    """How many there may be; None: the XML does not say it as a number."""
    in_a_socket: int = 1
    """How many vCPUs share a socket."""
    has_ht: bool = False
    """Whether ``<cpu>`` requires the feature ``ht``."""

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
        images=tuple(dict.fromkeys(_images(root))),
        files=tuple(dict.fromkeys(_files(root))),
        folders=tuple(_folders(root)),
        vcpus=_number(root.findtext("vcpu")),
        in_a_socket=_in_a_socket(root),
        has_ht=any(
            feature.get("policy", "require") in {"force", "require"}
            for feature in root.iterfind("cpu/feature[@name='ht']")
        ),
    )


def _disks(root: etree._Element) -> Iterator[Disk]:
    for disk in root.iterfind("devices/disk"):
        source, target = disk.find("source"), disk.find("target")
        if source is None or target is None:
            # An empty drive.
            continue
        yield Disk(
            target=target.get("dev", ""),
            type=disk.get("type", "file"),
            path=source.get("file") or source.get("dev"),
            writable=disk.find("readonly") is None and disk.get("device", "disk") != "cdrom",
            shareable=disk.find("shareable") is not None,
        )


def _has_virtio(root: etree._Element) -> bool:
    """Tell by the names that formatdomain.rst has: a bus, a model or a type ``virtio…``."""
    return root.find("devices/vsock") is not None or any(
        str(value).startswith("virtio")
        for element in root.iterfind("devices//*")
        for value in element.attrib.values()
    )


def _roms(root: etree._Element) -> Iterator[str]:
    for interface in root.iterfind("devices/interface"):
        model, rom = interface.find("model"), interface.find("rom")
        name = "" if model is None else model.get("type", "")
        if name in _NIC_ROMS and not _own_rom(rom):
            yield _NIC_ROMS[name]
    for at, video in enumerate(root.iterfind("devices/video")):
        model, rom = video.find("model"), video.find("rom")
        name = "" if model is None else model.get("type", "")
        # libvirt puts the primary one first.
        if name in _VIDEO_ROMS and not _own_rom(rom) and (at == 0 or name not in _SECONDARY):
            yield _VIDEO_ROMS[name]


def _own_rom(rom: etree._Element | None) -> bool:
    """Tell whether a ROM is switched off, or a file of the operator's own."""
    return rom is not None and bool(
        rom.get("bar") == "off" or rom.get("enabled") == "no" or rom.get("file")
    )


def _images(root: etree._Element) -> Iterator[str]:
    loader, nvram = root.findtext("os/loader"), root.find("os/nvram")
    template = None if nvram is None else nvram.get("template")
    yield from (text.strip() for text in (loader, template) if text and text.strip())


_FILES = "os/kernel", "os/initrd", "os/dtb", "os/acpi/table"


def _files(root: etree._Element) -> Iterator[str]:
    for path in _FILES:
        yield from (text.strip() for one in root.iterfind(path) if (text := one.text or "").strip())
    yield from (rom.get("file", "") for rom in root.iterfind("devices//rom[@file]"))


def _folders(root: etree._Element) -> Iterator[Folder]:
    for folder in root.iterfind("devices/filesystem"):
        driver, source, target = (folder.find(name) for name in ("driver", "source", "target"))
        if driver is not None and driver.get("type") == "virtiofs":
            yield Folder(
                path=None if source is None else source.get("dir"),
                name="" if target is None else target.get("dir", ""),
            )


def _number(text: str | None) -> int | None:
    digits = (text or "").strip()
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 7:
        return None
    return int(digits)


def _in_a_socket(root: etree._Element) -> int:
    topology = root.find("cpu/topology")
    if topology is None:
        # libvirt gives each vCPU a socket.
        return 1
    found = 1
    for dimension in _IN_A_SOCKET:
        found = min(found * (_number(topology.get(dimension, "1")) or 1), _MOST_VCPUS)
    return found


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
