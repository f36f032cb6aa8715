"""A guest of s390x, which has no SMBIOS: verified by /proc/sysinfo and by its process."""

from collections.abc import Iterator

import pytest

from tests import architectures
from tests.lab import pace
from tests.lab.asking import audit
from tests.lab.foreign_guest import ForeignOptions
from tests.lab.guest import Guest
from tests.lab.host import Host
from tests.lab.test_before_and_after import finding, verify

MACHINE = "s390-ccw-virtio-10.0"


@pytest.fixture(scope="module")
def mainframe(host_b: Host) -> Iterator[Guest]:
    options = ForeignOptions(
        name="mainframe-of-ours",
        architecture="s390x",
        machine=MACHINE,
        edit=lambda xml: xml.replace("<vcpu>1<", "<vcpu current='1'>2<"),
    )
    guest = host_b.guest(options).start().wait_ready()
    yield guest
    guest.remove()


def test_it_is_verified_by_its_sysinfo_and_its_process(host_b: Host, mainframe: Guest) -> None:
    lines = mainframe.run("cat", "/proc/sysinfo").splitlines()
    shown = {key: text.strip() for key, _, text in (line.partition(":") for line in lines)}
    assert shown["VM00 UUID"] == mainframe.uuid == host_b.virsh("domuuid", mainframe.name)
    assert shown["VM00 Extended Name"] == mainframe.name
    # Nothing in it names a machine type.
    assert "10.0" not in str(shown)
    result = audit(host_b, mainframe.name)
    domain = result.domains[mainframe.name]
    assert (result.exit_code, domain["verdict"], domain["depth"]) == (0, "verified", "guest")
    for check in ("agent", "identity", "product", "running-qemu"):
        assert result.outcome(mainframe.name, check) == "pass", domain["findings"]
    said = result.finding(mainframe.name, "identity")["sentence"]
    assert "UUID and name in /proc/sysinfo" in said
    said = result.finding(mainframe.name, "machine-type")
    assert said["outcome"] == "unknown"
    assert "can't see the machine type" in said["sentence"]
    assert result.finding(mainframe.name, "running-qemu")["observed"] == MACHINE
    # It lacks nothing that a machine of its kind has.
    assert {one["check"] for one in domain["findings"] if one["outcome"] == "unknown"} == {
        "machine-type"
    }
    architectures.hold("s390x", "audit", architectures.of_audit(result, mainframe.name))


@pytest.mark.long("architectures")
def test_it_is_verified_again_after_a_restart(host_b: Host, mainframe: Guest) -> None:
    name = mainframe.name
    assert host_b.samemachine("baseline", name).returncode == 0
    # A stop and start: after a reset commands wait long for the agent that was reset.
    mainframe.destroy()
    mainframe.start().wait_ready()
    code, domains = verify(host_b, name, "--wait", pace.words(20))
    domain = domains[name]
    assert (code, domain["verdict"], domain["occasion"]) == (0, "verified", "restart"), domain
    for check in ("same-smbios", "same-cpu", "same-memory", "same-virtio", "same-network"):
        assert finding(domain, check)["outcome"] == "pass", finding(domain, check)
    architectures.hold("s390x", "restart", domain["verdict"])


@pytest.mark.long("architectures")
def test_a_processor_more_is_told_and_is_no_other_machine(host_b: Host, mainframe: Guest) -> None:
    name = mainframe.name
    host_b.virsh("setvcpus", name, "2", "--live")
    mainframe.run("sh", "-c", "echo 1 >/sys/devices/system/cpu/cpu1/online")
    _, domains = verify(host_b, name)
    domain = domains[name]
    assert finding(domain, "same-smbios")["outcome"] == "pass", domain
    assert finding(domain, "same-cpu")["outcome"] == "warn", domain
