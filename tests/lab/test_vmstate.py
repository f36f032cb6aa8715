"""What real QEMUs save and load of device states, beside what their descriptions foretell.

QEMU alone, started paused with a machine type and a device: what it saves to a file is what it
would send to another host. That needs no libvirt and no guest; ``test_refused.py`` has a domain.
"""

from pathlib import Path
from typing import Any

import pytest

from host_agent.atlas import atlas as atlases
from host_agent.atlas import state_touching
from host_agent.atlas.atlas import Atlas
from host_agent.atlas.state_touching import States
from host_agent.atlas.vmstate_diff import Reading
from host_agent.domain import device_models
from tests.lab.host import Host
from tests.lab.lab import Lab

_FILE = "/var/tmp/state"
# Run on a host: starts QEMU, saves its state to a file or loads one, and prints QEMU's last words.
_ASK = """
import contextlib, json, subprocess, sys, tempfile, time
loading, *options = sys.argv[1:]
# Words of its own: in one pipe with its answers they would tear them apart.
said, refused = tempfile.TemporaryFile("w+"), None
qemu = subprocess.Popen(
    ["qemu-system-x86_64", "-S", "-display", "none", "-nodefaults", "-m", "16", "-accel", "tcg",
     "-qmp", "stdio", *options],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True,
)
def ask(command, **arguments):
    # One that refused what it loaded has ended.
    with contextlib.suppress(BrokenPipeError):
        qemu.stdin.write(json.dumps({"execute": command, "arguments": arguments}) + "\\n")
        qemu.stdin.flush()
    return heard("return", "error")
def heard(*words):
    for line in qemu.stdout:
        answer = json.loads(line)
        if any(word in answer for word in words):
            return answer
    return {}
if heard("QMP") and ask("qmp_capabilities"):
    if loading == "save":
        refused = ask("migrate", uri="exec:cat >/var/tmp/state").get("error")
    asked, going = ("query-migrate", {"setup", "active", "device"}) if loading == "save" else (
        "query-status", {"inmigrate"})
    while ask(asked).get("return", {}).get("status") in going:
        time.sleep(0.05)
    ask("quit")
with contextlib.suppress(BrokenPipeError):
    qemu.stdin.close()
ended = qemu.wait()
said.seek(0)
sys.exit(f"{said.read()} {refused}" if ended or refused else 0)
"""
_I440FX, _Q35 = "pc-i440fx-7.2", "pc-q35-7.2"
_PLAIN = (
    "-device", "e1000", "-device", "rtl8139", "-device", "VGA", "-device", "qemu-xhci",
    "-device", "usb-tablet", "-device", "intel-hda", "-audiodev", "none,id=a",
    "-device", "hda-duplex,audiodev=a", "-device", "ich9-usb-ehci1", "-device", "i6300esb",
    "-chardev", "null,id=n", "-device", "isa-debugcon,chardev=n",
)  # fmt: skip
_VIRTIO = (
    "-blockdev", "driver=null-co,node-name=d", "-device", "virtio-scsi-pci",
    "-device", "scsi-hd,drive=d", "-device", "virtio-serial-pci", "-device", "virtio-rng-pci",
    "-device", "virtio-balloon-pci", "-device", "virtio-net-pci",
)  # fmt: skip
_PORT = ("-device", "pcie-root-port,id=p")
_ESP, _DC390, _VGA = (("-device", model) for model in ("am53c974", "dc390", "isa-vga"))
_FOOTER = "Missing section footer for 0000:00:02.0/pciespscsi"
# From, to, machine type, devices, what the other one says; None: it takes it.
MEASURED = [
    ("hosta", "hostb", _I440FX, _PLAIN + _VIRTIO, None),
    ("hosta", "hostb", _Q35, _PLAIN + _VIRTIO + _PORT, None),
    ("hosta", "hostb", _Q35, ("-device", "e1000e"), None),
    ("hosta", "hostb", _I440FX, _ESP, _FOOTER),
    ("hosta", "hostb", _I440FX, _DC390, _FOOTER),
    ("hosta", "hostb", _I440FX, _VGA, None),
    ("hostb", "hoste", _I440FX, _PLAIN, None),
    ("hostb", "hoste", _Q35, _PLAIN + _PORT, None),
    ("hostb", "hoste", _I440FX, _ESP, None),
    ("hostb", "hoste", _I440FX, _VGA, "Unknown section or instance 'vga' 0"),
    ("hostb", "hoste", _I440FX, ("-device", "pvscsi"), None),
    ("hoste", "hostb", _I440FX, _PLAIN + _VIRTIO, None),
    ("hoste", "hostb", _I440FX, _ESP, _FOOTER),
    ("hostb", "hosta", _I440FX, _PLAIN + _VIRTIO, None),
    # A byte more and a byte less: by luck it is as long.
    ("hostb", "hosta", _I440FX, _ESP, None),
]  # fmt: skip


def asked(host: Host, how: str, machine: str, *options: str) -> Any:
    command = ("python3", "-c", _ASK, how, "-machine", machine, *options)
    return host.run(*command, check=False, timeout=90)


def carried(here: Host, there: Host, machine: str, options: tuple[str, ...]) -> Any:
    """Save on one host, load on the other."""
    saved = asked(here, "save", machine, *options)
    assert saved.returncode == 0, saved.stderr
    state = (here.root / _FILE.lstrip("/")).read_bytes()
    (there.root / _FILE.lstrip("/")).write_bytes(state)
    return asked(there, "load", machine, "-incoming", f"exec:cat {_FILE}", *options)


@pytest.fixture(scope="module")
def atlas_of(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> "AtlasOf":
    return AtlasOf(lab, tmp_path_factory.mktemp("atlases"))


class AtlasOf:
    """What each host's QEMU says of itself, asked once."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self._lab, self._folder = lab, folder
        self._found: dict[str, Atlas] = {}

    def __getitem__(self, name: str) -> Atlas:
        if name not in self._found:
            done = self._lab.host(name).samemachine("probe", _I440FX, _Q35, "--format", "json")
            assert done.returncode == 0, done.stderr
            self._found[name] = atlases.from_text(done.stdout)
        return self._found[name]


@pytest.mark.parametrize(("source", "target", "machine", "options", "refused"), MEASURED)
def test_what_is_foretold_is_what_comes(
    lab: Lab,
    atlas_of: AtlasOf,
    source: str,
    target: str,
    machine: str,
    options: tuple[str, ...],
    refused: str | None,
) -> None:
    here, there = lab.host(source), lab.host(target)
    loaded = carried(here, there, machine, options)
    assert (loaded.returncode == 0) == (refused is None), loaded.stderr
    assert (refused or "") in loaded.stderr
    told = state_touching.of(
        atlas_of[source], atlas_of[target], machine, device_models.models(options)
    )
    assert isinstance(told, States)
    worse = [one for one in told.touching if one.change.reading is not Reading.READ]
    # Whatever is refused was told; what was told is a warning.
    assert worse or refused is None, told


def test_lengths_of_queues_are_in_no_description(lab: Lab, atlas_of: AtlasOf) -> None:
    """What QEMU 10.0.13 is refused for by 11.1.2 is known by its version alone."""
    loaded = carried(lab.host("hostb"), lab.host("hoste"), _I440FX, _VIRTIO)
    assert "VQ 0 vring.num 1024 exceeds allocated max" in loaded.stderr
    models = device_models.models(_VIRTIO)
    told = state_touching.of(atlas_of["hostb"], atlas_of["hoste"], _I440FX, models)
    assert isinstance(told, States)
    assert told.touching == ()
