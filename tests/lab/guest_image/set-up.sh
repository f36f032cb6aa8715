# Turns the bare root into the lab's guest, all but our own packages; runs inside it.
echo '/dev/vda / ext4 defaults,noatime 0 0' >/etc/fstab
echo guest >/etc/hostname
# What only costs time in software emulation.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
    e2scrub_reap.service fstrim.timer systemd-timesyncd.service getty@tty1.service \
    serial-getty@ttyS0.service systemd-update-utmp.service systemd-update-utmp-runlevel.service \
    systemd-random-seed.service systemd-rfkill.socket systemd-pstore.service man-db.timer \
    systemd-hwdb-update.service systemd-journal-flush.service keyboard-setup.service \
    getty-static.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount \
    systemd-user-sessions.service systemd-tmpfiles-clean.timer sys-kernel-debug.mount \
    sys-kernel-tracing.mount dev-hugepages.mount dev-mqueue.mount modprobe@configfs.service \
    modprobe@dm_mod.service modprobe@fuse.service modprobe@loop.service modprobe@drm.service \
    modprobe@efi_pstore.service sys-kernel-config.mount sys-fs-fuse-connections.mount
do
    ln -sf /dev/null "/etc/systemd/system/$unit"
done
mkdir -p /etc/systemd/journald.conf.d
printf '[Journal]\nStorage=volatile\nForwardToConsole=yes\n' >/etc/systemd/journald.conf.d/lab.conf
# Where no service manager is asked for: tests/lab/guest.py.
install -m 755 /tmp/quick-init /tmp/quick-agent /tmp/quick-shutdown /sbin
# The smallest initrd that finds the disk.
sed -i -e 's/^MODULES=.*/MODULES=list/' -e 's/^COMPRESS=.*/COMPRESS=lz4/' /etc/initramfs-tools/initramfs.conf
printf 'virtio_pci\nvirtio_blk\next4\n' >>/etc/initramfs-tools/modules
update-initramfs -u
rm -rf /var/cache/apt/* /var/lib/apt/lists/* /tmp/*
