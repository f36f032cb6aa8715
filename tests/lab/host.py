"""A libvirt host: a distribution's root in namespaces of its own, with its own libvirtd."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.checkout import CHECKOUT
from tests.lab import cache, images, overlay, pace
from tests.lab.guest import Guest, GuestOptions
from tests.lab.namespaces import Namespaces

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
}
GUEST_IMAGES = "/lab"
"""Where our files are inside every host; the same path, so that guests can migrate."""
_RELEASES = Path("/usr/share/distro-info")

_QEMU_CONF = """security_driver = "none"
user = "root"
group = "root"
cgroup_controllers = []
namespaces = []
remember_owner = 0
stdio_handler = "file"
migration_address = "{address}"
keepalive_count = {alive}
"""
_LIBVIRTD_CONF = """listen_tls = 0
listen_tcp = 1
auth_tcp = "none"
auth_unix_rw = "none"
auth_unix_ro = "none"
unix_sock_ro_perms = "0777"
unix_sock_rw_perms = "0700"
host_uuid = "{uuid}"
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
keepalive_count = {alive}
"""
_PREPARE = """
mount -t tmpfs -o mode=755 run run
mkdir -p run/lock run/libvirt
{binds}
hostname {name}
"""


class Host:
    """One host. ``start`` it, then define guests on it."""

    def __init__(
        self,
        name: str,
        number: int,
        image: images.HostImage,
        folder: Path,
        roots: Sequence[images.HostImage] = (),
    ) -> None:
        self.name = name
        self.address = f"10.77.0.{number}"
        self.uri = "qemu:///system"
        self.tcp_uri = f"qemu+tcp://{self.address}/system"
        self._number = number
        self._image = image
        self._folder = folder
        self._roots = roots
        self._namespaces: Namespaces | None = None
        self.guests: dict[str, Guest] = {}

    @property
    def pid(self) -> int:
        """The host's first process, as seen from outside."""
        return self._inside.pid

    @property
    def root(self) -> Path:
        """The host's root folder, as seen from outside."""
        return Path(f"/proc/{self.pid}/root")

    @property
    def _inside(self) -> Namespaces:
        if self._namespaces is None:
            raise RuntimeError(f"{self.name} is not started")
        return self._namespaces

    def start(self, neighbours: Sequence["Host"]) -> None:
        """Start the host and its libvirtd; its name and the neighbours' resolve on it."""
        stage = self._folder / self.name
        stage.mkdir()
        prepare = _PREPARE.format(
            name=self.name, binds="\n".join(_bind(*places) for places in self._binds())
        )
        script = overlay.script(stage, images.host_root(self._image), size="12g", prepare=prepare)
        self._namespaces = Namespaces(
            ("net", "mount", "uts", "ipc", "pid"), script, self._folder / f"{self.name}.log"
        )
        self._wait_for(self.root / overlay.READY)
        self._write(
            "etc/hosts",
            "127.0.0.1 localhost\n"
            + "".join(f"{host.address} {host.name}\n" for host in (self, *neighbours)),
        )
        # Asked every five seconds; a libvirtd that has no processor for long is alive all the same.
        alive = round(pace.stretched(30) / 5)
        self._write("etc/libvirt/qemu.conf", _QEMU_CONF.format(address=self.address, alive=alive))
        # libvirt refuses a UUID of one repeated digit, and two hosts must differ.
        uuid = f"3d1b0a52-6d5e-4c1b-9c70-0a0a0a0a{self._number:04x}"
        self._write("etc/libvirt/libvirtd.conf", _LIBVIRTD_CONF.format(uuid=uuid, alive=alive))
        # What a guest may take to answer follows from how slow this machine is.
        self._write("etc/samemachine/host.toml", f"timeout = {pace.words(15)}.0\n")
        self.start_libvirtd()

    def _binds(self) -> list[tuple[Path, Path]]:
        guest = images.guest()
        inside = Path(GUEST_IMAGES)
        # The checkout may lie in a folder that only root may enter.
        binds = [(CHECKOUT, CHECKOUT), (CHECKOUT, inside / "checkout")]
        binds += [(file, inside / file.name) for file in (guest.kernel, guest.initrd, guest.disk)]
        binds.append((images.data_disk(), inside / "data.raw"))
        # Guests of other images boot from there.
        binds.append((cache.directory(), inside / "cache"))
        # Systems that are no images of the cache: a QEMU of theirs is asked by their neighbours.
        for image in self._roots:
            binds.append((images.host_root(image), Path(images.root_on_hosts(image))))
        base = Path(sys.base_prefix)
        if not self._image.own_python:
            # What a library reads lies where the library is from.
            binds.append((_RELEASES, _RELEASES))
            if base != Path("/usr"):
                binds.append((base, base))
        return binds

    def _write(self, name: str, text: str) -> None:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def _wait_for(self, file: Path) -> None:
        deadline = time.monotonic() + pace.stretched(10)
        while self._inside.alive and time.monotonic() < deadline:
            if file.exists():
                return
            time.sleep(0.01)
        raise RuntimeError(f"{self.name} does not start: {self._inside.log()}")

    def start_libvirtd(self) -> None:
        """Start libvirtd and wait until it answers."""
        self.run("libvirtd", "--daemon", "--listen")
        deadline = time.monotonic() + pace.stretched(15)
        while self.run("virsh", "list", check=False).returncode:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name}: libvirtd does not answer")
            time.sleep(0.05)

    def stop_libvirtd(self) -> None:
        """Stop libvirtd; the guests go on."""
        pid = int((self.root / "run/libvirtd.pid").read_text(encoding="ascii"))
        self.run("kill", str(pid))
        self.wait_gone(pid)

    def wait_gone(self, pid: int) -> None:
        """Wait until a process has ended, by its number on this host."""
        self.run("timeout", pace.words(20), "tail", f"--pid={pid}", "--follow", "/dev/null")

    def command(self, *command: str) -> list[str]:
        """Return the command line that runs a command on this host."""
        return self._inside.command(*command)

    def run(
        self, *command: str, check: bool = True, timeout: float = 120, text_input: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on this host."""
        done = subprocess.run(
            self.command(*command),
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=pace.stretched(timeout),
            check=False,
            input=text_input or "",
        )
        if check and done.returncode:
            raise RuntimeError(
                f"{self.name}: {' '.join(command)} exited {done.returncode}: {done.stderr}"
            )
        return done

    def popen(self, *command: str, **options: Any) -> "subprocess.Popen[str]":
        """Start a command on this host; whoever starts it ends it.

        nsenter waits beside the command, so the command must end when nsenter is killed.
        """
        return subprocess.Popen(
            # What runs in the background ignores SIGINT, and so would the command.
            self.command("env", "--default-signal=INT", "setpriv", "--pdeathsig", "KILL", *command),
            env=ENVIRONMENT,
            text=True,
            **options,
        )

    def virsh(self, *arguments: str, timeout: float = 120) -> str:
        """Run virsh and return what it prints."""
        return self.run("virsh", *arguments, timeout=timeout).stdout.strip()

    def samemachine_command(self, *arguments: str) -> list[str]:
        """Return the command for ``samemachine`` as it is installed on this host."""
        if not self._image.own_python:
            return [f"{sys.prefix}/bin/samemachine", *arguments]
        return [*self._python(), "-m", "host_agent", *arguments]

    def _python(self) -> list[str]:
        """Python with samemachine's libraries and this checkout."""
        if not self._image.own_python:
            return [f"{sys.prefix}/bin/python"]
        path = f"{GUEST_IMAGES}/checkout:{GUEST_IMAGES}/checkout/proto"
        return ["env", f"PYTHONPATH={path}", "python3"]

    def python(self, *arguments: str, timeout: float = 300) -> str:
        """Run Python on this host, in the checkout, and return what it prints."""
        return self.run(*self.python_command(*arguments), timeout=timeout).stdout

    def python_command(self, *arguments: str) -> list[str]:
        """Return the command that runs Python on this host, in the checkout."""
        return ["env", f"--chdir={GUEST_IMAGES}/checkout", *self._python(), *arguments]

    def samemachine(
        self, *arguments: str, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run ``samemachine`` on this host, whatever its exit code."""
        return self.run(*self.samemachine_command(*arguments), check=False, timeout=timeout)

    def guest(self, options: GuestOptions) -> Guest:
        """Define a guest; it is not started. One of its name that a failure left is removed."""
        guest = Guest(self, options)
        if options.name in self.guests:
            guest.remove()
        guest.define()
        self.guests[options.name] = guest
        return guest

    def close(self) -> None:
        """End the host and everything on it."""
        if self._namespaces is not None:
            self._namespaces.close()
            self._namespaces = None


def _bind(source: Path, place: Path) -> str:
    """Return the commands that show ``source`` read-only at ``place`` under the new root."""
    inside = f".{place}"
    make = f"mkdir -p {inside}" if source.is_dir() else f"mkdir -p .{place.parent}; : >{inside}"
    return f"{make}; mount --bind {source} {inside}; mount -o remount,ro,bind {inside}"
