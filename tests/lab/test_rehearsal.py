"""A rehearsal, and what a real guest's kernel shows: the same tables, the same functions."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests import json_output, shown
from tests.lab import pace
from tests.lab.asking import audit
from tests.lab.guest import Guest, GuestOptions
from tests.lab.host import Host

_MORE = """
    <controller type='scsi' model='virtio-scsi'/>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/>
      <source file='/lab/data.raw'/><target dev='sda' bus='scsi'/><readonly/></disk>
    <interface type='user'><mac address='52:54:00:18:00:01'/><model type='virtio'/></interface>
    <interface type='user'><mac address='52:54:00:18:00:02'/><model type='e1000'/></interface>
    <controller type='usb' model='qemu-xhci'/>
    <input type='tablet' bus='usb'/>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <video><model type='vga'/></video><graphics type='vnc' port='-1'/>
  </devices>"""
_BRIDGE = {
    "i440fx": """<controller type='pci' index='0' model='pci-root'/>
    <controller type='pci' index='1' model='pci-bridge'/></devices>""",
    "q35": """<controller type='pci' index='0' model='pcie-root'/>
    <controller type='pci' index='1' model='pcie-root-port'/>
    <controller type='pci' index='2' model='pcie-to-pci-bridge'/></devices>""",
}
_NUMA = """<cpu mode='custom'><model>qemu64</model><numa>
    <cell id='0' cpus='0-1' memory='256' unit='MiB'/>
    <cell id='1' cpus='2-3' memory='256' unit='MiB'/></numa></cpu>"""

_DRIVERS = "virtio_rng", "virtio_scsi", "virtio_net", "cpuid"
_VIRTIO, _REGISTERS = 6, 8
"""Disk, disk, serial, SCSI, card, entropy; feature words that QEMU 7.2 tells and a guest shows."""


def _with_devices(xml: str) -> str:
    kind = "q35" if "q35" in xml else "i440fx"
    more = xml.replace("<controller type='usb' model='none'/>", "")
    return more.replace("</devices>", _BRIDGE[kind]).replace("</devices>", _MORE)


def _with_nodes(xml: str) -> str:
    cpu = "<cpu mode='custom'><model>qemu64</model></cpu>"
    return _with_devices(xml).replace(cpu, _NUMA)


_SYSINFO = {
    "bios": {"vendor": "Lab", "version": "1.0"},
    "system": {"manufacturer": "OpenStack Foundation", "product": "Nova", "serial": "s/1"},
    "baseBoard": {"manufacturer": "Lab", "product": "board"},
    "chassis": {"asset": "OpenStack Nova"},
}
# Chipset and firmware by number of vCPUs; those with four have NUMA nodes.
GUESTS = (
    GuestOptions(name="re-440", machine="pc-i440fx-7.2", edit=_with_devices),
    GuestOptions(name="re-q35", machine="pc-q35-7.2", vcpus=4, cpu="qemu64", edit=_with_nodes),
    GuestOptions(
        name="re-uefi", machine="pc-q35-7.2", uefi=True, edit=_with_devices, sysinfo=_SYSINFO
    ),
    GuestOptions(
        name="re-440-4", machine="pc-i440fx-5.2", vcpus=4, cpu="qemu64", edit=_with_nodes,
        sysinfo=_SYSINFO,
    ),
    GuestOptions(name="re-q35-1", machine="pc-q35-6.0", cpu="max", edit=_with_devices),
    GuestOptions(
        name="re-uefi-4", machine="pc-q35-6.2", uefi=True, vcpus=4, cpu="qemu64", edit=_with_nodes
    ),
)  # fmt: skip


def rehearsed(host: Host, *arguments: str) -> dict[str, Any]:
    """Rehearse a domain and read the JSON; its exit code must be the command's."""
    # The option takes no more than an hour.
    hour = str(min(3600, round(pace.stretched(120))))
    waits = ("--timeout", pace.words(30), "--rehearsal-timeout", hour)
    done = host.samemachine("rehearse", *arguments, "--format", "json", *waits)
    assert done.stdout, done.stderr
    form = dict(json_output.read(done.stdout))
    assert form["exit_code"] == done.returncode
    return form


@pytest.mark.parametrize(
    "options", shown.rows(GUESTS, GUESTS[2:3], "rehearsal"), ids=lambda options: options.name
)
def test_rehearsal_and_guest_agree_byte_for_byte(
    host_a: Host, new_guest: Callable[[GuestOptions], Guest], options: GuestOptions
) -> None:
    guest = new_guest(options).start().wait_ready()
    guest.run("modprobe", "-a", *_DRIVERS)
    form = rehearsed(host_a, options.name)
    assert form["exit_code"] == 0, form
    found = form["guest"]
    assert found["differences"] == []
    assert found["smbios"] is True
    # The boot picture's place is the firmware's own affair.
    left = ["BGRT"] if options.uefi else []
    assert [one.partition(":")[0] for one in found["not_compared"]] == left
    shown = {
        name: guest.run("sha256sum", f"/sys/firmware/acpi/tables/{name}").split()[0]
        for name in found["tables"]
    }
    made = {table["signature"]: table["sha256"] for table in form["now"]["acpi"]}
    assert {"DSDT", "FACP", "APIC", "HPET"} <= shown.keys()
    assert shown == {name: made[name] for name in shown}
    assert found["functions"] == len(guest.run("ls", "/sys/bus/pci/devices").split())
    # What the drivers took is offered, bit by bit, and the CPU answers as it was told.
    assert found["virtio"] == len(guest.run("ls", "/sys/bus/virtio/devices").split()) >= _VIRTIO
    assert found["cpu"] is True
    assert found["registers"] >= _REGISTERS
    assert form["now"]["cpu"]["vcpus"] == options.vcpus
    assert {one["answer"] for one in form["notices"]} == {"no"}
    assert form["now"]["not_rehearsed"] == []
    # The next start is of the same QEMU and the same definition.
    assert form["changes"] == []
    judged = audit(host_a, options.name, "--rehearse")
    assert judged.outcome(options.name, "whole-machine") == "pass"
    # And without the agent, by memory.
    guest.stop_agent()
    alone = rehearsed(host_a, options.name)
    assert alone["guest"]["differences"] == []
    assert alone["guest"]["tables"] == found["tables"]
    assert alone["guest"]["smbios"] is True
    assert alone["guest"]["functions"] == alone["guest"]["virtio"] == 0
    assert alone["guest"]["cpu"] is False


def test_what_another_machine_type_changes_comes_true(
    host_a: Host, new_guest: Callable[[GuestOptions], Guest]
) -> None:
    options = GuestOptions(name="raised", machine="pc-i440fx-6.0", edit=_with_devices)
    guest = new_guest(options).start().wait_ready()
    forecast = rehearsed(host_a, "raised", "--machine", "pc-i440fx-7.2")
    assert forecast["changes"]
    asked = {one["question"]: one for one in forecast["notices"]}
    (sleeps,) = (one for question, one in asked.items() if "hibernated" in question)
    assert sleeps["answer"] == "yes", sleeps
    guest.destroy()
    raised = replace(options, machine="pc-i440fx-7.2")
    host_a.run("virsh", "define", "/dev/stdin", text_input=raised.xml())
    guest.start().wait_ready()
    after = rehearsed(host_a, "raised")
    assert after["guest"]["differences"] == []
    wanted, found = (
        {table["signature"]: table["sha256"] for table in form["acpi"]}
        for form in (forecast["next_start"], after["now"])
    )
    assert found == wanted
    for part in ("pci", "virtio", "cpu", "memory_map", "files", "memory_blocks"):
        assert after["now"][part] == forecast["next_start"][part]
