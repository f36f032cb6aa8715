#!/bin/sh
# rpmfile 2.2.1 (PyPI): of files that are hard links to each other in an RPM package, all but the last
# are read as empty, with size 0 and no error.
#
# One would expect each to have the content that it has once the package is installed, and the size
# that the package's own header gives. In a payload of cpio's "newc" format, the content of linked files
# is there once, with the last of them; the others have the same inode and no bytes. rpm looks for
# the inode. The library takes each entry for a file of its own. So who hashes the files of a package,
# or takes a firmware image or a unit out of it, may get that of an empty file, which is a valid hash.
#
# The package is made by Debian 12's rpm 4.18.0. Needs mmdebstrap, and root (chroot).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 2>/dev/null rpmfile==2.2.1
mmdebstrap --quiet --variant=extract --include='rpm=4.18.0+dfsg-1+deb12u1,dash,coreutils' \
    bookworm root http://deb.debian.org/debian 2>/dev/null
cat >root/linked.spec <<'END_OF_SPEC'
Name: linked
Version: 1
Release: 1
Summary: Two names of one file
License: MIT
BuildArch: noarch
%description
Two names of one file.
%install
mkdir -p %{buildroot}/usr/share/linked
echo content >%{buildroot}/usr/share/linked/one
ln %{buildroot}/usr/share/linked/one %{buildroot}/usr/share/linked/two
%files
/usr/share/linked/one
/usr/share/linked/two
END_OF_SPEC
chroot root rpmbuild -bb --define '_topdir /top' --define '__os_install_post %{nil}' linked.spec \
    >/dev/null 2>&1
cp root/top/RPMS/noarch/linked-1-1.noarch.rpm root/linked.rpm
cat >try.py <<'END_OF_PYTHON'
import importlib.metadata

import rpmfile

print("rpmfile", importlib.metadata.version("rpmfile"))
with rpmfile.open("root/linked.rpm") as package:
    for member in sorted(package.getmembers(), key=lambda one: one.name):
        print("rpmfile:", member.name, member.size, package.extractfile(member).read())
END_OF_PYTHON
{
    chroot root rpm --version
    chroot root rpm -qp --queryformat '[rpm: %{FILENAMES} %{FILESIZES}\n]' linked.rpm
    venv/bin/python try.py
} >seen
cat seen
diff - seen <<'END_SEEN'
RPM version 4.18.0
rpm: /usr/share/linked/one 8
rpm: /usr/share/linked/two 8
rpmfile 2.2.1
rpmfile: ./usr/share/linked/one 0 b''
rpmfile: ./usr/share/linked/two 8 b'content\n'
END_SEEN
echo "as it was seen"
