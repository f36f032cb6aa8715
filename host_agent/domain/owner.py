"""Who manages a domain, from what its XML says. Pure.

Proxmox VE and Incus run QEMU without libvirt: no domain of theirs is ever seen. Harvester's virtual
machines are KubeVirt's and bear its mark (harvester/harvester issue 5243 shows one). What is not in
the table leaves no mark of its own: vagrant-libvirt's template has no ``<metadata>``
(templates/domain.xml.erb), Terraform's provider writes none that its user did not write
(dmacvicar/terraform-provider-libvirt pull requests 32 and 590), and libosinfo's says which system
is installed, whoever wrote it (virt-manager, virt-install).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from lxml import etree

from host_agent import untrusted_xml
from host_agent.domain.definition import Definition
from host_agent.untrusted_xml import XmlError


class OwnerKind(StrEnum):
    """Who manages a domain, as people call it."""

    LIBVIRT = "libvirt"
    """Nobody but libvirt and who uses it by hand."""
    NOVA = "Nova"
    OVIRT = "oVirt"
    KUBEVIRT = "KubeVirt"
    CLOUDSTACK = "CloudStack"
    OPENNEBULA = "OpenNebula"
    TRUENAS = "TrueNAS"
    ZSTACK = "ZStack"
    UNRAID = "Unraid"
    BOXES = "Boxes"
    COCKPIT = "Cockpit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who manages a domain, and how that one calls it."""

    kind: OwnerKind
    name: str | None = None
    """The owner's own name for the domain; None: the same as libvirt's."""
    project: str | None = None
    """Whose it is there: ``project acme``, ``namespace prod``, ``group users``."""


_LONGEST = 1024
"""Longer texts are no names."""
WRITES_DEFINITION = frozenset(
    {
        OwnerKind.NOVA, OwnerKind.OVIRT, OwnerKind.KUBEVIRT, OwnerKind.CLOUDSTACK,
        OwnerKind.OPENNEBULA, OwnerKind.TRUENAS, OwnerKind.ZSTACK, OwnerKind.UNRAID,
    }
)  # fmt: skip
"""Who writes a definition anew, at a start, a move or an edit of its own: others' changes are lost.

Boxes and Cockpit leave it to libvirt.
"""


class Read(Protocol):
    """Returns the owner's own name of the domain, and whose it is there."""

    def __call__(
        self, element: etree._Element, definition: Definition, /
    ) -> tuple[str | None, str | None]:
        """Read the owner's element, or what the domain is called."""


def of(definition: Definition) -> Owner:
    """Return the owner; ``libvirt`` where nobody else has left a mark."""
    for mark in _MARKS:
        for namespace, text in definition.metadata.items():
            if mark.fits(namespace):
                name, project = mark.read(_element(text), definition)
                return Owner(kind=mark.kind, name=name, project=project)
    if _is_cloudstacks(definition):
        return Owner(kind=OwnerKind.CLOUDSTACK)
    if _is_truenas(definition):
        return Owner(kind=OwnerKind.TRUENAS, name=definition.title)
    return Owner(kind=OwnerKind.LIBVIRT)


def _element(text: str) -> etree._Element:
    try:
        return untrusted_xml.parse(text)
    except XmlError:
        return etree.Element("unreadable")


def _text(element: etree._Element, *path: str) -> str | None:
    """Return the text of a descendant, whatever the prefixes of its namespace."""
    found = element.findtext("/".join(f"{{*}}{step}" for step in path))
    text = " ".join((found or "").split())
    return text if 0 < len(text) <= _LONGEST else None


def _nova(element: etree._Element, _: Definition) -> tuple[str | None, str | None]:
    project = _text(element, "owner", "project")
    return _text(element, "name"), f"project {project}" if project else None


def _opennebula(element: etree._Element, _: Definition) -> tuple[str | None, str | None]:
    group = _text(element, "gname")
    return _text(element, "name"), f"group {group}" if group else None


def _kubevirt(_: etree._Element, definition: Definition) -> tuple[str | None, str | None]:
    # A namespace is a DNS label (RFC 1123), so the first underline ends it.
    namespace, mark, name = definition.name.partition("_")
    return (name, f"namespace {namespace}") if mark and namespace and name else (None, None)


def _same(_: etree._Element, __: Definition) -> tuple[str | None, str | None]:
    """The owner calls the domain what libvirt calls it."""
    return None, None


@dataclass(frozen=True, slots=True)
class _Mark:
    """A namespace in ``<metadata>``; one that ends with a slash stands for all versions."""

    kind: OwnerKind
    namespace: str
    read: Read

    def fits(self, namespace: str) -> bool:
        """Tell whether it is this namespace."""
        if self.namespace.endswith("/"):
            return namespace.startswith(self.namespace)
        return namespace == self.namespace


_NOVA = "http://openstack.org/xmlns/libvirt/nova/"
_COCKPIT = "https://github.com/cockpit-project/"

_MARKS = (
    # nova, nova/virt/libvirt/config.py: NOVA_NS, LibvirtConfigGuestMetaNovaInstance; 1.0, then 1.1.
    _Mark(OwnerKind.NOVA, _NOVA, _nova),
    # ovirt-engine, LibvirtVmXmlBuilder.java: OVIRT_VM_URI; vdsm, lib/vdsm/virt/xmlconstants.py.
    _Mark(OwnerKind.OVIRT, "http://ovirt.org/vm/1.0", _same),
    # The same before 4.2: OVIRT_URI of LibvirtVmXmlBuilder.java; vdsm, METADATA_VM_TUNE_URI.
    _Mark(OwnerKind.OVIRT, "http://ovirt.org/vm/tune/1.0", _same),
    # zstack-utility, kvmagent/kvmagent/plugins/vm_plugin.py: ZS_XML_NAMESPACE.
    _Mark(OwnerKind.ZSTACK, "http://zstack.org", _same),
    # unraid/webgui, vmtemplate in the metadata of templates and VMajax.php: either spelling.
    _Mark(OwnerKind.UNRAID, "unraid", _same),
    _Mark(OwnerKind.UNRAID, "http://unraid", _same),
    # kubevirt, pkg/virt-launcher/virtwrap/api/schema.go: Metadata, VMINamespaceKeyFunc.
    _Mark(OwnerKind.KUBEVIRT, "http://kubevirt.io", _kubevirt),
    # opennebula, src/vmm/LibVirtDriverKVM.cc: one:vm with name, uname, gname.
    _Mark(OwnerKind.OPENNEBULA, "http://opennebula.org/xmlns/libvirt/1.0", _opennebula),
    # gnome-boxes, src/vm-configurator.vala: BOXES_NS_URI, BOXES_OLD_NS_URI.
    _Mark(OwnerKind.BOXES, "https://wiki.gnome.org/Apps/Boxes", _same),
    _Mark(OwnerKind.BOXES, "http://live.gnome.org/Boxes/", _same),
    # cockpit-machines, src/scripts/install_machine.py; cockpit, pkg/machines, before that.
    _Mark(OwnerKind.COCKPIT, f"{_COCKPIT}cockpit-machines", _same),
    _Mark(OwnerKind.COCKPIT, f"{_COCKPIT}cockpit/tree/master/pkg/machines", _same),
)


def _is_cloudstacks(definition: Definition) -> bool:
    """CloudStack writes no metadata, but names itself in the SMBIOS that it declares.

    cloudstack, VirtualMachineManagerImpl.updateVmMetadataManufacturerAndProduct: an administrator
    can set both to other texts, and then nothing tells.
    """
    system = definition.sysinfo.get("system", {})
    return (
        system.get("manufacturer") == "Apache Software Foundation"
        or system.get("product") == "CloudStack KVM Hypervisor"
    )


def _is_truenas(definition: Definition) -> bool:
    """TrueNAS writes no metadata, but names a domain by its number and its title.

    truenas/middleware, plugins/vm/supervisor/domain_xml.py: name ``ID_NAME``, title ``NAME``.
    """
    number, mark, name = definition.name.partition("_")
    is_number = number.isascii() and number.isdigit()
    return bool(mark) and is_number and bool(name) and name == definition.title
