#!/bin/sh
# libvirt 11.3.0 as Debian 13 has it (11.3.0-3+deb13u3): `virsh domxml-to-native qemu-argv` puts the
# domain's network cards where libvirt itself would not, and leaves out most of what they were given.
#
# One would expect the command line with which libvirt starts the domain, as far as its guest can see.
# But before it makes one, it replaces each card by a tap interface with the MAC address and the model
# alone, and deals out PCI addresses anew. Below, a card that is defined behind root port 5, where a
# guest calls it enp5s0, comes behind port 1, which is the other card's, and ROM, queue size, ACPI index
# and boot order are gone. Who compares machines by these lines, or starts QEMU with one to see what a
# guest sees, has a machine that never ran.
#
# libvirt's own driver for QEMU, embedded in a process; no daemon, no guest. Needs mmdebstrap, and root
# (chroot, a mount of /proc).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
packages=libvirt-daemon-driver-qemu=11.3.0-3+deb13u3,python3-libvirt,qemu-system-x86
mmdebstrap --quiet --variant=extract --include=$packages,coreutils \
    trixie root http://deb.debian.org/debian 2>/dev/null
# What the packages' scripts would have done, as far as the driver needs it.
for one in bin lib lib64; do [ -e root/$one ] || ln -s usr/$one root/$one; done
echo 'libvirt-qemu:x:64055:64055::/:/bin/false' >>root/etc/passwd
echo 'libvirt-qemu:x:64055:' >>root/etc/group
echo 'kvm:x:64056:' >>root/etc/group
mkdir -p root/driver/etc root/proc
echo 'security_driver = "none"' >root/driver/etc/qemu.conf
cat >root/try.py <<'END_OF_PYTHON'
import json
import re
from xml.etree import ElementTree

import libvirt

GIVEN = """
<domain type='qemu'>
  <name>guest</name>
  <memory unit='MiB'>256</memory>
  <os><type arch='x86_64' machine='pc-q35-10.0'>hvm</type></os>
  <devices>
    <interface type='user'>
      <mac address='52:54:00:00:00:01'/><model type='virtio'/>
      <driver rx_queue_size='512'/><rom enabled='no'/>
      <address type='pci' bus='5' slot='0'/>
    </interface>
    <interface type='user'>
      <mac address='52:54:00:00:00:02'/><model type='virtio'/>
      <boot order='1'/><acpi index='3'/>
    </interface>
  </devices>
</domain>
"""
BARE = {"driver", "netdev", "id", "mac", "bus", "addr"}

libvirt.virEventRegisterDefaultImpl()
connection = libvirt.open("qemu:///embed?root=/driver")
number = connection.getLibVersion()
print(f"libvirt {number // 1000000}.{number // 1000 % 1000}.{number % 1000}")
definition = connection.defineXML(GIVEN).XMLDesc()
command = connection.domainXMLToNative("qemu-argv", definition)
cards = [json.loads(one) for one in re.findall("-device '([^']*virtio-net-pci[^']*)'", command)]
for interface in ElementTree.fromstring(definition).iter("interface"):
    mac = interface.find("mac").get("address")
    (card,) = (one for one in cards if one["mac"] == mac)
    bus = int(interface.find("address").get("bus"), 16)
    given = [one.tag for one in interface if one.tag in {"driver", "rom", "boot", "acpi"}]
    print(f"{mac} defined: pci.{bus}", *given)
    print(f"{mac} native: {card['bus']}", *sorted(set(card) - BARE))
END_OF_PYTHON
# It opens a tap device for each card, in a network of its own here.
unshare --mount --net --pid --fork sh 2>/dev/null >seen <<'END_OF_SHELL'
mount -t proc proc root/proc && mount --bind /dev root/dev && chroot root python3 /try.py
END_OF_SHELL
cat seen
diff - seen <<'END_SEEN'
libvirt 11.3.0
52:54:00:00:00:01 defined: pci.5 driver rom
52:54:00:00:00:01 native: pci.1
52:54:00:00:00:02 defined: pci.1 boot acpi
52:54:00:00:00:02 native: pci.4
END_SEEN
echo "as it was seen"
