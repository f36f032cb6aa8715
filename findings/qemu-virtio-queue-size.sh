#!/bin/sh
# QEMU 10.0.13 as Debian 13 has it (1:10.0.13+ds-0+deb13u1): every queue of every virtio device has
# 1,024 entries, the random number generator's too, whatever the device asked for. The properties
# rx_queue_size and tx_queue_size still say the 256 that were given.
#
# One would expect 256 for a network card told so, and 8 for the generator, as QEMU 7.2 (Debian 12)
# and 11.1.2 have it. Who reads a queue's size off its property is wrong here, and so is a guest's
# machine after its host went from Debian 12 to 13 and it was started anew: larger queues, same
# definition. QEMU 11.1.2 takes no live migration of such a guest: "VQ 0 vring.num 1024 exceeds
# allocated max 128" is what it said of a serial device.
# Needs mmdebstrap, and what that needs: root or user namespaces.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
seen_of() {
    mmdebstrap --quiet --variant=extract --include="qemu-system-x86=$2" "$1" "$1" 2>/dev/null \
        'http://deb.debian.org/debian'
    python3 try.py "$1"
}
cat >try.py <<'END_OF_PYTHON'
import json
import subprocess
import sys
from pathlib import Path

root = Path(sys.argv[1]).absolute()
folders = [root / "usr/lib/x86_64-linux-gnu", root / "lib/x86_64-linux-gnu"]
loader = next(file for one in folders for file in one.glob("ld-linux-x86-64.so.2"))
libraries = [*folders, folders[0] / "pulseaudio"]
command = [
    loader, "--library-path", ":".join(map(str, libraries)),
    root / "usr/bin/qemu-system-x86_64",
    "-L", root / "usr/share/qemu", "-L", root / "usr/share/seabios",
    "-S", "-nodefaults", "-display", "none", "-machine", "q35,accel=tcg", "-qmp", "stdio",
    "-netdev", "hubport,id=net,hubid=0",
    "-device", "virtio-net-pci,id=nic,netdev=net,romfile=,rx_queue_size=256,tx_queue_size=256",
    "-device", "virtio-rng-pci,id=rng",
]
modules = {"QEMU_MODULE_DIR": str(folders[0] / "qemu")}
pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
qemu = subprocess.Popen(
    command, stdin=pipe, stdout=pipe, stderr=nothing, text=True, env=modules
)


def ask(name, **arguments):
    qemu.stdin.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
    qemu.stdin.flush()
    while True:
        answer = json.loads(qemu.stdout.readline())
        if "return" in answer:
            return answer["return"]


def size(device, queue):
    path = f"/machine/peripheral/{device}/virtio-backend"
    return ask("x-query-virtio-queue-status", path=path, queue=queue)["vring-num"]


qemu.stdout.readline()
ask("qmp_capabilities")
told = ask("qom-get", path="/machine/peripheral/nic", property="rx_queue_size")
print(ask("query-version")["package"], "rx_queue_size", told, "nic", size("nic", 0), "rng", size("rng", 0))
ask("quit")
qemu.wait()
END_OF_PYTHON
seen_of bookworm '1:7.2*' | sed 's/ 1:7\.2[^ ]*/ 7.2/' >seen
seen_of trixie '1:10.0.13+ds-0+deb13u1' >>seen
cat seen
diff - seen <<'END_SEEN'
Debian 7.2 rx_queue_size 256 nic 256 rng 8
Debian 1:10.0.13+ds-0+deb13u1 rx_queue_size 256 nic 1024 rng 1024
END_SEEN
echo "as it was seen"
