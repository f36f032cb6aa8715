"""A real KVM domain: audited, its QEMU probed under KVM, and what the accelerator decides masked.

Firmware alone, since there are machines on which KVM runs no more than that.
"""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab import pace
from tests.lab.asking import audit
from tests.lab.host import Host
from tests.lab.test_audit import audited_when_booted
from tests.lab.test_upgrade import bare_xml

NAME = "accelerated"
_KVM = Path("/dev/kvm")


@pytest.fixture(scope="module")
def accelerated(host_a: Host) -> Iterator[str]:
    if not (_KVM.exists() and stat.S_ISCHR(_KVM.stat().st_mode)):
        pytest.skip("this machine has no /dev/kvm")
    xml = bare_xml(NAME, "pc-i440fx-7.2").replace("type='qemu'", "type='kvm'")
    host_a.run("virsh", "define", "/dev/stdin", text_input=xml)
    started = host_a.run("virsh", "start", NAME, check=False)
    if started.returncode:
        host_a.virsh("undefine", NAME)
        pytest.skip(f"KVM runs nothing here: {started.stderr.strip()}")
    yield NAME
    host_a.virsh("destroy", NAME)
    host_a.virsh("undefine", NAME)


def test_it_is_verified_by_memory_and_by_a_probe_under_kvm(host_a: Host, accelerated: str) -> None:
    result = audited_when_booted(host_a, accelerated)
    domain = result.domains[accelerated]
    assert (domain["verdict"], domain["depth"]) == ("verified", "memory"), domain["findings"]
    assert result.outcome(accelerated, "exact") == "pass", result.finding(accelerated, "exact")
    # Under KVM the processor's own identity is in the tables, and nothing had to be masked.
    assert domain["evidence"]["now"]["not_compared"] == []


@pytest.fixture
def without_kvm(host_a: Host) -> Iterator[None]:
    """The host's device is taken away, as in a build machine that looks at such a domain."""
    mode = stat.S_IMODE((host_a.root / "dev/kvm").stat().st_mode)
    host_a.run("mount", "--bind", "/dev/null", "/dev/kvm")
    yield
    host_a.run("umount", "/dev/kvm")
    assert stat.S_IMODE((host_a.root / "dev/kvm").stat().st_mode) == mode


def test_where_kvm_is_not_to_be_had_its_fields_are_masked(
    host_a: Host, accelerated: str, without_kvm: None
) -> None:
    host_a.run("rm", "-rf", "/var/cache/samemachine")
    result = audit(host_a, accelerated)
    now: dict[str, Any] = result.domains[accelerated]["evidence"]["now"]
    assert result.outcome(accelerated, "exact") == "pass", result.finding(accelerated, "exact")
    assert any("Processor" in field for field in now["not_compared"]), json.dumps(now)[:500]
    assert pace.measured() > 0
