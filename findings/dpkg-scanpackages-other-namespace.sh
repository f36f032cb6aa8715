#!/bin/sh
# dpkg-scanpackages (dpkg-dev 1.21.23, Debian 12), begun in a folder of another mount namespace, as
# /proc/PID/root of a container has it: "dpkg-scanpackages ." indexes the folder of the same path in
# its own namespace. Where there is none it ends with "Can't cd"; where there is an empty one, it
# writes an empty index. It exits 0, and says nothing.
#
# One would expect the folder it stands in: ls . and find . list that one, and so does
# dpkg-scanpackages /proc/PID/root/..., by the path. It searches with Perl's File::Find and follow => 1,
# which makes of "." what getcwd(2) says, a path of that other namespace, and goes there by it.
# Needs root, for a mount namespace; perl is the one that is installed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get update -qq
apt-get download -qq -o APT::Sandbox::User=root dpkg-dev=1.21.23 libdpkg-perl=1.21.23
for file in dpkg-dev_*.deb libdpkg-perl_*.deb; do
    dpkg-deb -x "$file" tools
done
for name in inside outside; do
    mkdir -p "$name/DEBIAN"
    printf 'Package: %s\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n' $name \
        >"$name/DEBIAN/control"
    dpkg-deb --build "$name" "$name.deb" >/dev/null
done
mkdir place
cp outside.deb place
mkfifo ready
# What stands in for a container: the same path, and another folder.
unshare --mount sh -c 'mount -t tmpfs place place && cp inside.deb place && echo >ready && exec sleep 60' &
container=$!
read -r _ <ready
scan() {
    PERL5LIB=$folder/tools/usr/share/perl5 "$folder/tools/usr/bin/dpkg-scanpackages" "$1" 2>/dev/null |
        sed -n 's/^Package: //p'
}
{
    PERL5LIB=tools/usr/share/perl5 tools/usr/bin/dpkg-scanpackages --version | sed -n 's/ program//;1s/\.$//p'
    (cd "/proc/$container/root$folder/place" && echo "ls .: $(ls .)" && echo "scan .: $(scan .)")
    echo "scan by path: $(scan "/proc/$container/root$folder/place")"
    rm place/outside.deb
    (cd "/proc/$container/root$folder/place" && echo "scan ., empty outside: $(scan .)")
} >seen
kill "$container"
cat seen
diff - seen <<'END'
Debian dpkg-scanpackages version 1.21.23
ls .: inside.deb
scan .: outside
scan by path: inside
scan ., empty outside: 
END
echo "as it was seen"
