"""QEMU itself, probed, and the guest's own eyes: the same bytes."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from host_agent.firmware import smbios
from tests import shown
from tests.lab import pace
from tests.lab.asking import audit
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host
from tests.lab.images import NEWER

_NOVA = {
    "bios": {"vendor": "SeaBIOS", "version": "1.16"},
    "system": {
        "manufacturer": "OpenStack Foundation",
        "product": "OpenStack, Nova",
        "version": "26.1.0",
        "serial": "9e02-7c1f",
        "family": "Virtual Machine",
    },
    "chassis": {"asset": "rack 7"},
}


def _with_oem_strings(xml: str) -> str:
    strings = "<entry>io.systemd.credential:a=b,c</entry><entry>second</entry>"
    return xml.replace("</sysinfo>", f"<oemStrings>{strings}</oemStrings></sysinfo>")


# Every value of every dimension, in as few boots as that takes.
GUESTS = (
    GuestOptions(name="e1", machine="pc-i440fx-7.2", vcpus=1, memory=512, cpu="qemu64"),
    GuestOptions(
        name="e2", machine="pc-q35-7.2", vcpus=4, memory=3072, cpu="Nehalem", sysinfo=_NOVA,
        edit=_with_oem_strings,
    ),
    GuestOptions(name="e3", machine="pc-q35-7.2", uefi=True, vcpus=4, memory=512, cpu="max"),
    GuestOptions(name="e4", machine="pc-i440fx-7.2", vcpus=4, memory=3072, cpu="max"),
    GuestOptions(name="e5", machine="pc-q35-7.2", vcpus=1, memory=512, cpu="Nehalem"),
    GuestOptions(
        name="e6", machine="pc-q35-7.2", uefi=True, vcpus=1, memory=3072, cpu="qemu64",
        sysinfo=_NOVA, edit=_with_oem_strings,
    ),
)  # fmt: skip


# These two have both values of every dimension but the family.
_ONCE = [options for options in GUESTS if options.name == "e6"]


@pytest.mark.parametrize(
    "options", shown.rows(GUESTS, _ONCE, "rehearsal"), ids=lambda options: options.name
)
def test_probe_and_guest_agree_byte_for_byte(
    host_a: Host, new_guest: Callable[[GuestOptions], Guest], options: GuestOptions
) -> None:
    new_guest(options).start().wait_ready()
    result = audit(host_a, options.name, "--timeout", pace.words(30))
    domain = result.domains[options.name]
    assert (domain["verdict"], domain["depth"]) == ("verified", "guest"), domain["findings"]
    for check in ("exact", "next-boot", "next-start", "stale-qemu"):
        assert result.outcome(options.name, check) == "pass", result.finding(options.name, check)
    evidence = domain["evidence"]
    live, now = evidence["guest"]["live"], evidence["now"]
    assert live["tables"] == now["tables"]
    assert now["not_compared"] == []
    # What the guest booted with is that, and the firmware's own type 0 where QEMU gives none.
    assert _without_firmwares_own(_bytes(evidence["guest"]["booted"])) == _without_firmwares_own(
        _bytes(now)
    )
    if options.sysinfo:
        assert b"OpenStack, Nova" in _bytes(now)
        assert b"io.systemd.credential:a=b,c" in _bytes(now)


def _bytes(view: dict[str, Any]) -> bytes:
    return base64.b64decode(view["tables"])


def _without_firmwares_own(tables: bytes) -> list[bytes]:
    structures = smbios.split(tables).structures
    return [structure.build() for structure in structures if structure.type not in {0, 127}]


def test_other_tables_than_qemus_are_named(
    host_a: Host, new_guest: Callable[[GuestOptions], Guest]
) -> None:
    guest = new_guest(GuestOptions(name="other")).start().wait_ready()
    guest.run(
        "sh",
        "-ec",
        "cd /sys/firmware/qemu_fw_cfg/by_name/etc/smbios/smbios-tables; "
        "sed 's/pc-i440fx-7.2/pc-i440fx-7.1/' raw >/tmp/tables; mount --bind /tmp/tables raw",
    )
    result = audit(host_a, "other")
    finding = result.finding("other", "exact")
    assert (result.exit_code, finding["outcome"]) == (1, "fail")
    changed = "SMBIOS type 1 System: Version 'pc-i440fx-7.2' -> 'pc-i440fx-7.1'"
    assert changed in finding["sentence"]


@pytest.mark.long("rehearsal")
def test_the_rules_speak_where_no_probe_does(host_a: Host, fleet: dict[str, Guest]) -> None:
    with_probe, without = audit(host_a, "i440fx"), audit(host_a, "i440fx", "--no-probe")
    assert "by probe" in with_probe.finding("i440fx", "product")["sentence"]
    assert "by rule" in without.finding("i440fx", "product")["sentence"]
    assert without.outcome("i440fx", "exact") == "unknown"
    assert without.domains["i440fx"]["verdict"] == "verified"


def test_the_next_start_is_forecast_and_reserves_nothing(
    host_a: Host, new_guest: Callable[[GuestOptions], Guest]
) -> None:
    guest = new_guest(GuestOptions(name="grown", channel=False, agent=False)).start()
    terabyte = (
        guest.options.xml()
        .replace(
            "<memory unit='MiB'>512</memory>",
            "<memory unit='TiB'>1</memory>"
            "<memoryBacking><source type='memfd'/><access mode='shared'/>"
            "<allocation mode='immediate'/></memoryBacking>",
        )
        .replace(
            "<devices>",
            "<cpu mode='custom'><model>qemu64</model>"
            "<maxphysaddr mode='emulate' bits='42'/></cpu><devices>",
        )
    )
    host_a.run("virsh", "define", "/dev/stdin", text_input=terabyte)
    guest.wait_ready()
    result = audit(host_a, "grown")
    finding = result.finding("grown", "next-start")
    assert finding["outcome"] == "warn", finding
    assert "Extended Size (MiB)" in finding["sentence"] or "type 17" in finding["sentence"]
    assert result.outcome("grown", "exact") == "pass"
    assert result.outcome("grown", "next-boot") == "pass"


def test_a_qemu_package_is_upgraded_under_running_guests(host_c: Host) -> None:
    """A real package upgrade, 7.2 to 10.0; the old binary's file is gone, its process runs on."""
    options = GuestOptions(name="stale")
    guest = host_c.guest(options).start().wait_ready()
    # Nobody asked about it before, and a TCG build can't run without its modules, which are gone.
    unseen = host_c.guest(GuestOptions(name="unseen", vcpus=2)).start().wait_ready()
    before = audit(host_c, "stale")
    for check in ("stale-qemu", "exact"):
        assert before.outcome("stale", check) == "pass", before.finding("stale", check)
    host_c.run("sh", "-ec", f"dpkg --install {NEWER}/*.deb", timeout=300)
    after = audit(host_c)
    for name in ("stale", "unseen"):
        assert after.outcome(name, "stale-qemu") == "warn"
        assert after.domains[name]["evidence"]["running"]["binary_replaced"] is True
        forecast = after.finding(name, "next-start")
        assert forecast["outcome"] == "warn", forecast
        assert "Processor Family 0x01 -> 0xfe" in forecast["sentence"]
    assert after.exit_code == 0
    assert after.outcome("stale", "exact") == "pass", after.finding("stale", "exact")
    lost = after.finding("unseen", "exact")
    assert lost["outcome"] == "unknown"
    assert "could not load module" in lost["sentence"]
    assert "before an upgrade" in lost["remedy"]
    for name in ("stale", "unseen"):
        assert after.outcome(name, "next-boot") == "pass"
    # What was forecast comes true.
    guest.destroy()
    guest.start().wait_ready()
    started = audit(host_c, "stale")
    assert started.outcome("stale", "stale-qemu") == "pass"
    for check in ("exact", "next-boot", "next-start"):
        assert started.outcome("stale", check) == "pass", started.finding("stale", check)
    now = after.domains["stale"]["evidence"]["next_start"]["sha256"]
    assert started.domains["stale"]["evidence"]["guest"]["live"]["sha256"] == now
    unseen.remove()
    guest.remove()
