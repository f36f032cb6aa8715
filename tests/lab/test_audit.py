"""The main job: real guests on a real host, held against virsh and dmidecode."""

import re
import time
from collections.abc import Callable

import pytest

from tests.lab import pace
from tests.lab.asking import Audit, audit
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.processes import until
from tests.lab.test_upgrade import bare_xml


@pytest.mark.parametrize("name", ["i440fx", "q35"])
def test_a_guest_is_verified_by_booted_and_live_evidence(
    host_a: Host, fleet: dict[str, Guest], name: str
) -> None:
    result = audit(host_a, name)
    domain = result.domains[name]
    assert (result.exit_code, domain["verdict"], domain["depth"]) == (0, "verified", "guest")
    for check in (
        "agent",
        "identity",
        "machine-type",
        "machine-type-live",
        "product",
        "running-qemu",
        "pending-change",
        "alias",
    ):
        assert result.outcome(name, check) == "pass", result.finding(name, check)
    machine = re.search(r"machine='([^']+)'", fleet[name].xml())
    assert machine is not None
    dmidecode = {
        word: fleet[name].run("dmidecode", "-s", f"system-{word}").strip()
        for word in ("manufacturer", "product-name", "version", "uuid")
    }
    for view in ("booted", "live", "dmi"):
        seen = domain["evidence"]["guest"][view]
        assert seen["version"] == machine[1] == dmidecode["version"]
        assert seen["product"] == dmidecode["product-name"]
        assert seen["manufacturer"] == dmidecode["manufacturer"]
        assert seen["uuid"] == host_a.virsh("domuuid", name) == dmidecode["uuid"]


def test_the_guests_libraries_are_debians_own(fleet: dict[str, Guest]) -> None:
    versions = fleet["i440fx"].run(
        "python3",
        "-c",
        "import grpc, google.protobuf as p; print(grpc.__version__, p.__version__, p.__file__)",
    )
    assert versions.split()[:2] == ["1.51.1", "4.21.12"]
    assert "/usr/lib/python3/dist-packages" in versions


def test_a_host_without_agents_is_audited_by_memory(host_a: Host, fleet: dict[str, Guest]) -> None:
    result = audit(host_a, "bare")
    domain = result.domains["bare"]
    assert (result.exit_code, domain["verdict"], domain["depth"]) == (0, "verified", "memory")
    for check in ("identity", "machine-type", "product", "running-qemu"):
        assert result.outcome("bare", check) == "pass"
    assert result.outcome("bare", "agent") == "skip"


@pytest.mark.parametrize("name", ["i440fx", "q35", "bare"])
def test_memory_holds_what_the_guests_kernel_shows(
    host_a: Host, fleet: dict[str, Guest], name: str
) -> None:
    shown = fleet[name].run("sha256sum", "/sys/firmware/dmi/tables/DMI").split()[0]
    assert audit(host_a, name).domains[name]["evidence"]["memory"]["sha256"] == shown


def test_uefi_leaves_its_tables_where_they_must_be_searched_for(
    host_a: Host, new_guest: Callable[[GuestOptions], Guest]
) -> None:
    guest = new_guest(GuestOptions(name="uefi", machine="pc-q35-7.2", uefi=True))
    host_a.virsh("start", "--paused", "uefi")
    before = audit(host_a, "uefi")
    assert before.outcome("uefi", "machine-type") == "unknown"
    assert "UEFI" in before.finding("uefi", "machine-type")["sentence"]
    host_a.virsh("resume", "uefi")
    guest.wait_ready()
    # The EFI system table names the entry point, above 1 MiB and at another place each time.
    place = re.search(r"SMBIOS=(0x[0-9a-f]+)", guest.run("dmesg"))
    assert place is not None
    assert int(place[1], 16) > 1 << 20
    after = audit(host_a, "uefi")
    assert after.domains["uefi"]["verdict"] == "verified"
    assert after.domains["uefi"]["depth"] == "guest"
    live = after.domains["uefi"]["evidence"]["guest"]["live"]
    assert live["version"] == "pc-q35-7.2"
    # Its guest has told them.
    assert after.domains["uefi"]["evidence"]["memory"]["missing"] == "unsupported"
    shown = guest.run("sha256sum", "/sys/firmware/dmi/tables/DMI").split()[0]
    guest.stop_agent()
    host_a.virsh("suspend", "uefi")
    alone = audit(host_a, "uefi").domains["uefi"]
    assert alone["evidence"]["memory"]["sha256"] == shown
    assert alone["depth"] == "memory"
    assert {one["outcome"] for one in alone["findings"] if one["check"] == "exact"} == {"pass"}


def test_a_uefi_guest_without_an_agent_that_hangs_is_verified_by_memory(
    host_a: Host, new_guest: Callable[[GuestOptions], Guest]
) -> None:
    options = GuestOptions(name="hung", machine="pc-q35-7.2", uefi=True, channel=False, agent=False)
    guest = new_guest(options).start().wait_ready()
    shown = guest.run("sha256sum", "/sys/firmware/dmi/tables/DMI").split()[0]
    # Its kernel stops, and nothing in it answers any more, once this command has.
    guest.run("sh", "-c", "(sleep 1; echo c > /proc/sysrq-trigger) > /dev/null 2>&1 &")
    until(lambda: "Kernel panic" in guest.console())
    assert host_a.virsh("domstate", "hung") == "running"
    result = audit(host_a, "hung")
    domain = result.domains["hung"]
    assert (domain["verdict"], domain["depth"]) == ("verified", "memory")
    assert domain["evidence"]["memory"]["sha256"] == shown
    assert result.outcome("hung", "exact") == "pass"


def test_overrides_of_sysinfo_are_expected(
    host_a: Host, new_guest: Callable[[GuestOptions], Guest]
) -> None:
    sysinfo = {
        "system": {
            "manufacturer": "OpenStack Foundation",
            "product": "OpenStack Nova",
            "version": "26.1.0",
            "family": "Virtual Machine",
        }
    }
    guest = new_guest(GuestOptions(name="nova", channel=False, agent=False, sysinfo=sysinfo))
    guest.start()
    result = audited_when_booted(host_a, "nova")
    assert result.domains["nova"]["verdict"] == "verified"
    assert "chassis version" in result.finding("nova", "machine-type")["sentence"]
    assert result.finding("nova", "product")["observed"] == "OpenStack Nova"


def test_a_sysinfo_that_names_another_machine_type_is_a_mismatch(
    host_a: Host, new_guest: Callable[[GuestOptions], Guest]
) -> None:
    options = GuestOptions(
        name="liar", channel=False, agent=False, sysinfo={"system": {"version": "pc-q35-9.2"}}
    )
    new_guest(options).start()
    result = audited_when_booted(host_a, "liar")
    assert (result.exit_code, result.domains["liar"]["verdict"]) == (1, "mismatch")
    finding = result.finding("liar", "machine-type")
    assert finding["outcome"] == "fail"
    assert (finding["expected"], finding["observed"]) == ("pc-i440fx-7.2", "pc-q35-9.2")


def test_an_edited_persistent_type_is_a_pending_change(
    host_a: Host, new_guest: Callable[[GuestOptions], Guest]
) -> None:
    guest = new_guest(GuestOptions(name="edited", channel=False, agent=False)).start()
    changed = guest.options.xml().replace("pc-i440fx-7.2", "pc-i440fx-7.1")
    host_a.run("virsh", "define", "/dev/stdin", text_input=changed)
    result = audited_when_booted(host_a, "edited")
    finding = result.finding("edited", "pending-change")
    assert (result.exit_code, finding["outcome"]) == (0, "warn")
    assert (finding["expected"], finding["observed"]) == ("pc-i440fx-7.1", "pc-i440fx-7.2")
    assert result.outcome("edited", "machine-type") == "pass"


def test_a_host_shows_its_own_names_first(host_a: Host, fleet: dict[str, Guest]) -> None:
    done = host_a.samemachine("audit", "i440fx")
    first = done.stdout.splitlines()[0]
    for part in ("hosta", "Debian 12", "QEMU 7.2", "qemu-system-x86", "libvirt 9.0.0"):
        assert part in first


def test_show_puts_the_views_side_by_side(host_a: Host, fleet: dict[str, Guest]) -> None:
    done = host_a.samemachine("show", "q35")
    assert done.returncode == 0, done.stderr
    assert re.search(r"machine type +pc-q35-7.2 +same +same +same", done.stdout)


@pytest.mark.parametrize("machine", ["pc-i440fx-7.2", "pc-q35-7.2"])
def test_tables_too_long_for_the_first_mebibyte_are_read_where_they_lie(
    host_a: Host, machine: str
) -> None:
    name = f"sockets-{machine}"
    xml = bare_xml(name, machine).replace("<vcpu>1<", "<vcpu>6<")
    host_a.run("virsh", "create", "/dev/stdin", text_input=xml)
    try:
        result = audited_when_booted(host_a, name)
    finally:
        host_a.virsh("destroy", name)
    domain = result.domains[name]
    assert (domain["verdict"], domain["depth"]) == ("verified", "memory"), domain["findings"]
    assert result.outcome(name, "exact") == "pass", result.finding(name, "exact")


def audited_when_booted(host: Host, name: str) -> Audit:
    """Audit until the firmware has left its tables, which takes it some seconds."""
    deadline = time.monotonic() + pace.stretched(60)
    while time.monotonic() < deadline:
        result = audit(host, name)
        if "missing" not in result.domains[name]["evidence"]["memory"]:
            return result
    raise AssertionError(f"{name}: {result.domains[name]['evidence']['memory']}")


def test_the_test_driver_needs_no_root(host_b: Host) -> None:
    command = host_b.samemachine_command("audit", "-c", "test:///default")
    done = host_b.run(
        "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command, check=False
    )
    assert done.returncode == 3, done.stderr
    assert "nothing can be asked" in done.stdout
