"""The small readers: process command lines, os-release, capabilities, names of machine types."""

import os
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.evidence.running import Running
from host_agent.machine_types import names as type_names
from host_agent.machine_types import offers, os_release, packages
from host_agent.qemu import process as qemu_process
from host_agent.qemu.process import Processes
from tests.smbios_builder import UUID_1
from tests.unit.host_agent.shared.cases import RUNNING


@pytest.mark.parametrize(
    ("arguments", "machine"),
    [
        (("-machine", "pc-i440fx-7.2,usb=off,dump-guest-core=off"), "pc-i440fx-7.2"),
        (("-machine", "accel=kvm,type=pc-q35-noble"), "pc-q35-noble"),
        (("-M", "virt-7.2"), "virt-7.2"),
        (("-machine", "usb=off"), None),
        ((), None),
    ],
)
def test_a_command_line_names_the_machine(arguments: tuple[str, ...], machine: str | None) -> None:
    raw = "\0".join(("qemu", "-uuid", str(UUID_1), *arguments, "")).encode()
    assert qemu_process.parse_command_line(raw) == (machine, UUID_1, None)


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("vm1", "vm1"), ("guest=vm1,debug-threads=on", "vm1"), ("guest=a,,b=c,process=x", "a,b=c"),
        ("guest=a,,,debug-threads=on", "a,"), ("guest=", ""), ("", ""),
    ],
)  # fmt: skip
def test_a_command_line_names_the_domain(argument: str, name: str) -> None:
    raw = f"qemu\0-name\0{argument}\0-uuid\0{UUID_1}\0".encode()
    assert qemu_process.parse_command_line(raw) == (None, UUID_1, name)


@given(st.binary(max_size=300))
def test_no_command_line_breaks_it(raw: bytes) -> None:
    qemu_process.parse_command_line(b"qemu\0-uuid\0" + raw)


def process(
    root: Path,
    pid: int,
    binary: str,
    *arguments: str,
    state: str = "S",
    uids: tuple[int, ...] = (0, 0, 0, 0),
) -> None:
    folder = root / "proc" / str(pid)
    folder.mkdir(parents=True)
    (folder / "cmdline").write_bytes("\0".join((binary, *arguments, "")).encode())
    (folder / "exe").symlink_to(binary)
    fields = " ".join([state, *["0"] * 18, str(100 * pid), "0"])
    (folder / "stat").write_text(f"{pid} (a) b (c) {fields}", encoding="ascii")
    of = "\t".join(map(str, uids))
    (folder / "status").write_text(f"Name:\tqemu\nUid:\t{of}\nGid:\t0\t0\t0\t0\n", encoding="ascii")


def test_the_running_qemus_are_found(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/uptime").write_text("100.0 200.0", encoding="ascii")
    (tmp_path / "proc/9").mkdir()
    first, second = str(UUID_1), str(UUID(int=7))
    qemu = "/usr/bin/qemu-system-x86_64"
    process(tmp_path, 10, qemu, "-uuid", first, "-machine", "pc-q35-7.2")
    process(tmp_path, 11, f"{qemu} (deleted)", "-uuid", second, state="T")
    process(tmp_path, 12, "/usr/bin/impostor", "-uuid", first)
    process(tmp_path, 13, "/usr/bin/sleep", "1")
    running = qemu_process.running(tmp_path)
    assert {one.pid for one in running.found} == {10, 11}
    one, other = (running.of("vm1", uuid) for uuid in (UUID_1, UUID(int=7)))
    assert one is not None
    assert other is not None
    assert (one.pid, one.machine) == (10, "pc-q35-7.2")
    assert (other.stopped, other.binary, other.binary_deleted) == (True, qemu, True)


def test_libvirts_own_process_wins(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    for pid in (10, 20):
        process(tmp_path, pid, "/usr/bin/qemu-system-x86_64", "-uuid", str(UUID_1))
    pids = tmp_path / "run/libvirt/qemu"
    pids.mkdir(parents=True)
    (pids / "vm1.pid").write_text("10\n", encoding="ascii")
    found = qemu_process.running(tmp_path).of("vm1", UUID_1)
    assert found is not None
    assert found.pid == 10


GUESTS, OLD, NEW = UUID(int=1), UUID(int=2), UUID(int=3)


def named(pid: int, name: str | None, uuid: UUID = GUESTS, started: float = 0.0) -> Running:
    return replace(RUNNING, pid=pid, name=name, uuid=uuid, started=started)


@pytest.mark.parametrize(
    ("found", "asked", "pid"),
    [
        ((named(1, "new"),), ("new", NEW, GUESTS), 1),
        # Two with one <hwuuid>: each has its own.
        ((named(1, "old"), named(2, "new")), ("new", NEW, GUESTS), 2),
        ((named(1, "old"),), ("new", NEW, GUESTS), None),
        # Its definition was not read: the name tells.
        ((named(1, "old"), named(2, "new")), ("new", NEW), 2),
        # A domain whose own UUID is another's <hwuuid>.
        ((named(1, "old", OLD), named(2, "new", OLD)), ("old", OLD), 1),
        ((named(1, None, OLD),), ("old", OLD), 1),
        ((named(1, None, NEW),), ("old", OLD), None),
        ((named(1, "vm", started=1.0), named(2, "vm", started=2.0)), ("vm", OLD, GUESTS), 2),
        ((named(9, "vm", started=1.0), named(2, "vm", started=2.0)), ("vm", OLD, GUESTS), 9),
        ((), ("vm", OLD), None),
    ],
)
def test_a_domains_process(
    found: tuple[Running, ...], asked: tuple[str, UUID, UUID], pid: int | None
) -> None:
    process = Processes(found=found, libvirts=frozenset({9})).of(*asked)
    assert (process.pid if process else None) == pid


def test_other_domains_that_show_the_same_uuid() -> None:
    found = (named(1, "old"), named(2, "new"), named(3, "forged"), named(4, "other", OLD))
    processes = Processes(found=found, libvirts=frozenset({1, 2, 4}))
    assert processes.others("new", GUESTS) == ("old",)
    assert processes.others("other", OLD) == ()


def the_one(root: Path) -> Running:
    """The process of the domain."""
    found = qemu_process.running(root).of("vm1", UUID_1)
    assert found is not None
    return found


QEMU = "/usr/bin/qemu-system-x86_64"
PASSWD = "root:x:0:0:::\nlibvirt-qemu:x:64055:994:::\nbroken\nbox:x:1500:1:::\nme:x:1000:1:::\n"


@pytest.mark.parametrize(
    ("uids", "configured", "taken"),
    [
        ((0, 0, 0, 0), "", True),
        ((64055,) * 4, "", True),
        ((os.geteuid(),) * 4, "", True),
        # Anybody's, whatever its command line says.
        ((1000,) * 4, "", False),
        # Started by a user, with a command line of his, as a program that is set-user-ID.
        ((1000, 0, 0, 0), "", False),
        ((1000, 64055, 64055, 64055), "", False),
        ((1500,) * 4, "", False),
        ((1500,) * 4, '#user = "me"\nuser = "box"\n', True),
        ((1000,) * 4, '#user = "me"\nuser = "box"\n', False),
        ((1600,) * 4, 'user = "+1600"', True),
    ],
)
def test_whose_process_may_be_a_domains(
    tmp_path: Path, uids: tuple[int, ...], configured: str, taken: bool
) -> None:
    for name, text in (("etc/passwd", PASSWD), ("etc/libvirt/qemu.conf", configured)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="ascii")
    process(tmp_path, 10, QEMU, "-uuid", str(UUID_1), uids=uids)
    assert bool(qemu_process.running(tmp_path).found) is taken
    # What libvirt has written down as its own may be any user's.
    pids = tmp_path / "run/libvirt/qemu"
    pids.mkdir(parents=True)
    (pids / "vm1.pid").write_text("10", encoding="ascii")
    assert the_one(tmp_path).pid == 10


def test_a_forged_process_does_not_take_a_domains_place(tmp_path: Path) -> None:
    process(tmp_path, 10, QEMU, "-uuid", str(UUID_1), "-machine", "pc-q35-7.2")
    process(tmp_path, 99, QEMU, "-uuid", str(UUID_1), "-machine", "forged", uids=(1000,) * 4)
    assert the_one(tmp_path).machine == "pc-q35-7.2"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("status", ""), ("status", "Uid:\tx\n"), ("stat", ""), ("stat", "10 (qemu) S 1"),
        ("cmdline", ""),
    ],
)  # fmt: skip
def test_what_proc_does_not_tell_makes_no_process(tmp_path: Path, file: str, text: str) -> None:
    process(tmp_path, 10, QEMU, "-uuid", str(UUID_1))
    (tmp_path / "proc/10" / file).write_text(text, encoding="ascii")
    assert qemu_process.running(tmp_path).found == ()


def test_a_clock_that_is_set_makes_no_other_process(tmp_path: Path) -> None:
    process(tmp_path, 10, QEMU, "-uuid", str(UUID_1))
    boot = tmp_path / "proc/sys/kernel/random"
    boot.mkdir(parents=True)
    (boot / "boot_id").write_text(f"{UUID(int=7)}\n", encoding="ascii")
    for uptime in ("100.0 1.0", "5000.0 1.0"):
        (tmp_path / "proc/uptime").write_text(uptime, encoding="ascii")
        assert the_one(tmp_path).process == f"{UUID(int=7)}:10:1000"


def test_words_of_a_command_line_are_bounded(tmp_path: Path) -> None:
    process(tmp_path, 10, QEMU, "-uuid", str(UUID_1), "-machine", "m" * 5000)
    assert the_one(tmp_path).machine == "m" * 255


def test_this_machines_processes_break_nothing() -> None:
    assert os.getpid() not in {found.pid for found in qemu_process.running().found}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"', "Debian 12"),
        ("ID=ubuntu\nVERSION_ID='24.04'", "Ubuntu 24.04"),
        ('ID="almalinux"\nPRETTY_NAME="AlmaLinux 9.4"', "AlmaLinux 9.4"),
        ("ID=debian\nVERSION_CODENAME=forky", "Debian forky"),
        ("# nothing\nbroken\nNAME='unclosed", None),
        ("", None),
    ],
)
def test_os_release(text: str, name: str | None) -> None:
    assert os_release.name(text) == name


def test_a_binary_of_no_package_has_none() -> None:
    assert packages.package_of("/nonexistent/qemu") is None


CAPABILITIES = """<capabilities><guest><os_type>hvm</os_type><arch name='x86_64'>
  <emulator>/usr/bin/qemu-system-x86_64</emulator>
  <machine maxCpus='255'>pc-i440fx-7.2</machine>
  <machine canonical='pc-i440fx-7.2' maxCpus='255'>pc</machine>
  <domain type='kvm'><emulator>/usr/bin/kvm</emulator>
    <machine canonical='pc-q35-7.2'>q35</machine></domain>
</arch></guest></capabilities>"""


def test_aliases_are_the_hosts_own() -> None:
    assert offers.aliases(CAPABILITIES) == {
        ("x86_64", "/usr/bin/qemu-system-x86_64"): {"pc": "pc-i440fx-7.2"},
        ("x86_64", "/usr/bin/kvm"): {"q35": "pc-q35-7.2"},
    }
    assert offers.aliases("no xml") == {}


def test_machine_types_that_a_host_offers() -> None:
    xml = CAPABILITIES.replace("maxCpus='255'>pc-i440fx-7.2", "deprecated='yes'>pc-i440fx-7.2")
    here = offers.offers(xml, "x86_64", "/usr/bin/qemu-system-x86_64")
    assert here == {
        "pc-i440fx-7.2": offers.Offer(canonical="pc-i440fx-7.2", deprecated=True, most_vcpus=255),
        "pc": offers.Offer(canonical="pc-i440fx-7.2", deprecated=True, most_vcpus=255),
    }
    # A type that is listed by an alias alone is offered by its own name too.
    kvm = offers.offers(xml, "x86_64", "/usr/bin/kvm")
    assert kvm is not None
    assert kvm["pc-q35-7.2"] == kvm["q35"]
    assert offers.offers(xml, "x86_64", "/usr/libexec/qemu-kvm") is None
    assert offers.offers(xml, "aarch64", "/usr/bin/qemu-system-x86_64") is None
    assert offers.host_uuid("<capabilities><host><uuid>u</uuid></host></capabilities>") == "u"
    assert offers.host_uuid(CAPABILITIES) is None


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("pc-i440fx-7.2", True), ("pc-q35-4.0.1", True), ("pc-1.3", True), ("virt-10.0", True),
        ("pc-q35-rhel9.2.0", True), ("rhel6.6.0", True), ("pc-q35-noble-v2", True),
        ("pc-i440fx-jammy-hpb-maxcpus", True), ("pc-q35-10.0+pve1", True), ("14.0.10", False),
        ("pc", False), ("q35", False), ("", False), ("OpenStack Nova", False), ("1.0", False),
    ],
)  # fmt: skip
def test_what_looks_like_a_machine_type(name: str, is_one: bool) -> None:
    assert type_names.is_machine_type(name) is is_one


def test_an_emulator_is_that_of_both_byte_orders() -> None:
    """libvirt lists QEMU's ppc64 for each by a name of its own; a domain may have either."""
    guests = "".join(
        f"<guest><arch name='{name}'><emulator>/usr/bin/qemu-system-{name}</emulator>"
        f"<machine>{machine}</machine></arch></guest>"
        for name, machine in (
            ("ppc64", "pseries-7.2"),
            ("ppc64le", "pseries-7.2"),
            ("armv7l", "virt-7.2"),
        )
    )
    xml = f"<capabilities>{guests}</capabilities>"
    for name in ("ppc64", "ppc64le"):
        for emulator in ("ppc64", "ppc64le"):
            assert set(offers.offers(xml, name, f"/usr/bin/qemu-system-{emulator}") or ()) == {
                "pseries-7.2"
            }
    # What libvirt lists nothing for here, it does not run.
    assert offers.offers(xml, "armv6l", "/usr/bin/qemu-system-armv7l") is None
    assert offers.offers(xml, "aarch64", "/usr/bin/qemu-system-armv7l") is None
