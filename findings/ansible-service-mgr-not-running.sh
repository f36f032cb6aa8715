#!/bin/sh
# ansible-core 2.18.19: where systemd is installed and does not run, as in a container or a chroot
# whose first process is a shell, the fact service_mgr is "systemd", as on a host that booted with it.
# So ansible.builtin.service takes its systemd way, and fails.
#
# One would expect what sd_booted(3) says, which is what /run/systemd/system is there for: the fact
# itself asks that first (is_systemd_managed). Where the answer is no, it takes an /sbin/init that is
# a link to systemd for one (is_systemd_managed_offline). Who goes by the fact to know whether units
# can be started must look at /run/systemd/system itself.
#
# Needs root, for namespaces, and Debian 12's archive: systemd's own files are taken from there.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 2>/dev/null ansible-core==2.18.19
apt-get update -qq
version=252.39-1~deb12u2
apt-get download -qq -o APT::Sandbox::User=root systemd=$version systemd-sysv=$version
for file in systemd_*.deb systemd-sysv_*.deb; do
    dpkg-deb -x "$file" root
done
mkdir scratch
cat >inside <<'END'
mount -t tmpfs scratch scratch
mkdir scratch/upper scratch/work
cp -P root/sbin/init scratch/upper
mount -t overlay -o lowerdir=/usr/sbin,upperdir=scratch/upper,workdir=scratch/work usr-sbin /usr/sbin
mount -t tmpfs run /run
echo "first process $(cat /proc/1/comm), /sbin/init is $(basename "$(readlink /sbin/init)")"
test -e /run/systemd/system || echo "systemd does not run"
export PATH="$PWD/root/bin:$PATH" LD_LIBRARY_PATH="$PWD/root/lib/systemd" HOME="$PWD" LC_ALL=C.UTF-8
export ANSIBLE_LOCALHOST_WARNING=0 ANSIBLE_NOCOLOR=1 ANSIBLE_INVENTORY_UNPARSED_WARNING=0
venv/bin/ansible --version | sed -n '1s/[][]//gp'
python=ansible_python_interpreter=$PWD/venv/bin/python
venv/bin/ansible localhost -e $python -m setup -a filter=ansible_service_mgr |
    sed -n 's/^ *"ansible_service_mgr": /fact: /p'
venv/bin/ansible localhost -e $python -m service -a 'name=cron state=started' |
    grep -o 'System has not been booted with systemd as init system' | sort -u
END
unshare --mount --pid --fork --mount-proc sh inside >seen
cat seen
diff - seen <<'END'
first process sh, /sbin/init is systemd
systemd does not run
ansible core 2.18.19
fact: "systemd"
System has not been booted with systemd as init system
END
echo "as it was seen"
