"""What of a domain must be there as well on another host."""

from pathlib import Path

import pytest

from host_agent.domain.definition import DomainXmlError
from host_agent.domain.devices import Disk, Folder, parse
from host_agent.migrate.shared_storage import is_shared


def domain(devices: str, rest: str = "") -> str:
    return f"<domain><devices>{devices}</devices>{rest}</domain>"


DISKS = """
<disk type='file' device='disk'><source file='/a.qcow2'/><target dev='vda'/></disk>
<disk type='block' device='disk'><source dev='/dev/vg/b'/><target dev='vdb'/></disk>
<disk type='network' device='disk'><source protocol='rbd' name='p/c'/><target dev='vdc'/></disk>
<disk type='file' device='disk'><source file='/d.raw'/><target dev='vdd'/><readonly/></disk>
<disk type='file' device='disk'><source file='/e.raw'/><target dev='vde'/><shareable/></disk>
<disk type='file' device='cdrom'><source file='/f.iso'/><target dev='sda'/></disk>
<disk type='file' device='floppy'><source file='/g.img'/><target dev='fda'/></disk>
<disk type='file' device='floppy'><source file='/h.img'/><target dev='fdb'/><readonly/></disk>
<disk type='file' device='cdrom'><target dev='sdb'/><readonly/></disk>
"""


def test_disks() -> None:
    assert parse(domain(DISKS)).disks == (
        Disk(target="vda", type="file", path="/a.qcow2", writable=True),
        Disk(target="vdb", type="block", path="/dev/vg/b", writable=True),
        Disk(target="vdc", type="network", path=None, writable=True),
        Disk(target="vdd", type="file", path="/d.raw", writable=False),
        Disk(target="vde", type="file", path="/e.raw", writable=True, shareable=True),
        Disk(target="sda", type="file", path="/f.iso", writable=False),
        Disk(target="fda", type="file", path="/g.img", writable=True),
        Disk(target="fdb", type="file", path="/h.img", writable=False),
    )


@pytest.mark.parametrize(
    ("devices", "rest", "passthrough"),
    [
        ("<hostdev mode='subsystem' type='pci'><alias name='hostdev0'/></hostdev>", "",
         ("pci device hostdev0",)),
        ("<hostdev mode='subsystem' type='mdev'/>", "", ("mdev device",)),
        ("<hostdev mode='subsystem' type='usb'/>", "", ()),
        ("<hostdev type='pci'><teaming type='transient' persistent='ua-1'/></hostdev>", "", ()),
        ("<interface type='hostdev'><alias name='net0'/></interface>", "",
         ("hostdev network device net0",)),
        ("<interface type='bridge'/>", "", ()),
        ("<filesystem type='mount'><alias name='fs0'/></filesystem>", "", ("shared folder fs0",)),
        ("<filesystem type='mount'><driver type='virtiofs'/></filesystem>", "", ()),
        ("", "<launchSecurity type='sev'/>", ("encrypted memory",)),
        ("<shmem name='s1' role='peer'/>", "", ("shared memory s1",)),
        ("<shmem name='s1'/>", "", ("shared memory s1",)),
        ("<shmem name='s1' role='master'/>", "", ()),
        ("<disk type='file'><source file='/a'/><target dev='vda'/><transient/></disk>", "",
         ("transient disk vda",)),
        ("", "<cpu><feature policy='require' name='invtsc'/></cpu>",
         ("CPU feature invtsc at this host's frequency",)),
        ("", "<cpu><feature policy='disable' name='invtsc'/></cpu>", ()),
        ("", "<cpu><feature policy='require' name='invtsc'/></cpu>"
         "<clock><timer name='tsc' frequency='2000000000'/></clock>", ()),
    ],
)  # fmt: skip
def test_passthrough(devices: str, rest: str, passthrough: tuple[str, ...]) -> None:
    assert parse(domain(devices, rest)).passthrough == passthrough


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        ("<disk type='file'><target dev='vda' bus='virtio'/></disk>", True),
        ("<interface type='bridge'><model type='virtio-non-transitional'/></interface>", True),
        ("<channel type='unix'><target type='virtio' name='x'/></channel>", True),
        ("<controller type='virtio-serial'/>", True),
        ("<memballoon model='virtio'/>", True),
        ("<vsock><cid auto='yes'/></vsock>", True),
        (
            "<disk type='file'><target dev='sda' bus='sata'/></disk><memballoon model='none'/>",
            False,
        ),
        ("", False),
    ],
)
def test_virtio(devices: str, expected: bool) -> None:
    assert parse(domain(devices)).virtio is expected


@pytest.mark.parametrize(
    ("cpu", "mode", "bound"),
    [
        ("", None, False),
        ("<cpu><model>Nehalem</model></cpu>", "custom", False),
        ("<cpu mode='host-model'/>", "host-model", False),
        ("<cpu mode='host-passthrough' migratable='on'/>", "host-passthrough", True),
        ("<cpu mode='maximum'/>", "maximum", True),
    ],
)
def test_cpu(cpu: str, mode: str | None, *, bound: bool) -> None:
    devices = parse(domain("", cpu))
    assert (devices.cpu or "").replace('"', "'") == cpu
    assert (devices.cpu_mode, devices.host_bound_cpu) == (mode, bound)


@pytest.mark.parametrize(
    ("rest", "vcpus", "in_a_socket", "has_ht"),
    [
        ("", None, 1, False),
        ("<vcpu placement='static' current='2'> 8 </vcpu>", 8, 1, False),
        ("<vcpu>eight</vcpu>", None, 1, False),
        ("<vcpu>99999999999</vcpu>", None, 1, False),
        ("<cpu><topology sockets='4' dies='1' cores='1' threads='1'/></cpu>", None, 1, False),
        ("<cpu><topology sockets='2' cores='1' threads='2'/></cpu>", None, 2, False),
        ("<cpu><topology sockets='1' dies='2' clusters='3' cores='4' threads='1'/></cpu>", None, 24,
         False),
        ("<cpu><topology cores='9999999' threads='9999999'/></cpu>", None, 1 << 20, False),
        ("<cpu><topology cores='-1' threads='x'/></cpu>", None, 1, False),
        ("<cpu><feature policy='require' name='ht'/></cpu>", None, 1, True),
        ("<cpu><feature name='ht'/></cpu>", None, 1, True),
        ("<cpu><feature policy='disable' name='ht'/></cpu>", None, 1, False),
    ],
)  # fmt: skip
def test_vcpus(rest: str, vcpus: int | None, in_a_socket: int, *, has_ht: bool) -> None:
    found = parse(domain("", rest))
    assert (found.vcpus, found.in_a_socket, found.has_ht) == (vcpus, in_a_socket, has_ht)


def test_files_that_a_start_reads() -> None:
    found = parse(
        domain(
            "<interface><rom file='/own.rom'/></interface>"
            "<filesystem><driver type='virtiofs'/><source dir='/srv'/><target dir='t'/>"
            "</filesystem>"
            "<filesystem><driver type='virtiofs'/><source socket='/s'/><target dir='u'/>"
            "</filesystem><filesystem><source dir='/9p'/><target dir='v'/></filesystem>",
            "<os><loader type='pflash'> /OVMF_CODE.fd </loader>"
            "<nvram template='/OVMF_VARS.fd'>/own_VARS.fd</nvram>"
            "<kernel>/k</kernel><initrd>/i</initrd><acpi><table type='slic'>/slic</table></acpi>"
            "</os>",
        )
    )
    assert found.images == ("/OVMF_CODE.fd", "/OVMF_VARS.fd")
    assert found.files == ("/k", "/i", "/slic", "/own.rom")
    assert found.folders == (Folder(path="/srv", name="t"), Folder(path=None, name="u"))
    assert found.passthrough == ("shared folder",)


def test_no_xml() -> None:
    with pytest.raises(DomainXmlError):
        parse("nope")


MOUNTS = """/dev/sda1 / ext4 rw 0 0
nas:/vm /srv/vm nfs4 rw 0 0
tmpfs /srv/vm/scratch tmpfs rw 0 0
sshfs#x /srv/odd fuse rw 0 0
/dev/sdb1 /srv/with\\040blank gfs2 rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "shared"),
    [
        ("/var/lib/libvirt/images/a.qcow2", False),
        ("/srv/vm/a.qcow2", True),
        ("/srv/vm/scratch/a.qcow2", False),
        ("/srv/vmother/a.qcow2", False),
        ("/srv/odd/a.qcow2", None),
        ("/srv/with blank/a.qcow2", True),
    ],
)
def test_shared_storage(tmp_path: Path, path: str, *, shared: bool | None) -> None:
    mounts = tmp_path / "proc/self/mounts"
    mounts.parent.mkdir(parents=True)
    mounts.write_text(MOUNTS, encoding="utf-8")
    assert is_shared(path, tmp_path) is shared


def test_shared_storage_without_proc(tmp_path: Path) -> None:
    assert is_shared("/a", tmp_path) is None


@pytest.mark.parametrize(
    ("devices", "roms"),
    [
        ("<interface><model type='e1000'/></interface>", {"e1000.rom"}),
        ("<interface><model type='virtio'/><rom bar='off'/></interface>", set()),
        ("<interface><model type='virtio'/><rom enabled='no'/></interface>", set()),
        ("<interface><model type='virtio'/><rom file='/own.rom'/></interface>", set()),
        ("<interface><model type='virtio'/><rom bar='on'/></interface>", {"virtio-net-pci.rom"}),
        ("<interface/><interface><model type='ne2k_pci'/></interface>", {"ne2000.rom"}),
        ("<interface><model type='e1000-82545em'/></interface>", {"e1000.rom"}),
        ("<interface><model type='pcnet'/></interface>", {"pcnet.rom"}),
        ("<interface><model type='i82559er'/></interface>", {"i82559er.rom"}),
        ("<interface><model type='virtio-transitional'/></interface>", {"virtio-net-pci.rom"}),
        ("<interface><model type='virtio-non-transitional'/></interface>", set()),
        ("<interface><model type='igb'/></interface>", set()),
        ("<interface><model type='usb-net'/></interface>", set()),
        ("<video><model type='vga'/></video>", {"vga.rom"}),
        ("<video><model type='cirrus'/></video>", {"cirrus_vga.rom"}),
        ("<video><model type='qxl'/></video>", {"qxl.rom"}),
        ("<video><model type='vga'/></video><video><model type='qxl'/></video>", {"vga.rom"}),
        ("<video><model type='ramfb'/></video>", set()),
    ],
)
def test_roms(devices: str, roms: set[str]) -> None:
    assert parse(domain(devices)).roms == roms


@pytest.mark.parametrize(
    ("cpu", "any_host"),
    [("", True), ("<cpu mode='host-model'/>", True), ("<cpu mode='host-passthrough'/>", True),
     ("<cpu mode='custom'><model>Nehalem</model></cpu>", False)],
)  # fmt: skip
def test_a_start_takes_the_cpu_of_its_host(cpu: str, *, any_host: bool) -> None:
    assert parse(domain("", cpu)).any_host_starts_it is any_host
