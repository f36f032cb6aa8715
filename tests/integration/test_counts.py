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
from host_agent.hypervisor.calls import version
from host_agent.hypervisor.guest_uuids import knows_hwuuid
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


@pytest.mark.parametrize(("active", "code"), [(False, 0), (True, 3)])
def test_calls_to_libvirt_of_a_host_and_of_each_domain(
    tmp_path: Path, calls: "Counter[str]", active: bool, code: int
) -> None:
    found = {}
    for number in (5, 20):
        uri = domains.uri(tmp_path, number, active=active)
        calls.clear()
        done = CliRunner().invoke(cli, ["audit", "-c", uri], standalone_mode=False)
        assert done.return_value == code, done.output
        found[number] = Counter({name: calls[name] for name in calls if name not in WITH_US})
    # Who runs is looked at for others of the same UUID, which newer libvirts tell by the XML alone.
    twins = active and knows_hwuuid(version(libvirt.getVersion()))
    of_a_domain = {**OF_A_DOMAIN, "virDomainGetXMLDesc": 1 + active + twins}
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


def folders(package: str, words: str) -> "Counter[str]":
    """How many modules of each of our folders a command loads."""
    loaded = modules.loaded(package, *words.split(), env=os.environ)
    ours = [name.split(".") for name in loaded]
    found = Counter(".".join(name[:2]) for name in ours if name[0] in OURS)
    assert found[f"{package}.cli"] == 1
    return found


@pytest.mark.parametrize("words", ["--version", "--help"])
def test_what_does_nothing_loads_nothing_but_the_door(words: str) -> None:
    found = folders("host_agent", words)
    assert found.total() <= 15, found
    assert not {"host_agent.verify", "host_agent.case", "host_agent.hypervisor"} & set(found)


def test_an_audit_loads_no_other_job() -> None:
    found = folders("host_agent", "audit -c test:///default")
    assert "host_agent.upgrade" not in found
    # Their facts, of which the output has words, and the folders themselves.
    assert max(found["host_agent.plan"], found["host_agent.migrate"]) <= 2
    assert not {"host_agent.atlas.code", "samemachine.v1.guest_pb2_grpc"} & set(found)
    # Each check is a module: what may not grow unseen is the rest.
    assert found.total() - found["host_agent.checks"] <= 180, found


def test_a_look_in_the_guest_loads_no_server() -> None:
    found = folders("guest_agent", "check")
    assert found.total() <= 45, found
    assert not {"guest_agent.worker", "guest_agent.service"} & set(found)
