#!/bin/sh
# virt-firmware 26.10 (PyPI): a UEFI variable that is in an edk2 store and that edk2's firmware shows
# is not there for virt-fw-vars, and a store that goes through it has lost it for the firmware, too.
#
# One would expect two kinds of entry, variables and deleted ones. There is a third: an update first
# marks the old value as "in deleted transition" (state 0x3e, from 0x3f), then writes the new one, and
# marks the old one as deleted at last. Where a host fails between the first two steps, the marked
# value is the only one, and edk2 takes it for valid (FindVariableEx in VariableParsing.c). To this
# library 0x3f alone is a variable. So of a guest whose host lost its power, a BootOrder or a key of
# secure boot is said to lack, and `--inplace`, for another variable, makes it true.
#
# The store below is Debian 12's own with one variable set by virt-fw-vars, and then that one byte
# changed. The firmware is asked by its own shell, in QEMU. Needs mmdebstrap, and what that needs:
# root or user namespaces.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv library
library/bin/pip install --quiet 2>/dev/null virt-firmware==26.10
mmdebstrap --quiet --variant=extract --include='qemu-system-x86=1:7.2*,ovmf=2022.11-6+deb12u2' \
    bookworm root http://deb.debian.org/debian 2>/dev/null
vendor=5f4a3c1e-0001-4000-8000-000000000001
cat >colour.json <<END_OF_STORE
{"version": 2, "variables": [{"name": "Colour", "guid": "$vendor", "attr": 7, "data": "2a"}]}
END_OF_STORE
mkdir disk
printf 'dmpstore Colour -guid %s\r\nreset -s\r\n' $vendor >disk/startup.nsh

fw_vars() {
    library/bin/virt-fw-vars "$@" 2>/dev/null
}
firmware_shows() {
    cp "$1" running.fd
    libraries=root/usr/lib/x86_64-linux-gnu
    QEMU_MODULE_DIR=$libraries/qemu root/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 \
        --library-path "root/lib/x86_64-linux-gnu:$libraries:$libraries/pulseaudio" \
        root/usr/bin/qemu-system-x86_64 -L root/usr/share/qemu -L root/usr/share/seabios \
        -nodefaults -display none -machine q35,accel=tcg -m 256 -serial stdio \
        -drive if=pflash,format=raw,readonly=on,file=root/usr/share/OVMF/OVMF_CODE_4M.fd \
        -drive if=pflash,format=raw,file=running.fd \
        -drive if=virtio,format=raw,file=fat:disk,snapshot=on </dev/null 2>/dev/null |
        tr -d '\r' | sed -n 's/.*\(No matching variables\).*/\1/p; s/^ *00000000: \(..\) .*/\1/p'
}
say() {
    shown=$(fw_vars --input "$1" --print | tr -s ' ')
    echo "$1: virt-fw-vars: ${shown:-nothing}"
    echo "$1: firmware: $(firmware_shows "$1")"
}

fw_vars --input root/usr/share/OVMF/OVMF_VARS_4M.fd --set-json colour.json --output whole.fd
python3 - <<'END_OF_PYTHON'
from pathlib import Path

store = bytearray(Path("whole.fd").read_bytes())
state = store.index("Colour\0".encode("utf-16-le")) - 58
assert store[state - 2 : state + 1] == b"\xaa\x55\x3f"
store[state] &= 0xFE
Path("broken-off.fd").write_bytes(store)
END_OF_PYTHON
fw_vars --input broken-off.fd --output written.fd
{
    library/bin/pip freeze | grep virt-firmware
    say whole.fd
    say broken-off.fd
    say written.fd
} >seen
cat seen
diff - seen <<'END_SEEN'
virt-firmware==26.10
whole.fd: virt-fw-vars: Colour : byte: 0x2a
whole.fd: firmware: 2A
broken-off.fd: virt-fw-vars: nothing
broken-off.fd: firmware: 2A
written.fd: virt-fw-vars: nothing
written.fd: firmware: No matching variables
END_SEEN
echo "as it was seen"
