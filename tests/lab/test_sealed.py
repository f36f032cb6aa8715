"""What a TPM keeps of a real guest's disks: forecast by a rehearsal, and tried by the guest itself.

A guest with Debian's shim, GRUB and kernel has two LUKS2 disks, which systemd-cryptenroll bound in
it: one to PCR 7, one to 0, 2 and 4. Before each change it is rehearsed what becomes of them, and
afterwards the guest opens them by its TPM alone, as its boot would, or can't. No register of these
changes after the loader has run, so it is the same whether the boot asks or somebody later.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import sealed_disks
from tests.lab import sealed_image
from tests.lab.guest import GuestOptions
from tests.lab.host import Host
from tests.lab.images import FORKY, TRIXIE, root_on_hosts
from tests.lab.lab import Lab
from tests.lab.test_rehearsal import rehearsed
from tests.lab.test_rehearsed_horizons import rebooted
from tests.lab.test_tpm import ASK, STORE, with_tpm

pytestmark = [pytest.mark.timeout(900), pytest.mark.long("sealed")]

BINDINGS = {"vdb": "7", "vdd": "0+2+4"}
"""Disk → the registers that its key is bound to."""
_FOLDER = "/var/lib/libvirt/images"
_DISK = """<disk type='file' device='disk'><driver name='qemu' type='raw'/>
      <source file='{file}'/><target dev='{name}' bus='virtio'/>{more}</disk>
    """
_CARD = """<interface type='user'><mac address='52:54:00:18:07:01'/><model type='virtio'/>
      <address type='pci' bus='0x00' slot='{slot:#04x}'/></interface>
    """
_KEYED = {
    "OVMF_CODE_4M.fd": "OVMF_CODE_4M.ms.fd",
    "OVMF_VARS_4M.fd": "OVMF_VARS_4M.ms.fd",
    "<loader ": "<loader secure='yes' ",
    "<features>": "<features><smm state='on'/>",
}
_KEY = "/run/recovery"
_ENROLL = """
modprobe -a dm_crypt algif_skcipher xts || true
[ -e {key} ] || printf recovery >{key}
cryptsetup isLuks /dev/{disk} || cryptsetup luksFormat --batch-mode --type luks2 --pbkdf pbkdf2 \
    --pbkdf-force-iterations 1000 /dev/{disk} {key}
PASSWORD=$(cat {key}) systemd-cryptenroll --wipe-slot=tpm2 --tpm2-device=auto \
    --tpm2-pcrs={pcrs} /dev/{disk}
echo E:ID_FS_TYPE=crypto_LUKS >/run/udev/data/b$(cat /sys/class/block/{disk}/dev)
sync
"""
_OPEN = "cryptsetup open --test-passphrase --token-only --token-type systemd-tpm2 /dev/{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed(GuestOptions):
    """A guest that boots from its EFI system partition, and has two disks to be bound."""

    slot: int = 0x10
    """Of its network card, on the root bus."""
    keyed: bool = False
    """Whether it has secure boot, with the keys of the firmware's package."""
    store: str = ""
    """The variable store; empty: where libvirt puts it."""

    @property
    def quick(self) -> bool:
        return True

    def xml(self) -> str:
        """Return the domain XML."""
        found = with_tpm(super(Sealed, self).xml())
        for line in ("kernel", "cmdline"):
            found = re.sub(rf"\s*<{line}>.*", "", found)
        found = found.replace("<readonly/></disk>", "</disk>", 1)
        boot = "<readonly/><boot order='1'/>"
        more = _DISK.format(file=f"{self.image}/boot.raw", name="vdc", more=boot)
        more += _DISK.format(file=disk(self.name, "vdd"), name="vdd", more="")
        more += _CARD.format(slot=self.slot)
        found = found.replace("<controller type='usb'", f"{more}<controller type='usb'", 1)
        for old, new in _KEYED.items() if self.keyed else ():
            assert old in found
            found = found.replace(old, new, 1)
        if self.store:
            found = re.sub("(<nvram [^>]*)/>", rf"\g<1>>{self.store}</nvram>", found)
        return found


def disk(name: str, device: str) -> str:
    return f"{_FOLDER}/{name}-{device}.raw"


def options(name: str, **more: Any) -> Sealed:
    """Options of a guest whose host offers this; ``more``: as the class has them."""
    return Sealed(
        **{
            "name": name,
            "machine": "pc-q35-6.2",
            "cpu": "qemu64",
            "uefi": True,
            "image": sealed_image.folder(),
            "second_disk": disk(name, "vdb"),
            **more,
        }
    )


class Binding:
    """A guest whose disks are bound to its TPM, and what becomes of that."""

    def __init__(self, host: Host, first: Sealed) -> None:
        for device in BINDINGS:
            file = Path(f"{host.root}{disk(first.name, device)}")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"")
            with file.open("r+b") as opened:
                opened.truncate(20 << 20)
        self.guest = host.guest(first)
        self.rows: list[tuple[str, dict[str, bool | None], dict[str, bool]]] = []
        """What was changed, what was forecast for each binding, and what came."""

    def begin(self) -> None:
        """Boot it twice: at its first boot the firmware fills its store."""
        self.guest.start().wait_ready(120)
        rebooted(self.guest)
        self.bind()

    def bind(self) -> None:
        """Bind both disks to the registers that there are now."""
        run = self.guest.run
        run("sh", "-c", ASK, seconds=120)
        for name, pcrs in BINDINGS.items():
            run("sh", "-euc", _ENROLL.format(disk=name, pcrs=pcrs, key=_KEY), seconds=120)
        self.guest.stop_agent()
        self.guest.start_agent()
        assert self.opens() == dict.fromkeys(BINDINGS.values(), True)

    def opens(self) -> dict[str, bool]:
        """Ask the TPM for both keys; those that it does not give are there all the same."""
        run, found = self.guest.run, {}
        run("sh", "-c", f"printf recovery >{_KEY}")
        for name, pcrs in BINDINGS.items():
            told = run("sh", "-c", f"{_OPEN.format(name)} 2>&1 && echo opened", check=False)
            found[pcrs] = told.endswith("opened\n")
            run("cryptsetup", "open", "--test-passphrase", "--key-file", _KEY, f"/dev/{name}")
        return found

    def forecast(self, *arguments: str) -> dict[str, dict[str, bool | None]]:
        """Rehearse it: for a reset and for the next start, which binding will open."""
        found = rehearsed(self.guest.host, self.guest.name, "--read-esp", *arguments)["tpm"]
        assert all(one.get("loader") for one in found.values()), found
        print(found)
        tpm = {when: one for when, one in found.items() if one["keys"]}
        assert tpm.keys() == found.keys(), found
        return {
            when: {"+".join(map(str, key["pcrs"])): key["opens"] for key in one["keys"]}
            for when, one in tpm.items()
        }

    def came(self, what: str, foretold: dict[str, bool | None]) -> dict[str, bool]:
        """Write a row down, after the change."""
        found = self.opens()
        self.rows.append((what, foretold, found))
        print(f"{what:50} {foretold} {found}", flush=True)
        now = self.guest.options
        keyed = isinstance(now, Sealed) and now.keyed
        kind = "secure boot" if keyed else "no secure boot"
        sealed_disks.hold(kind, what, foretold, found)
        return found

    def changed(self, what: str, now: Sealed) -> dict[str, bool]:
        """Change its definition, forecast, start it anew, and bind it to what is there then."""
        self.guest.host.run("virsh", "define", "/dev/stdin", text_input=now.xml())
        self.guest.options = now
        return self.restarted(what)

    def restarted(self, what: str) -> dict[str, bool]:
        """Forecast the next start, make it, and bind the disks anew."""
        foretold = self.forecast()["start"]
        self.started()
        found = self.came(what, foretold)
        self.bind()
        return found

    def started(self) -> None:
        """Stop it, and start it."""
        self.guest.shut_down()
        self.guest.start().wait_ready(120)

    def moved(self, to: Host) -> None:
        """Move it live, with what its disks hold."""
        self.guest.run("sync")
        for device in BINDINGS:
            name = disk(self.guest.name, device)
            content = Path(f"{self.guest.host.root}{name}").read_bytes()
            there = Path(f"{to.root}{name}")
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_bytes(content)
        self.guest.migrate(to)


@contextmanager
def bound(hosts: Sequence[Host], first: Sealed) -> Iterator[Binding]:
    one = Binding(hosts[0], first)
    try:
        one.begin()
        yield one
        # All is said before, and comes as it was said.
        assert [row for row in one.rows if row[1] != row[2]] == []
    finally:
        for host in hosts:
            host.run("virsh", "destroy", first.name, check=False)
            host.run("virsh", "undefine", "--nvram", first.name, check=False)
        one.guest.remove()


OPENS = {"7": True, "0+2+4": True}
_CHANGES: dict[str, dict[str, dict[str, Any]]] = {
    "machine": {
        "more memory": {"memory": 768},
        "machine type 6.2 to 7.2": {"machine": "pc-q35-7.2"},
    },
    "kept": {
        "another slot of the card": {"slot": 0x12},
        "a new variable store": {"store": "/var/lib/libvirt/qemu/nvram/sealed-anew.fd"},
    },
}
"""What is changed of one guest, one after the other → what it has of its own then."""


@pytest.mark.parametrize("keyed", [False, True], ids=["plain", "secure-boot"])
@pytest.mark.parametrize("changes", _CHANGES)
def test_what_is_changed_on_one_host(host_a: Host, changes: str, keyed: bool) -> None:
    name = f"sealed-{changes}"
    now: dict[str, Any] = {"keyed": keyed}
    with bound((host_a,), options(name, **now)) as one:
        for what, more in _CHANGES[changes].items():
            now |= more
            one.changed(what, options(name, **now))


@pytest.mark.parametrize("keyed", [False, True], ids=["plain", "secure-boot"])
def test_the_next_release(host_a: Host, host_b: Host, keyed: bool) -> None:
    first = options("sealed-next", machine="pc-q35-7.2", keyed=keyed)
    with bound((host_a, host_b), first) as one:
        came = _move(one, host_b, root_on_hosts(TRIXIE), "bookworm to trixie")
        # Without secure boot the firmware of Debian 13 measures the variable SecureBoot otherwise.
        assert came == {"7": keyed, "0+2+4": False}


@pytest.mark.parametrize("keyed", [False, True], ids=["plain", "secure-boot"])
def test_the_release_after(lab: Lab, host_b: Host, keyed: bool) -> None:
    """Such a guest does not move live there: a queue of its console has another size."""
    forky = lab.host("hoste")
    first = options("sealed-after", machine="pc-q35-10.0", keyed=keyed)
    with bound((host_b, forky), first) as one:
        foretold = one.forecast("--root", root_on_hosts(FORKY))["start"]
        one.guest.shut_down()
        tpm = f"/var/lib/libvirt/swtpm/{one.guest.options.uuid}"
        store = f"/{STORE.format(one.guest.name)}"
        one.guest.carry(forky, *(disk(one.guest.name, device) for device in BINDINGS), tpm, store)
        one.guest.start().wait_ready(120)
        one.came("trixie to forky: a stop and start there", foretold)


def _move(one: Binding, to: Host, root: str, what: str) -> dict[str, bool]:
    """Forecast here what a start there does; move it there, reset it, and start it."""
    foretold = one.forecast("--root", root)["start"]
    one.moved(to)
    assert one.opens() == OPENS
    there = one.forecast()
    # It knows no better than the host that it came from.
    assert there["start"] == foretold
    rebooted(one.guest)
    one.came(f"{what}: a reset there", there["reset"])
    one.started()
    return one.came(f"{what}: a stop and start there", foretold)
