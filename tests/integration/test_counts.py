"""What an audit costs, counted: calls to libvirt, bytes read of a QEMU, modules loaded.

How long all that takes ``python -m tests.bench`` measures; it differs from machine to machine. How
often a QEMU is started: test_one_probe_a_shape.py.
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import libvirt
import pytest
from click.testing import CliRunner

from host_agent.cli import cli
from host_agent.qemu import binary
from tests.bench import domains, modules

OF_A_HOST = {
    "virConnectOpen": 1,
    "virConnectSetKeepAlive": 1,
    "virConnectListAllDomains": 1,
    "virConnectGetHostname": 1,
    "virConnectGetType": 1,
    "virConnectGetLibVersion": 1,
    "virConnectGetVersion": 1,
    "virConnectGetCapabilities": 1,
    "virConnectClose": 1,
}
# Those that go to libvirtd; name, UUID and id are with us.
OF_A_DOMAIN = {"virDomainGetState": 1, "virDomainIsActive": 1, "virDomainIsPersistent": 1}
WITH_US = {"virDomainGetName", "virDomainGetUUIDString", "virDomainGetID", "virDomainFree"}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> "Counter[str]":
    """Every call of a connection and of a domain into libvirt's own library from here on."""
    counted: Counter[str] = Counter()

    def counting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any) -> Any:
            counted[name] += 1
            return function(*arguments)

        return called

    library = libvirt.libvirtmod
    for name, function in vars(library).items():
        if name.startswith(("virConnect", "virDomain")) and callable(function):
            monkeypatch.setattr(library, name, counting(name, function))
    return counted


@pytest.mark.parametrize(("active", "xmls", "code"), [(False, 1, 0), (True, 2, 3)])
def test_calls_to_libvirt_of_a_host_and_of_each_domain(
    tmp_path: Path, calls: "Counter[str]", active: bool, xmls: int, code: int
) -> None:
    found = {}
    for number in (5, 20):
        uri = domains.uri(tmp_path, number, active=active)
        calls.clear()
        done = CliRunner().invoke(cli, ["audit", "-c", uri], standalone_mode=False)
        assert done.return_value == code, done.output
        found[number] = Counter({name: calls[name] for name in calls if name not in WITH_US})
    of_a_domain = {**OF_A_DOMAIN, "virDomainGetXMLDesc": xmls}
    more = found[20] - found[5]
    assert {name: count / 15 for name, count in more.items()} == of_a_domain
    once = found[5] - Counter({name: count * 5 for name, count in of_a_domain.items()})
    assert once == OF_A_HOST


def bytes_read() -> int:
    """How many this process has read by now, but for this look (proc(5), io: rchar)."""
    text = Path("/proc/self/io").read_text(encoding="ascii")
    return int(text.split()[1])


def test_a_qemus_build_id_costs_little_and_once(tmp_path: Path) -> None:
    small = Path("/bin/sh").resolve()
    # What is imported for it is read, too.
    known = binary.installed(str(small)).identity.build_id
    large = tmp_path / "qemu"
    shutil.copy(small, large)
    os.truncate(large, 64 << 20)
    look = -bytes_read() + bytes_read()
    before = bytes_read()
    first = binary.installed(str(large))
    between = bytes_read()
    for _ in range(100):
        assert binary.installed(str(large)) == first
    after = bytes_read()
    assert first.identity.build_id == known
    assert between - before - look <= 64 * 1024
    # To see what file it is, its number is enough.
    assert after - between <= 2 * look


OURS = {"host_agent", "guest_agent", "samemachine"}


@pytest.mark.parametrize(
    ("package", "words", "most"),
    [
        ("host_agent", "--version", 13),
        ("host_agent", "--help", 13),
        ("host_agent", "audit -c test:///default", 185),
        ("guest_agent", "--version", 11),
        ("guest_agent", "check", 35),
    ],
)
def test_modules_of_ours_that_a_command_loads(package: str, words: str, most: int) -> None:
    """Lower a number where it has become less; one that rises needs a reason."""
    loaded = modules.loaded(package, *words.split(), env=os.environ)
    ours = [name for name in loaded if name.partition(".")[0] in OURS]
    assert len(ours) <= most, ours
