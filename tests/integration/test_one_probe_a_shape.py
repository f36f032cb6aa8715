"""How often a QEMU is started for how many domains: counted by the QEMU."""

import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest

from host_agent.errors import EvidenceError
from host_agent.evidence.running import ProbedTables
from host_agent.firmware.fingerprint import SMBIOS
from host_agent.qemu import binary as qemu_binary
from host_agent.qemu.domain_probe import DomainProbe
from host_agent.qemu.options import ProbeOptions, from_command_line
from host_agent.qemu.probe_store import FingerprintStore
from tests.integration.scripted_qemu import write
from tests.smbios_builder import tables

STRUCTURE = tables(version="@@@@@@@@@@")


class Counter:
    """Hears of each start of a scripted QEMU, which shows its guest the given serial and UUID."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self._starts = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._starts.bind(f"\0samemachine-test-shape-{os.getpid()}-{id(self)}")
        here = "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)"
        self.binary = qemu_binary.installed(
            str(
                write(
                    folder,
                    "qemu = Qemu()",
                    f"{here}.sendto(b'1', {self._starts.getsockname()!r})",
                    *(lines or SHOWN),
                    "qemu.serve()",
                )
            )
        )

    def close(self) -> None:
        self._starts.close()

    def starts(self) -> int:
        self._starts.setblocking(False)
        number = 0
        while True:
            try:
                self._starts.recv(9)
            except BlockingIOError:
                return number
            number += 1


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Callable[..., Counter]]:
    made = []

    def count(*lines: str) -> Counter:
        made.append(Counter(tmp_path, *lines))
        return made[-1]

    yield count
    for one in made:
        one.close()


SHOWN = (
    "import uuid",
    "given = sys.argv",
    "serial = given[given.index('-smbios') + 1].partition('serial=')[2]",
    "own = uuid.UUID(given[given.index('-uuid') + 1])",
    f"shown = {STRUCTURE!r}.replace(b'@@@@@@@@@@', serial.encode())",
    "shown = shown.replace(uuid.UUID('00112233-4455-6677-8899-aabbccddeeff').bytes_le, own.bytes_le)",  # noqa: E501
    f"qemu.files[{SMBIOS!r}] = shown",
)


def options(number: int, machine: str = "pc-q35-2.0", *, starting: bool = False) -> ProbeOptions:
    uuid = UUID(int=number + (4 << 76) + (8 << 60))
    line = (
        "qemu", "-machine", machine, "-m", "64", "-uuid", str(uuid),
        "-smbios", f"type=1,serial=serial{number:04d}", "-rtc", "base=utc",
    )  # fmt: skip
    return from_command_line(line, "x86_64", starting=starting)


def asked(probe: DomainProbe, counter: Counter, wanted: list[ProbeOptions]) -> list[ProbedTables]:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda one: probe._tables(counter.binary, one), wanted))


def test_domains_of_five_shapes_are_five_probes(
    tmp_path: Path, counting: Callable[..., Counter]
) -> None:
    counter, store = counting(), FingerprintStore(tmp_path / "store")
    types = [f"pc-q35-2.{number}" for number in range(5)]
    domains = [options(number, types[number % 5]) for number in range(100)]
    found = asked(DomainProbe(2, store), counter, domains)
    assert counter.starts() == 5
    for one, given in zip(found, domains, strict=True):
        assert one.smbios is not None
        assert one.smbios.named.version == given.arguments[5].partition("serial=")[2]
        assert str(one.smbios.named.uuid) == given.arguments[3]
    # Another run of the program finds them on disk.
    assert asked(DomainProbe(2, store), counter, domains) == found
    assert counter.starts() == 0


def test_trying_a_start_tells_of_the_tables_of_now(
    tmp_path: Path, counting: Callable[..., Counter]
) -> None:
    counter = counting()
    probe = DomainProbe(2, FingerprintStore(tmp_path / "store"))
    start = asked(probe, counter, [options(1, starting=True)])
    assert asked(probe, counter, [options(1)]) == start
    assert counter.starts() == 1
    # Nor is it asked by another run of the program: after an upgrade it could not start any more.
    later = DomainProbe(2, FingerprintStore(tmp_path / "store"))
    assert asked(later, counter, [options(1), options(2)])[0] == start[0]
    assert counter.starts() == 0
    # What is compared as a whole is.
    later._probed(counter.binary, options(1))
    assert counter.starts() == 1
    # Not the other way: what QEMU refuses at a start was not asked.
    another = DomainProbe(2, FingerprintStore(tmp_path / "another"))
    asked(another, counter, [options(1), options(1, starting=True)])
    assert counter.starts() == 2


def test_one_that_shows_its_guest_something_else_is_asked_for_each_domain(
    tmp_path: Path, counting: Callable[..., Counter]
) -> None:
    counter = counting("qemu.features = 3")
    probe = DomainProbe(2, FingerprintStore(tmp_path / "store"))
    asked(probe, counter, [options(1), options(2)])
    assert counter.starts() == 3


def test_a_failure_is_all_of_a_shapes_until_it_is_looked_again(
    tmp_path: Path, counting: Callable[..., Counter]
) -> None:
    counter = counting("sys.exit('no luck')")
    probe = DomainProbe(2, FingerprintStore(tmp_path / "store"))
    for _ in range(2):
        for number in range(3):
            with pytest.raises(EvidenceError, match="no luck"):
                probe._tables(counter.binary, options(number))
        assert counter.starts() == 1
        probe.refreshed()
