"""Nothing of a rehearsal touches the domain: every file, socket and lock it asks the kernel for."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab import pace
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.straced import traced

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")

_CALLS = (
    "open openat openat2 creat connect bind listen socket flock fcntl clone clone3 fork vfork "
    "execve link linkat symlink rename renameat renameat2 unlink unlinkat truncate mknodat mount"
)
_MARK = "untouched"
# Of every kind of back-end that libvirt's own tests write, what libvirt takes without having it.
_BACK_ENDS = f"""
    <disk type='block' device='disk'><driver name='qemu' type='raw'/>
      <source dev='/dev/{_MARK}'/><target dev='vdc' bus='virtio'/></disk>
    <disk type='network' device='disk'><driver name='qemu' type='raw'/>
      <source protocol='nbd' name='{_MARK}'><host name='{_MARK}.invalid' port='10809'/></source>
      <target dev='vdd' bus='virtio'/></disk>
    <disk type='network' device='disk'><driver name='qemu' type='raw'/>
      <source protocol='nbd'><host transport='unix' socket='/{_MARK}/nbd'/></source>
      <target dev='vde' bus='virtio'/></disk>
    <disk type='network' device='disk'><driver name='qemu' type='raw'/>
      <source protocol='rbd' name='{_MARK}/image'><host name='{_MARK}.invalid'/></source>
      <target dev='vdf' bus='virtio'/></disk>
    <disk type='network' device='disk'><driver name='qemu' type='raw'/>
      <source protocol='iscsi' name='iqn.2026-01.invalid:{_MARK}/1'>
        <host name='{_MARK}.invalid' port='3260'/></source>
      <target dev='vdg' bus='virtio'/></disk>
    <disk type='network' device='cdrom'><driver name='qemu' type='raw'/>
      <source protocol='https' name='/{_MARK}'><host name='{_MARK}.invalid' port='443'/></source>
      <target dev='sdb' bus='sata'/><readonly/></disk>
    <filesystem type='mount' accessmode='mapped'><source dir='/{_MARK}/folder'/><target dir='tag'/>
    </filesystem>
    <interface type='vhostuser'><mac address='52:54:00:18:03:01'/>
      <source type='unix' path='/{_MARK}/vhost' mode='client'/><model type='virtio'/></interface>
    <interface type='client'><mac address='52:54:00:18:03:02'/>
      <source address='{_MARK}.invalid' port='5558'/><model type='e1000'/></interface>
    <serial type='tcp'><source mode='connect' host='{_MARK}.invalid' service='2445'/></serial>
    <serial type='unix'><source mode='bind' path='/{_MARK}/serial'/></serial>
    <serial type='pipe'><source path='/{_MARK}/pipe'/></serial>
    <rng model='virtio'><backend model='random'>/dev/random</backend></rng>
    <sound model='ich6'/>
  </devices>"""
_SHARED = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"


def _everything(xml: str) -> str:
    shared = xml.replace("<vcpu>", f"{_SHARED}<vcpu>", 1)
    return shared.replace("</devices>", _BACK_ENDS)


_STARTED = re.compile(
    r'\s*execve\("[^"]*", \["(/proc/self/fd/\d+|[^"]*qemu-system-x86_64)", "-no-user-config"'
)
_CHILD = re.compile(r"\s*(?:<\.\.\. )?(?:clone3?|v?fork)\b.* = (\d+)$")


class _Trace:
    """What the QEMU of a rehearsal asked the kernel for, of all that a command did."""

    def __init__(self, text: str) -> None:
        self._lines = [
            (int(number), rest)
            for number, _, rest in (line.partition(" ") for line in text.splitlines())
            if number.isdecimal()
        ]
        self.commands = {number: rest for number, rest in self._lines if _STARTED.match(rest)}
        """Process → the line with which it became a QEMU."""
        self._threads = set(self.commands)
        for number, rest in self._lines:
            child = _CHILD.match(rest)
            if number in self._threads and child:
                self._threads.add(int(child[1]))

    def calls(self) -> Iterator[tuple[str, str]]:
        """Yield (system call, all that was written of it) of the QEMU and its threads."""
        running: set[int] = set()
        for number, rest in self._lines:
            if _STARTED.match(rest):
                running.add(number)
            elif number in running or number in self._threads - self.commands.keys():
                yield rest.strip().partition("(")[0], rest

    def paths(self) -> set[str]:
        """Return what it opened, or tried to."""
        return {
            path[1]
            for call, rest in self.calls()
            if call.startswith("open") and (path := re.search(r'"([^"]*)"', rest))
        }


def _traced(host: Host, folder: Path, *arguments: str) -> _Trace:
    """Rehearse a domain as the kernel sees it."""
    waits = ("--timeout", pace.words(30), "--rehearsal-timeout", pace.words(120))
    command = host.samemachine_command("rehearse", *arguments, *waits)
    return _Trace(traced(host, folder, _CALLS.split(), ("-v", "-s", "65536"), *command))


# What QEMU itself needs of a host: its own files, and what the kernel says of the machine. It runs
# in the root folder, which it looks at.
_ALLOWED = re.compile(
    r"\.|/proc/(self|thread-self|\d+)/(?!root|cwd|fd/)\S*"
    r"|/proc/(cpuinfo|filesystems|meminfo|mounts|stat)"
    r"|/(usr/)?(lib|lib64|share)/\S*|/etc/(ld\.so\.\w+|localtime|libnl/classid|\S*\.(conf|cnf))"
    r"|/etc/gnutls/config|/sys/\S*|/dev/(kvm|null|random|sgx_vepc|urandom)|/dev/fdset/\d+"
)


def _nothing_is_touched(trace: _Trace, *own: str) -> None:
    assert trace.commands, "no QEMU was seen"
    whole = "\n".join(rest for _, rest in trace.calls())
    for path in (_MARK, *own):
        assert path not in whole, path
        assert not any(path in command for command in trace.commands.values()), path
    opened = {os.path.normpath(path) for path in trace.paths()}
    strange = {path for path in opened if not _ALLOWED.fullmatch(path)}
    assert strange == set()
    called = {call for call, _ in trace.calls()}
    # No network, no lock, no other program, no name of a file that is made, changed or gone.
    assert (
        called
        & {
            "connect",
            "bind",
            "listen",
            "flock",
            "execve",
            "fork",
            "vfork",
            "creat",
            "link",
            "linkat",
            "symlink",
            "rename",
            "renameat",
            "renameat2",
            "unlink",
            "unlinkat",
            "truncate",
            "mknodat",
            "mount",
        }
        == set()
    )
    assert not re.search(r"fcntl\(.*F_(OFD_)?SETLKW?\b", whole)


@pytest.mark.long("rehearsal")
@pytest.mark.parametrize(
    "options",
    [
        # Of a size that no other has: a rehearsal that was kept would start nothing.
        GuestOptions(name="untouched-440", machine="pc-i440fx-7.2", memory=500),
        GuestOptions(name="untouched-uefi", machine="pc-q35-7.2", uefi=True, memory=500),
    ],
    ids=lambda options: options.name,
)
def test_a_running_guest(
    host_a: Host, new_guest: Callable[[GuestOptions], Guest], tmp_path: Path, options: GuestOptions
) -> None:
    guest = new_guest(options).start().wait_ready()
    before = guest.run("cat", "/proc/sys/kernel/random/boot_id")
    trace = _traced(host_a, tmp_path, options.name)
    _nothing_is_touched(
        trace,
        options.disk,
        options.second_disk,
        options.console,
        f"{options.name}_VARS",
        "/run/libvirt",
        "/var/lib/libvirt",
    )
    assert guest.run("cat", "/proc/sys/kernel/random/boot_id") == before


def test_every_kind_of_back_end(
    host_a: Host, new_guest: Callable[[GuestOptions], Guest], tmp_path: Path
) -> None:
    options = GuestOptions(name="back-ends", machine="pc-q35-7.2", edit=_everything)
    new_guest(options)
    trace = _traced(host_a, tmp_path, options.name)
    _nothing_is_touched(trace, options.disk, options.second_disk, options.console)
