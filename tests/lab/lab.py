"""The lab as a whole: its hosts, and the switch between them."""

import fcntl
import itertools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.lab import cache, images, make_deb
from tests.lab.host import Host
from tests.lab.namespaces import Namespaces

PREFIX = "samemachine-lab-"
PLACES = (os.cpu_count() or 1) + 1
"""A lab mostly waits: for guests that boot, and for what must not come."""
_TOOLS = (
    "mmdebstrap", "mkfs.ext4", "ip", "unshare", "nsenter", "setpriv", "cpio", "depmod",
    *make_deb.TOOLS,
)  # fmt: skip
# Host C is for tests that spoil a host: they upgrade its packages.
_HOSTS = {
    "hosta": (1, images.BOOKWORM),
    "hostb": (2, images.TRIXIE),
    "hostc": (3, images.BOOKWORM),
    # The ends of the chain bullseye, bookworm, trixie, forky.
    "hostd": (4, images.BULLSEYE),
    "hoste": (5, images.FORKY),
    # All domains of this one are the manual's.
    "hostf": (6, images.BOOKWORM),
    # Ansible installs our packages on these.
    "hostg": (7, images.BOOKWORM),
    "hosth": (8, images.TRIXIE),
    # They run guests of other architectures.
    "hosti": (9, images.MANY_BOOKWORM),
    "hostj": (10, images.MANY_TRIXIE),
    # Where a guest moves that no other version of QEMU takes.
    "hostk": (11, images.MANY_BOOKWORM),
    "hostl": (12, images.MANY_TRIXIE),
}


def hindrance() -> str | None:
    """Say why the lab can't run here; None: it can."""
    if os.geteuid() != 0:
        return "the lab needs root: it makes namespaces, mounts and images"
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    return f"the lab needs {', '.join(missing)}: make system" if missing else None


class Lab:
    """Hosts by name, started when they are first asked for."""

    def __init__(self, folder: Path, hosts: Mapping[str, tuple[int, images.HostImage]]) -> None:
        self._folder = folder
        roots = [image for _, image in hosts.values() if image.root is not None]
        self._hosts = {
            name: Host(name, number, image, folder, roots)
            for name, (number, image) in hosts.items()
        }
        self._started: list[Host] = []
        self._switch = Namespaces(
            ("net",),
            "ip link add lab type bridge; ip link set lab up; exec sleep infinity",
            folder / "switch.log",
        )

    def host(self, name: str) -> Host:
        """Return a host, started."""
        host = self._hosts[name]
        if host not in self._started:
            cache.tell(f"starting {name}")
            host.start([other for other in self._hosts.values() if other is not host])
            self._started.append(host)
            self._connect(host)
        return host

    def _connect(self, host: Host) -> None:
        ip = ["nsenter", f"--target={self._switch.pid}", "--net", "ip"]
        port = f"to-{host.name}"
        for command in (
            [
                *ip,
                "link",
                "add",
                port,
                "type",
                "veth",
                "peer",
                "name",
                "eth0",
                "netns",
                str(host.pid),
            ],
            [*ip, "link", "set", port, "master", "lab", "up"],
        ):
            subprocess.run(command, check=True, capture_output=True)
        host.run("ip", "addr", "add", f"{host.address}/24", "dev", "eth0")
        host.run("ip", "link", "set", "eth0", "up")

    def close(self) -> None:
        """End all hosts."""
        for host in self._started:
            host.close()
        self._switch.close()


@contextmanager
def running(hosts: Mapping[str, tuple[int, images.HostImage]] = _HOSTS) -> Iterator[Lab]:
    """A lab that ends with the block. ``PLACES`` of them can run side by side.

    Each has a network of its own, so nothing but the cores is shared. ``hosts``: name → number,
    which its address ends with, and image.
    """
    cache.directory().mkdir(parents=True, exist_ok=True)
    # Images are not removed while any lab runs.
    with cache.lab_lock().open("w", encoding="ascii") as lock, _place() as place:
        fcntl.flock(lock, fcntl.LOCK_SH)
        _clear(place)
        folder = Path(tempfile.mkdtemp(prefix=prefix(place)))
        lab = Lab(folder, hosts)
        try:
            yield lab
        finally:
            lab.close()
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _place() -> Iterator[int]:
    """Wait for one of the places, and hold it."""
    places = range(PLACES)
    with ExitStack() as stack:
        locks = [
            stack.enter_context((cache.directory() / f"lab-{place}.lock").open("w"))
            for place in places
        ]
        for waited in itertools.count():
            for place, lock in zip(places, locks, strict=True):
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield place
                return
            if not waited:
                cache.tell("waiting for another lab to end")
            time.sleep(0.5)


def prefix(place: int) -> str:
    """Return what the names of a place's folders begin with."""
    return f"{PREFIX}{place}-"


def _clear(place: int) -> None:
    """Remove the folders that a killed lab left; its processes and mounts ended with it."""
    for left in scratch_folders(place):
        shutil.rmtree(left, ignore_errors=True)


def scratch_folders(place: int) -> list[Path]:
    """Return the folders of labs in a place; only one that is running has one."""
    folders = Path(tempfile.gettempdir()).glob(f"{prefix(place)}*")
    return [folder for folder in folders if folder.is_dir()]


def build(*names: str) -> None:
    """Build the images of a guest and of these hosts, or of all that most tests need."""
    wanted = (_HOSTS[name][1] for name in names or _HOSTS)
    hosts = dict.fromkeys(image for image in wanted if names or image.only_for is None)
    # Two at a time: one waits for the network where the other one unpacks.
    pool = ThreadPoolExecutor(max_workers=2)
    try:
        building: list[Future[object]] = [pool.submit(images.guest), pool.submit(images.data_disk)]
        building += [pool.submit(images.host_root, image) for image in hosts]
        for one in building:
            one.result()
    finally:
        pool.shutdown(cancel_futures=True)
