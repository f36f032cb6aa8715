"""Domains without a guest system, of five shapes: machine type, vCPUs, memory, SMBIOS. Pure."""

from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

_XML = """<domain type='qemu'>
  <name>{name}</name><uuid>{uuid}</uuid>
  <memory unit='MiB'>{memory}</memory><vcpu>{vcpus}</vcpu>
  {sysinfo}
  <os><type arch='x86_64' machine='{machine}'>hvm</type>{smbios}</os>
  <features><acpi/><apic/></features>
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
  <controller type='usb' model='none'/><memballoon model='none'/></devices>
</domain>"""
_SYSINFO = """<sysinfo type='smbios'><system><entry name='manufacturer'>Acme</entry>
  <entry name='product'>Cloud</entry><entry name='serial'>{uuid}</entry></system></sysinfo>"""


@dataclass(frozen=True, slots=True)
class Shape:
    """What domains of one shape have in common."""

    machine: str
    vcpus: int
    memory: int
    """MiB."""
    sysinfo: bool = False
    """Whether it has SMBIOS entries of its own, a serial number among them."""


SHAPES = (
    Shape("pc-i440fx-7.2", 1, 32),
    Shape("pc-q35-7.2", 2, 32),
    Shape("pc-i440fx-5.2", 1, 48),
    Shape("pc-q35-6.0", 4, 32),
    Shape("pc-i440fx-7.2", 1, 32, sysinfo=True),
)


def xml(name: str, number: int) -> str:
    """Return the XML of a domain, whose shape follows from its number."""
    shape, uuid = SHAPES[number % len(SHAPES)], uuid5(NAMESPACE_URL, f"samemachine-bench:{name}")
    return _XML.format(
        name=name,
        uuid=uuid,
        memory=shape.memory,
        vcpus=shape.vcpus,
        machine=shape.machine,
        sysinfo=_SYSINFO.format(uuid=uuid) if shape.sysinfo else "",
        smbios="<smbios mode='sysinfo'/>" if shape.sysinfo else "",
    )
