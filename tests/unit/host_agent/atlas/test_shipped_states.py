"""What the shipped atlases say of migration states, in what was measured with those packages."""

from importlib import resources

import pytest

from host_agent.atlas import files, state_touching
from host_agent.atlas.diff import compare
from host_agent.atlas.state_diff import StateDiff
from host_agent.atlas.state_touching import States
from host_agent.atlas.vmstate_diff import Reading

OLD = {"bullseye", "bookworm"}
"""Of QEMU before 9.1, which does not tell what machine types set."""
I440FX = "pc-i440fx-7.2"
USUAL = (
    "virtio-blk-pci", "virtio-net-pci", "virtio-scsi-pci", "virtio-serial-pci", "virtio-rng-pci",
    "virtio-balloon-pci", "scsi-hd", "scsi-cd", "ide-cd", "qemu-xhci", "usb-tablet", "VGA",
    "ich9-intel-hda", "hda-duplex", "e1000", "rtl8139", "pcie-root-port", "isa-serial",
)  # fmt: skip


@pytest.mark.parametrize("name", files.shipped())
def test_each_has_them(name: str) -> None:
    atlas = files.read_shipped(name)
    if name == "debian:bullseye:ppc64":
        assert (atlas.states, "ended" in (atlas.states_error or "")) == (None, True)
        return
    assert atlas.states is not None
    # s390x has few devices, of QEMU 5.2 the fewest.
    least = {"s390x": 40}.get(name.split(":")[2], 140)
    assert len(atlas.states.devices) > least
    told = {one.properties is not None for one in atlas.machines}
    assert told == {name.split(":")[1] not in OLD}
    for machine in atlas.machines:
        assert (machine.devices is None) is not machine.shown, machine.name
        # A board of arm64 has its flash, its UART and its interrupt controller.
        assert machine.devices is None or len(machine.devices) >= 1, machine.name


def states(old: str, new: str) -> StateDiff:
    return compare(files.read_shipped(f"debian:{old}"), files.read_shipped(f"debian:{new}")).states


def told(diff: StateDiff) -> set[tuple[str, str]]:
    return {
        (model, one.change.reading)
        for one in diff.groups
        for model in one.models
        if one.change.reading in {Reading.REFUSED, Reading.MISREAD}
    }


def test_what_was_measured_is_said() -> None:
    assert {("am53c974", "misread"), ("dc390", "misread")} <= told(states("bookworm", "trixie"))
    assert ("isa-vga", "refused") in told(states("trixie", "forky"))
    back = states("forky", "trixie")
    assert {"am53c974", "dc390"} <= {
        model
        for one in back.groups
        if one.change.reading is Reading.DEPENDS
        for model in one.models
    }
    assert "tpm-crb.x-allow-chunk-migration=off" in {
        str(held) for one in back.groups for held in one.held_by
    }


def touching(old: str, new: str, machine: str, *models: str) -> States:
    before, after = (files.read_shipped(f"debian:{one}") for one in (old, new))
    found = state_touching.of(before, after, machine, models)
    assert isinstance(found, States)
    return found


@pytest.mark.parametrize("machine", [I440FX, "pc-q35-7.2"])
@pytest.mark.parametrize(("old", "new"), [("bookworm", "trixie"), ("trixie", "forky")])
def test_ordinary_domains_go_to_the_next_release(old: str, new: str, machine: str) -> None:
    """As they do in the lab."""
    found = touching(old, new, machine, *USUAL)
    assert found.touching == ()
    assert found.looked_at > 30
    assert "virtio-blk-pci" not in found.not_described


def test_the_machines_own_are_looked_at_on_the_way_back() -> None:
    found = touching("trixie", "bookworm", I440FX)
    assert [(one.model, one.own) for one in found.touching] == [("isa-i8259", True)]


def test_all_of_them_stay_small() -> None:
    folder = resources.files("host_agent").joinpath(*files.SHIPPED.split("/"))
    sizes = [len(folder.joinpath(file).read_bytes()) for file in files.shipped().values()]
    # Every installation has them all, of six architectures.
    assert sum(sizes) <= 600_000, sizes
