#!/bin/sh
# qemu-img 10.0.13 as Debian 13 has it (qemu-utils 1:10.0.13+ds-0+deb13u1): `convert -l SNAPSHOT`
# writes as many bytes as the disk has now, not as many as it had when the snapshot was taken. Of a
# snapshot of a 16 MiB disk that is back at 8 MiB it writes the first half, and exits with 0.
#
# One would expect 16 MiB, with what was written at 12 MiB: the snapshot's header has that size
# (docs/interop/qcow2: "Virtual disk size of the snapshot in bytes"), and `qemu-img snapshot -a`
# gives the disk that size back. So whoever exports a snapshot for a backup, after the domain was
# reverted to an older and smaller one, has half a disk and no error. The other way round the copy
# of an old snapshot has zeros at its end that the disk never had. The same with 7.2.22 and 11.1.2.
# Needs mmdebstrap, and what that needs: root or user namespaces.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mmdebstrap --quiet --variant=extract '--include=qemu-utils=1:10.0.13+ds-0+deb13u1' trixie root \
    'http://deb.debian.org/debian' 2>/dev/null
libraries="$folder/root/usr/lib/x86_64-linux-gnu"
tool() {
    program=$1
    shift
    QEMU_MODULE_DIR="$libraries/qemu" "$libraries/ld-linux-x86-64.so.2" --library-path "$libraries" \
        "root/usr/bin/$program" "$@"
}
exported() {
    code=0
    tool qemu-img convert -l "$1" -O raw disk.qcow2 "$1.raw" || code=$?
    echo "now $2: $1 has $(stat -c %s "$1.raw") bytes, exit code $code"
}
{
    tool qemu-img --version | sed -n 's/.*\(qemu-img version [0-9.]*\).*/\1/p'
    tool qemu-img create -q -f qcow2 disk.qcow2 8M
    tool qemu-img snapshot -c small disk.qcow2
    tool qemu-img resize -q disk.qcow2 16M
    tool qemu-io -c 'write -q -P 5 12M 64k' disk.qcow2
    tool qemu-img snapshot -c large disk.qcow2
    exported small '16 MiB'
    tool qemu-img snapshot -a small disk.qcow2
    exported large '8 MiB'
    tool qemu-img snapshot -a large disk.qcow2
    tool qemu-img info disk.qcow2 | sed -n 's/^virtual size/applied: virtual size/p'
} >seen
cat seen
diff - seen <<'END_SEEN'
qemu-img version 10.0.13
now 16 MiB: small has 16777216 bytes, exit code 0
now 8 MiB: large has 8388608 bytes, exit code 0
applied: virtual size: 16 MiB (16777216 bytes)
END_SEEN
echo "as it was seen"
