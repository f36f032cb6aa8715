#!/bin/sh
# pycdlib 1.22.0 (PyPI): an ISO image that is opened and written, with nothing changed in between,
# has lost its partition tables, MBR and GPT. All 16 sectors of the system area are zero.
#
# One would expect the system area to go through untouched: ISO 9660 (ECMA-119, 6.2.1) leaves its
# content to others, and the library does keep the one kind that ISOLINUX's isohybrid makes. An
# image of xorriso's that has its EFI system partition appended, as installers' have it today, is
# read without a warning. What is written has all files, boots as a CD, and so looks right in a guest
# that has it as one; as a disk or a USB stick firmware finds no partition on it.
# The image is made by Debian 12's xorriso 1.5.4-4; run as root (it asks apt for those packages).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get update -qq && apt-get download -qq -o APT::Sandbox::User=root \
    xorriso=1.5.4-4 libisoburn1=1.5.4-4 libburn4=1.5.4-1 libisofs6=1.5.4-1 libjte2=1.22-3
for package in *.deb; do dpkg-deb -x "$package" root; done
python3 -m venv venv
venv/bin/pip install --quiet 2>/dev/null pycdlib==1.22.0
mkdir files
echo 'instance-id: one' >files/meta-data
head -c 1M /dev/zero >efi-partition
LD_LIBRARY_PATH=root/usr/lib/x86_64-linux-gnu root/usr/bin/xorriso -as mkisofs -quiet -o made.iso -r \
    -append_partition 2 0xef efi-partition -appended_part_as_gpt \
    -e --interval:appended_partition_2:all:: -no-emul-boot files 2>/dev/null
cat >try.py <<'END_OF_PYTHON'
import importlib.metadata
import struct
from pathlib import Path

import pycdlib

print("pycdlib", importlib.metadata.version("pycdlib"))
image = pycdlib.PyCdlib()
image.open("made.iso")
image.write("written.iso")
image.close()

for name in ("made.iso", "written.iso"):
    data = Path(name).read_bytes()
    image.open(name)
    listed = [one.rock_ridge.name().decode() for one in image.list_children(rr_path="/")]
    image.close()
    catalog = 2048 * struct.unpack_from("<I", data, 17 * 2048 + 0x47)[0]
    mbr = "MBR" if data[510:512] == b"\x55\xaa" else "no MBR"
    gpt = "GPT" if data[512:520] == b"EFI PART" else "no GPT"
    system_area = "something" if any(data[: 16 * 2048]) else "zeros alone"
    print(f"{name}: {mbr}, {gpt}, {system_area} in the system area")
    print("  files", *listed[2:], "- boots as a CD:", data[catalog + 32] == 0x88)
END_OF_PYTHON
venv/bin/python try.py >seen
cat seen
diff - seen <<'END_SEEN'
pycdlib 1.22.0
made.iso: MBR, GPT, something in the system area
  files boot.catalog meta-data - boots as a CD: True
written.iso: no MBR, no GPT, zeros alone in the system area
  files boot.catalog meta-data - boots as a CD: True
END_SEEN
echo "as it was seen"
