"""Domains of libvirt's test driver, shut off, as many as wanted: they need no host."""

from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

_XML = """<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
  <name>{name}</name><uuid>{uuid}</uuid>
  <metadata><x:about xmlns:x='urn:x'><x:role>web</x:role></x:about></metadata>
  <memory unit='MiB'>2048</memory><vcpu>2</vcpu>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type><boot dev='hd'/></os>
  <features><acpi/><apic/></features>
  <clock offset='utc'/><on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/>
      <source file='/var/lib/libvirt/images/{name}.qcow2'/><target dev='vda' bus='virtio'/></disk>
    <interface type='network'><mac address='52:54:00:{mac}'/><source network='default'/>
      <model type='virtio'/></interface>
    <console type='pty'/>
    <channel type='unix'><target type='virtio' name='org.samemachine.guest.0'/></channel>
    <memballoon model='virtio'/>
  </devices>
  <test:runstate>{state}</test:runstate>
</domain>
"""


def uri(folder: Path, number: int, *, active: bool = False) -> str:
    """Return the URI of a node of so many domains; written where it is not there yet."""
    file = folder / f"node-{number}{'-active' if active else ''}.xml"
    if not file.exists():
        domains = "".join(_domain(one, active=active) for one in range(number))
        file.write_text(f"<node>{domains}</node>", encoding="utf-8")
    return f"test://{file}"


def _domain(number: int, *, active: bool) -> str:
    name = f"bench-{number:05}"
    mac = ":".join(f"{byte:02x}" for byte in number.to_bytes(3, "big"))
    return _XML.format(
        name=name, uuid=uuid5(NAMESPACE_URL, name), mac=mac, state=1 if active else 5
    )
