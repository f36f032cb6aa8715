"""Domain XML → ``Definition`` (libvirt docs/formatdomain.rst). Pure."""

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, count
from uuid import UUID

from lxml import etree

from host_agent import untrusted_xml
from host_agent.domain import elements, pci_places
from host_agent.domain import tpm as tpm_words
from host_agent.domain import uefi as firmware_words
from host_agent.domain.pci_places import Way
from host_agent.domain.tpm import Tpm
from host_agent.domain.uefi import Uefi
from host_agent.untrusted_xml import XmlError


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """The domain's virtio-serial channel of ours, as one XML has it."""

    path: str | None
    """QEMU's socket on the host; only an active XML has it."""
    guest_end_open: bool | None
    """Whether a program in the guest has the port open; None: libvirt does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One domain XML, in what matters here (libvirt formatdomain.rst)."""

    name: str
    uuid: UUID
    type: str
    """``kvm``, ``qemu``, ``test`` and so on: the attribute of ``<domain>``."""
    architecture: str
    machine: str | None
    """As written: an alias, or a machine type's own name."""
    emulator: str | None
    firmware: str
    """``bios``, ``efi``; ``none``: of an architecture that has no BIOS, booted without UEFI."""
    loader: str | None
    smbios_mode: str | None
    """``emulate``, ``host``, ``sysinfo``; None: not given."""
    sysinfo: Mapping[str, Mapping[str, str]]
    """``<sysinfo>``: block (``system``, ``chassis``, ``baseBoard 2`` …) → entry → text.

    An entry has its text whole, with spaces at its ends; one that is empty is none.
    """
    smbios_arguments: bool
    """Whether ``<qemu:commandline>`` passes ``-smbios`` itself."""
    channel: Channel | None
    metadata: Mapping[str, str] = field(default_factory=dict)
    """``<metadata>``: namespace of an element → the element."""
    identifiers: frozenset[str] = frozenset()
    """Addresses and serial numbers of its devices, as a guest may show them."""
    cpu_mode: str | None = None
    """``custom``, ``host-passthrough``, ``maximum`` …: of ``<cpu>``; None: there is none."""
    title: str | None = None
    """``<title>``: what people call it."""
    memory: int | None = None
    """``<memory>`` in bytes: what it was given to start with; None: not given, or no number."""
    hardware_uuid: UUID | None = None
    """``<hwuuid>``: what the guest is shown instead of the UUID, from libvirt 11.6 on."""
    uefi: Uefi | None = None
    """What it says of its UEFI; None: it has none."""
    tpm: Tpm | None = None
    """What it says of its TPM; None: it has none."""
    pci_ways: frozenset[Way] = frozenset()
    """Of one with UEFI: the ways to its PCI devices, as device paths have them."""

    unjudged: tuple[str, ...] = ()
    """Its elements that the guest sees and no check handles, such as ``<devices/tpm>``."""
    unknown: tuple[str, ...] = ()
    """Its elements and attributes of which it is not known whether the guest sees them."""

    @property
    def guest_uuid(self) -> UUID:
        """The UUID that QEMU is given and the guest sees (``-uuid``)."""
        return self.hardware_uuid or self.uuid


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What libvirt says of one domain."""

    active: Definition | None
    """What runs now; None: the domain is not running."""
    persistent: Definition | None
    """What applies at the next start; None: the domain is transient."""
    state: str
    """libvirt's word: ``running``, ``paused``, ``shut off`` …"""
    reason: str
    """libvirt's word for how it came to that: ``booted``, ``migrated``, ``restored`` …"""
    domain_id: int | None
    """libvirt's number of this run of the domain; None: not running."""

    @property
    def definition(self) -> Definition:
        """The active XML, else the persistent one."""
        definition = self.active or self.persistent
        if definition is None:
            raise ValueError("a domain has an active or a persistent XML")
        return definition


CHANNEL_NAME = "org.samemachine.guest.0"
HOST_BOUND_CPU = frozenset({"host-passthrough", "maximum"})
"""Modes of ``<cpu>`` that give the guest whatever its host and its QEMU have."""
FW_CFG = "fwcfg"
"""The type of ``<sysinfo>`` whose entries are files of fw_cfg, and their block's key."""
_QEMU = "http://libvirt.org/schemas/domain/qemu/1.0"
MAX_XML_BYTES = 16 * 1024 * 1024


class DomainXmlError(ValueError):
    """The text is no domain XML; the sentence says what is wrong with it."""


def parse(xml: str) -> Definition:
    """Return what matters of a domain XML; raises ``DomainXmlError``."""
    if len(xml) > MAX_XML_BYTES:
        raise DomainXmlError(f"the domain XML is longer than {MAX_XML_BYTES} bytes")
    try:
        root = untrusted_xml.parse(xml)
    except XmlError as error:
        raise DomainXmlError(f"the domain XML can't be parsed: {error}") from error
    if root.tag != "domain":
        raise DomainXmlError(f"a <domain> was expected, not <{root.tag!s}>")
    uuid = _text(root, "uuid")
    try:
        parsed_uuid = UUID((uuid or "").strip())
    except ValueError as error:
        raise DomainXmlError(f"the domain's <uuid> is not a UUID: {uuid!r}") from error
    noted = elements.look(root)
    hwuuid = _text(root, "hwuuid")
    try:
        parsed_hwuuid = UUID(hwuuid.strip()) if hwuuid else None
    except ValueError as error:
        raise DomainXmlError(f"the domain's <hwuuid> is not a UUID: {hwuuid!r}") from error
    os_type = root.find("os/type")
    smbios = root.find("os/smbios")
    firmware = _firmware(root)
    return Definition(
        name=_text(root, "name") or str(parsed_uuid),
        uuid=parsed_uuid,
        hardware_uuid=parsed_hwuuid,
        unjudged=noted.seen,
        unknown=noted.unknown,
        type=root.get("type", ""),
        architecture="" if os_type is None else os_type.get("arch", ""),
        machine=None if os_type is None else os_type.get("machine") or None,
        emulator=_text(root, "devices/emulator"),
        firmware=firmware,
        uefi=firmware_words.of(root) if firmware == "efi" else None,
        tpm=tpm_words.of(root, parsed_uuid),
        pci_ways=pci_places.of(root) if firmware == "efi" else frozenset(),
        loader=_text(root, "os/loader"),
        smbios_mode=None if smbios is None else smbios.get("mode"),
        sysinfo=_sysinfo(root),
        smbios_arguments=any(
            argument.get("value") == "-smbios"
            for argument in root.iterfind(f"{{{_QEMU}}}commandline/{{{_QEMU}}}arg")
        ),
        channel=_channel(root),
        metadata=_metadata(root),
        cpu_mode=cpu_mode(root),
        title=" ".join((root.findtext("title") or "").split()) or None,
        identifiers=frozenset(_identifiers(root)),
        memory=_memory(root),
    )


def _text(root: etree._Element, path: str) -> str | None:
    # libvirt takes it as it stands: a name may have spaces at its ends.
    return root.findtext(path) or None


def cpu_mode(root: etree._Element) -> str | None:
    """Return the mode of ``<cpu>``; None: there is no such element."""
    cpu = root.find("cpu")
    return None if cpu is None else cpu.get("mode", "custom")


# EDK2's builds, as distributions and QEMU name them: OVMF.fd, AAVMF_CODE.fd, QEMU_EFI.fd,
# edk2-x86_64-code.fd; a BIOS is a .bin.
_UEFI_IMAGE = re.compile(r"\.f[dv]$|ovmf|aavmf|edk2|[-_]efi|uefi", re.IGNORECASE)
_WITHOUT_BIOS = frozenset({"aarch64", "armv7l", "armv6l", "loongarch64", "riscv32", "riscv64"})


# libvirt src/util/virutil.c: virScaleInteger; in its own XML it is always KiB.
_UNITS = {
    "b": 1, "byte": 1, "bytes": 1, "k": 2**10, "kib": 2**10, "kb": 10**3, "m": 2**20, "mib": 2**20,
    "mb": 10**6, "g": 2**30, "gib": 2**30, "gb": 10**9, "t": 2**40, "tib": 2**40, "tb": 10**12,
}  # fmt: skip
_MOST_DIGITS = 18


def _memory(root: etree._Element) -> int | None:
    """Return ``<memory>`` in bytes, without what is hot-plugged."""
    element, number = root.find("memory"), (root.findtext("memory") or "").strip()
    unit = "" if element is None else element.get("unit", "KiB").lower()
    plain = number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS
    return int(number) * _UNITS[unit] or None if plain and unit in _UNITS else None


def _firmware(root: etree._Element) -> str:
    """Return what it is, also where UEFI is given as a ROM (``type='rom'``, or no type)."""
    os_element, loader = root.find("os"), root.find("os/loader")
    declared = None if os_element is None else os_element.get("firmware")
    image = (_text(root, "os/loader") or "").rpartition("/")[2]
    flash = loader is not None and loader.get("type") == "pflash"
    if declared or flash or _UEFI_IMAGE.search(image):
        return declared or "efi"
    os_type = root.find("os/type")
    architecture = None if os_type is None else os_type.get("arch")
    return "none" if architecture in _WITHOUT_BIOS else "bios"


def _sysinfo(root: etree._Element) -> dict[str, dict[str, str]]:
    """Return the entries as libvirt takes them: whole, without those that are empty.

    Of two of one name it takes the first (``src/conf/domain_conf.c: virSysinfoParseXMLNode``).
    """
    found: dict[str, dict[str, str]] = {}
    for sysinfo in root.iterfind("sysinfo"):
        if sysinfo.get("type") == FW_CFG:
            _add_entries(found.setdefault(FW_CFG, {}), sysinfo)
        elif sysinfo.get("type") == "smbios":
            for block in sysinfo:
                if isinstance(block.tag, str):
                    _add_entries(found.setdefault(_free(block.tag, found), {}), block)
    return found


def _free(name: str, taken: Container[str]) -> str:
    """Return a block's key: ``baseBoard``, then ``baseBoard 2`` and so on."""
    numbered = (f"{name} {number}" for number in count(2))
    return next(one for one in chain((name,), numbered) if one not in taken)


def _add_entries(block: dict[str, str], element: etree._Element) -> None:
    for number, entry in enumerate(element.iterfind("entry"), 1):
        text = f"file {entry.get('file')}" if entry.get("file") else entry.xpath("string()")
        name = entry.get("name")
        if text or name is None:
            # OEM strings have no name, only their place.
            block.setdefault(name or str(number), str(text))


def _metadata(root: etree._Element) -> dict[str, str]:
    metadata = root.find("metadata")
    found: dict[str, str] = {}
    for element in metadata if metadata is not None else ():
        if isinstance(element.tag, str):
            # libvirt keeps one element of each namespace.
            namespace = etree.QName(element).namespace or ""
            found.setdefault(
                namespace, etree.tostring(element, encoding="unicode", with_tail=False)
            )
    return found


# Where the XML has an identifier, and in which forms a guest shows it: virtio, ATA and NVMe cut a
# serial number after 20 bytes; Linux says of what kind a world-wide name is.
_IDENTIFIERS = (
    ("devices/interface/mac", "address", ("{}",)),
    ("devices/disk/serial", None, ("{}", "{:.20}")),
    ("devices/disk/wwn", None, ("{}", "naa.{}")),
    ("sysinfo//entry[@name='serial']", None, ("{}",)),
    ("sysinfo//entry[@name='asset']", None, ("{}",)),
)


def _identifiers(root: etree._Element) -> Iterator[str]:
    for path, attribute, forms in _IDENTIFIERS:
        for element in root.iterfind(path):
            text = (element.text if attribute is None else element.get(attribute)) or ""
            text = text.strip().lower() if attribute else text.strip()
            yield from (form.format(text) for form in forms if text)


def _channel(root: etree._Element) -> Channel | None:
    for channel in root.iterfind("devices/channel"):
        target, source = channel.find("target"), channel.find("source")
        if target is None or target.get("name") != CHANNEL_NAME:
            continue
        state = target.get("state")
        return Channel(
            path=None if source is None else source.get("path"),
            guest_end_open=None if state is None else state == "connected",
        )
    return None
