"""Rehearsals of a host's domains, by a QEMU that a test writes: one for all of a shape."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast
from uuid import UUID, uuid5

import pytest

from host_agent.evidence.rehearsed import Rehearsed
from host_agent.evidence.what_guests_notice import Answer
from host_agent.missing import Missing, Reason
from host_agent.qemu import kept_rehearsal, options
from host_agent.qemu.domain_rehearsal import DomainRehearsal
from host_agent.qemu.rehearsal_store import RehearsalStore
from tests.integration.scripted_qemu import write
from tests.integration.test_probe_failures import nothing_is_left, open_folder
from tests.unit.host_agent.shared.cases import BASELINE, DEFINITION

if TYPE_CHECKING:
    from host_agent.domain.definition import Definition
    from host_agent.hypervisor import Hypervisor

__all__ = ["nothing_is_left", "open_folder"]

SPACE = UUID("00112233-4455-6677-8899-aabbccddeeff")
# A type 1 structure with the UUID that it was started with, as QEMU writes one.
OWN_UUID = """
import uuid
given = uuid.UUID(sys.argv[sys.argv.index("-uuid") + 1]).bytes_le
system = bytes([1, 27, 0, 1, 1, 2, 0, 0]) + given + bytes(3) + b"QEMU\\0Q35\\0\\0"
tables = system + bytes([127, 4, 0, 0x7F, 0, 0])
anchor = bytearray(qemu.left[SMBIOS_AT])
anchor[0x16:0x18] = len(tables).to_bytes(2, "little")
anchor[4] = 0
anchor[4] = -sum(anchor) % 256
qemu.left |= {SMBIOS_AT: bytes(anchor), SMBIOS_AT + 0x20: tables}
"""


@dataclass(frozen=True)
class Native:
    """A libvirt that is asked for command lines alone: the XML is the number of a domain."""

    shapes: int

    def native_arguments(self, xml: str) -> tuple[str, ...]:
        number = int(xml)
        uuid, mac = uuid5(SPACE, xml), f"52:54:00:00:00:{number:02x}"
        slot = number % self.shapes + 3
        return (
            *f"qemu -machine pc-q35-9.0 -accel tcg -m 8 -smp 1 -uuid {uuid}".split(),
            "-netdev",
            "user,id=a",
            "-device",
            f"e1000,netdev=a,id=net0,mac={mac},addr={slot:#x}",
        )


def definition(qemu: Path) -> "Definition":
    return replace(DEFINITION, emulator=str(qemu), architecture="x86_64")


def rehearsed(
    rehearsal: DomainRehearsal, qemu: Path, xml: str, shapes: int = 1
) -> Rehearsed | Missing:
    hypervisor = cast("Hypervisor", Native(shapes))
    return rehearsal.of_xml(hypervisor, definition(qemu), xml)


@pytest.fixture
def store(tmp_path: Path) -> RehearsalStore:
    return RehearsalStore(tmp_path / "kept")


@dataclass(frozen=True)
class Counting:
    """A QEMU that writes down each start."""

    qemu: Path
    file: Path

    @classmethod
    def write(cls, folder: Path, *lines: str) -> "Counting":
        file = folder / "starts"
        file.touch()
        file.chmod(0o666)
        count = f"open({str(file)!r}, 'a').write('x')"
        return cls(write(folder, "qemu = Qemu()", count, *lines, "qemu.serve()"), file)

    @property
    def starts(self) -> int:
        return len(self.file.read_text(encoding="ascii"))


def test_a_host_of_two_hundred_domains_of_five_shapes(
    open_folder: Path, store: RehearsalStore
) -> None:
    counting = Counting.write(open_folder, OWN_UUID)

    def all_of_them() -> list[Rehearsed | Missing]:
        rehearsal = DomainRehearsal(at_once=2, store=store)
        with ThreadPoolExecutor(8) as pool:
            return list(
                pool.map(lambda n: rehearsed(rehearsal, counting.qemu, str(n), 5), range(200))
            )

    found = all_of_them()
    assert counting.starts == 5
    for number, one in enumerate(found):
        assert isinstance(one, Rehearsed)
        assert one.smbios is not None
        # Each domain has its own of the tables that were made for all.
        assert one.smbios.named.uuid == uuid5(SPACE, str(number))
    # Another run of the program finds them on disk.
    assert all_of_them() == found
    assert counting.starts == 5


def test_another_firmware_is_another_rehearsal(open_folder: Path, store: RehearsalStore) -> None:
    folder = open_folder / "share/seabios"
    folder.mkdir(parents=True)
    (folder / "bios-256k.bin").write_bytes(b"one")
    (open_folder / "bin").mkdir()
    (open_folder / "bin").chmod(0o755)
    counting = Counting.write(open_folder / "bin")

    def once() -> None:
        assert isinstance(rehearsed(DomainRehearsal(store=store), counting.qemu, "1"), Rehearsed)

    once()
    (folder / "README").touch()
    once()
    assert counting.starts == 1
    (folder / "bios-256k.bin").write_bytes(b"another")
    once()
    assert counting.starts == 2


def test_a_damaged_one_is_made_anew(
    open_folder: Path, store: RehearsalStore, tmp_path: Path
) -> None:
    counting = Counting.write(open_folder)
    found = rehearsed(DomainRehearsal(store=store), counting.qemu, "1")
    (file,) = (tmp_path / "kept").iterdir()
    whole = file.read_bytes()
    for damage in (whole[:-20], b"{}", gzip.compress(b"[]"), _without_tables(whole)):
        file.write_bytes(damage)
        assert rehearsed(DomainRehearsal(store=store), counting.qemu, "1") == found
        assert rehearsed(DomainRehearsal(store=store), counting.qemu, "1") == found
    assert counting.starts == 5


def _without_tables(whole: bytes) -> bytes:
    form = json.loads(gzip.decompress(whole))
    form["found"]["acpi"] = [[0, "AAAA"]]
    return gzip.compress(json.dumps(form).encode())


def test_what_was_asked_of_another_machine_is_not_taken(
    open_folder: Path, store: RehearsalStore, tmp_path: Path
) -> None:
    counting = Counting.write(open_folder)
    rehearsed(DomainRehearsal(store=store), counting.qemu, "1", 2)
    (file,) = (tmp_path / "kept").iterdir()
    other = file.read_bytes()
    rehearsed(DomainRehearsal(store=store), counting.qemu, "2", 2)
    for one in (tmp_path / "kept").iterdir():
        one.write_bytes(other)
    rehearsed(DomainRehearsal(store=store), counting.qemu, "2", 2)
    assert counting.starts == 3


def test_so_many_are_kept_and_no_more(open_folder: Path, tmp_path: Path) -> None:
    counting = Counting.write(open_folder)
    store = RehearsalStore(tmp_path / "kept", most=3)
    for number in range(6):
        rehearsed(DomainRehearsal(store=store), counting.qemu, str(number), 6)
    assert len(list((tmp_path / "kept").iterdir())) == 3


@pytest.mark.parametrize(
    ("emulator", "reason"), [(None, Reason.ABSENT), ("/nonexistent/qemu", Reason.ABSENT)]
)
def test_without_a_binary_nothing_is_rehearsed(emulator: str | None, reason: Reason) -> None:
    hypervisor = cast("Hypervisor", Native(1))
    changed = replace(DEFINITION, emulator=emulator, architecture="x86_64")
    missing = DomainRehearsal().of_xml(hypervisor, changed, "1")
    assert isinstance(missing, Missing)
    assert missing.reason is reason


def test_what_a_baseline_keeps_is_rehearsed(open_folder: Path, store: RehearsalStore) -> None:
    """The second domain's definition has been changed to the first one's since."""
    counting = Counting.write(open_folder, OWN_UUID)
    hypervisor = cast("Hypervisor", Native(2))
    words = Native(2).native_arguments("1")
    before = replace(
        BASELINE,
        options=options.to_text(options.from_command_line(words, "x86_64")),
        devices=kept_rehearsal.of_command_line(words, "x86_64"),
    )
    rehearsal = DomainRehearsal(store=store)
    today = definition(counting.qemu)
    found = rehearsal.of_baseline(hypervisor, today, "2", before)
    assert found == rehearsed(rehearsal, counting.qemu, "1", 2)
    assert counting.starts == 1
    for text, reason in ((None, Reason.ABSENT), ("x", Reason.FAILED)):
        for damaged in (replace(before, options=text), replace(before, devices=text)):
            missing = rehearsal.of_baseline(hypervisor, today, "2", damaged)
            assert isinstance(missing, Missing)
            assert missing.reason is reason
    assert counting.starts == 1


def test_what_fails_is_said_to_all(open_folder: Path, store: RehearsalStore) -> None:
    qemu = write(open_folder, "sys.exit('qemu: no luck')")
    rehearsal = DomainRehearsal(store=store)
    for _ in range(2):
        missing = rehearsed(rehearsal, qemu, "1")
        assert isinstance(missing, Missing)
        assert "no luck" in missing.sentence


def test_what_two_definitions_make_is_compared(open_folder: Path, store: RehearsalStore) -> None:
    place = "qemu.config[8] = 0x06000000 | ('addr=0x4' in ' '.join(sys.argv))"
    qemu = write(open_folder, "qemu = Qemu()", place, "qemu.serve()")
    hypervisor = cast("Hypervisor", Native(2))
    found = DomainRehearsal(store=store).differences(hypervisor, definition(qemu), "2", "3")
    assert not isinstance(found, Missing)
    assert {str(one) for one in found} == {
        f"PCI 0000:{place}: revision 0 -> 1" for place in ("00:00.0", "00:01.0", "01:02.0")
    }
    windows, *_ = DomainRehearsal().noticed(hypervisor, definition(qemu), "2", "3")
    assert windows.answer is Answer.YES
    assert "another one, by its identification" in windows.because
    assert DomainRehearsal().noticed(hypervisor, definition(Path("/nonexistent")), "2", "3") == ()
