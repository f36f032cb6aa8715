"""A guest of another architecture: its domain XML."""

from dataclasses import dataclass

from tests.lab import foreign_images
from tests.lab.foreign_images import Foreign
from tests.lab.guest import CHANNEL, GuestOptions

_XML = """<domain type='qemu'>
  <name>{name}</name><uuid>{uuid}</uuid>
  <memory unit='MiB'>{memory}</memory><vcpu>{vcpus}</vcpu>
  <os>
    <type arch='{architecture}' machine='{machine}'>hvm</type>
    {loader}
    <kernel>{image}/kernel</kernel><initrd>{image}/initrd</initrd>
    <cmdline>console={line} quiet {cmdline}</cmdline>
  </os>
  {features}
  {cpu}
  <devices>
    <emulator>/usr/bin/qemu-system-{qemu}</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/>
      <source file='{second_disk}'/><target dev='vda' bus='virtio'/><readonly/>
      <serial>DISK-A</serial></disk>
    <interface type='user'><mac address='52:54:00:aa:10:03'/><model type='virtio'/></interface>
    <controller type='usb' model='none'/>
    <serial type='file'><source path='{console}'/></serial>
    <channel type='unix'><source mode='bind'/>
      <target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    {channel}
    <memballoon model='none'/>
  </devices>
</domain>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignOptions(GuestOptions):
    """What a test can choose of it; its machine type is its architecture's unless it is named."""

    architecture: str
    """libvirt's word."""
    machine: str = ""
    memory: int = 768

    def xml(self) -> str:
        """Return the domain XML; the image is built where it is not in the cache."""
        row = self.row
        return self.edit(
            _XML.format(
                name=self.name,
                uuid=self.uuid,
                memory=self.memory,
                vcpus=self.vcpus,
                architecture=self.architecture,
                machine=self.machine or row.machine,
                image=f"/lab/cache/{foreign_images.image(self.architecture).name}",
                line=row.console,
                cmdline=self._cmdline(),
                # Without it a guest with UEFI gets a device tree, and no ACPI tables.
                features="<features><acpi/></features>" if self.uefi else row.features,
                loader=row.uefi if self.uefi else "",
                cpu=self._cpu() or row.cpu,
                qemu=row.qemu,
                second_disk=self.second_disk,
                console=self.console,
                channel=CHANNEL if self.channel else "",
            )
        )

    @property
    def row(self) -> Foreign:
        """The architecture."""
        return foreign_images.ARCHITECTURES[self.architecture]

    @property
    def quick(self) -> bool:
        """Whether the lab's own first process runs it."""
        return True

    @property
    def diskless(self) -> bool:
        """Whether it lives in its memory alone, and has no disk of its own."""
        return True
