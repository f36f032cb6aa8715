#!/bin/sh
# virt-clone 5.0.0 as Debian 13 has it (virtinst 1:5.0.0-5+deb13u1): the clone has its original's
# <genid>, the VM generation ID, also where the original was defined with an empty <genid/>.
#
# One would expect a new one: the ID is there to tell a guest that it runs on as a copy, and virt-clone
# gives the clone a new MAC address and a new UUID, which it even writes into SMBIOS. Software that
# keeps the ID it last saw, to make itself anew when it differs, as a domain controller does, takes
# the clone for the original. An empty <genid/> is no way out: libvirt draws the ID once, when the
# domain is defined, and what it drew is copied. The serial number and a fixed vsock address stay, too.
#
# libvirt's test driver, no guest. Needs mmdebstrap, and root (chroot).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >try.py <<'END_OF_PYTHON'
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import libvirt

GIVEN = """
<domain type='kvm'>
  <name>original</name>
  <genid/>
  <memory unit='MiB'>512</memory>
  <os><type arch='x86_64'>hvm</type><smbios mode='sysinfo'/></os>
  <uuid>5f4a3c1e-0001-4000-8000-000000000001</uuid>
  <sysinfo type='smbios'><system>
    <entry name='uuid'>5f4a3c1e-0001-4000-8000-000000000001</entry>
    <entry name='serial'>00000001</entry>
  </system></sysinfo>
  <devices>
    <interface type='user'><mac address='52:54:00:00:00:01'/></interface>
    <vsock model='virtio'><cid auto='no' address='7'/></vsock>
  </devices>
</domain>
"""
PLACES = {
    "uuid": "uuid",
    "SMBIOS uuid": "sysinfo/system/entry[@name='uuid']",
    "MAC address": "devices/interface/mac",
    "genid": "genid",
    "SMBIOS serial": "sysinfo/system/entry[@name='serial']",
    "vsock": "devices/vsock/cid",
}

defined = libvirt.open("test:///default").defineXML(GIVEN).XMLDesc()
# A host of the test driver's that has this domain, shut off (5).
state = "<t:runstate xmlns:t='http://libvirt.org/schemas/domain/test/1.0'>5</t:runstate>"
host = "<node>" + defined.replace("<name>", state + "<name>", 1) + "</node>"
Path("/host.xml").write_text(host, encoding="utf-8")


def virt_clone(*options):
    command = ["virt-clone", "--connect", "test:///host.xml", *options]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


print("virt-clone", virt_clone("--version").strip())
cloned = virt_clone("--original", "original", "--name", "clone", "--auto-clone", "--print-xml")
one, other = map(ElementTree.fromstring, (defined, cloned))
for name, place in PLACES.items():
    values = [(found.text, found.attrib) for found in (one.find(place), other.find(place))]
    print(f"{name}:", "the original's" if values[0] == values[1] else "new")
END_OF_PYTHON
mmdebstrap --quiet --variant=extract --include='virtinst=1:5.0.0-5+deb13u1,python3-libvirt,coreutils' \
    trixie root http://deb.debian.org/debian 2>/dev/null
# What the packages' scripts would have done, as far as Python needs it.
for one in bin lib lib64; do [ -e root/$one ] || ln -s usr/$one root/$one; done
cat root/usr/share/ca-certificates/mozilla/*.crt >root/etc/ssl/certs/ca-certificates.crt
mv try.py root
chroot root python3 /try.py >seen
cat seen
diff - seen <<'END_SEEN'
virt-clone 5.0.0
uuid: new
SMBIOS uuid: new
MAC address: new
genid: the original's
SMBIOS serial: the original's
vsock: the original's
END_SEEN
echo "as it was seen"
