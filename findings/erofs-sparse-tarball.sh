#!/bin/sh
# mkfs.erofs 1.8.6 as Debian 13 has it (erofs-utils 1.8.6-1): of a tarball (`--tar=f`) that GNU tar
# wrote with `--sparse` it leaves a sparse file out (`--format=gnu`), or puts it into another folder
# with tar's map of its holes as the begin of its content, and its data after that
# (`--format=posix`). Either way it says "Build completed" and exits with 0; the files beside it are
# whole.
#
# One would expect the file: tarballs of file trees with disk images or databases in them are made
# with `--sparse`, and GNU tar, Python's tarfile, mke2fs -d and mksquashfs -tar (both of Debian 13)
# read either form as the file of a megabyte that it is. 1.9.4-1 of Debian forky does the same.
# Needs mmdebstrap, and what that needs: root or user namespaces.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mmdebstrap --quiet --variant=extract '--include=erofs-utils=1.8.6-1' trixie root \
    'http://deb.debian.org/debian' 2>/dev/null
libraries="$folder/root/usr/lib/x86_64-linux-gnu"
tool() {
    program=$1
    shift
    "$libraries/ld-linux-x86-64.so.2" --library-path "$libraries" "root/usr/bin/$program" "$@"
}
mkdir tree
echo first >tree/first
truncate -s 1M tree/sparse
printf hello | dd of=tree/sparse bs=1 seek=900000 conv=notrunc status=none
echo last >tree/last
{
    tool mkfs.erofs --version | sed -n 1p
    for format in gnu posix; do
        tar --sparse "--format=$format" -C tree -cf "$format.tar" first sparse last
        code=0
        tool mkfs.erofs --tar=f "$format.erofs" "$format.tar" >said 2>&1 || code=$?
        echo "$format: $(grep '^Build' said) exit code $code"
        mkdir "$format"
        tool fsck.erofs "--extract=$format" "$format.erofs" >/dev/null
        (cd "$format" && find . -type f -printf '%P has %s bytes\n') |
            sed 's/GNUSparseFile\.[0-9]*/GNUSparseFile.PROCESS/' | sort
    done
    echo "it begins with $(head -n 2 posix/GNUSparseFile.*/sparse | paste -s -d ' ')"
} >seen
cat seen
diff - seen <<'END_SEEN'
mkfs.erofs (erofs-utils) 1.8.6
gnu: Build completed. exit code 0
first has 6 bytes
last has 5 bytes
posix: Build completed. exit code 0
GNUSparseFile.PROCESS/sparse has 4608 bytes
first has 6 bytes
last has 5 bytes
it begins with 2 897024
END_SEEN
echo "as it was seen"
