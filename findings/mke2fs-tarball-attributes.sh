#!/bin/sh
# mke2fs 1.47.2 as Debian 13 has it (e2fsprogs 1.47.2-3+b12): of a tarball that `-d` is given it keeps
# one extended attribute, security.capability. A user's own, SELinux labels and POSIX ACLs that stand
# in the tarball are left out, with no word and exit code 0.
#
# One would expect them in the file system: from a folder `-d` copies all of them, and what it leaves
# out is to be chosen (`-E no_copy_xattrs`). mkfs.erofs takes all from the very same tarball. So an
# image that is built from a tarball instead of the folder that it was made of has lost its labels
# and ACLs, and the capability that is still there makes a first look seem right.
# Needs mmdebstrap, and what that needs: root or user namespaces.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mmdebstrap --quiet --variant=extract \
    '--include=e2fsprogs=1.47.2-3+b12,libarchive13t64=3.7.4-4+deb13u1,erofs-utils=1.8.6-1' \
    trixie root 'http://deb.debian.org/debian' 2>/dev/null
libraries="$folder/root/usr/lib/x86_64-linux-gnu"
tool() {
    program=$1
    shift
    "$libraries/ld-linux-x86-64.so.2" --library-path "$libraries" "root/usr/$program" "$@"
}
python3 - <<'END'
import io
import tarfile

with tarfile.open("tree.tar", "w", format=tarfile.PAX_FORMAT) as tree:
    file = tarfile.TarInfo("file")
    file.size = 5
    file.pax_headers = {
        "SCHILY.xattr.security.capability": "\x01\0\0\x02\0 " + "\0" * 14,
        "SCHILY.xattr.security.selinux": "system_u:object_r:etc_t:s0",
        "SCHILY.xattr.user.owner": "web",
    }
    tree.addfile(file, io.BytesIO(b"hello"))
END
truncate -s 8M ext4
{
    tool sbin/mke2fs -V 2>&1 | sed -n 's/ (.*//; 1p'
    code=0
    tool sbin/mke2fs -q -t ext4 -d tree.tar ext4 >said 2>&1 || code=$?
    grep -v 'mtab file' said || true
    echo "ext4 of the tarball, exit code $code:"
    tool sbin/debugfs -R 'ea_list file' ext4 2>/dev/null | sed -n 's/ = .*//; s/^  //p'
    tool bin/mkfs.erofs --quiet --tar=f erofs tree.tar
    echo 'erofs of the same has:'
    tool bin/fsck.erofs erofs >said
    grep -a -o -e 'system_u:object_r:etc_t:s0' -e 'ownerweb' erofs
} >seen
cat seen
diff - seen <<'END_SEEN'
mke2fs 1.47.2
ext4 of the tarball, exit code 0:
security.capability (20)
erofs of the same has:
system_u:object_r:etc_t:s0
ownerweb
END_SEEN
echo "as it was seen"
