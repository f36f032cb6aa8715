"""The machine type of a guest of another architecture is raised; it is the same guest."""

from dataclasses import dataclass

import pytest

from tests import architectures
from tests.lab import pace
from tests.lab.foreign_guest import ForeignOptions
from tests.lab.lab import Lab
from tests.lab.test_arm64 import SLOW
from tests.lab.test_before_and_after import finding
from tests.lab.test_upgrade import machines, upgrade

pytestmark = [pytest.mark.long("architectures"), pytest.mark.timeout(900)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Raise:
    """A row of the table, and what is made of its guest."""

    row: str
    host: str
    architecture: str
    old: str
    new: str
    uefi: bool = False


RAISES = (
    Raise(
        row="aarch64, UEFI", host="hosti", architecture="aarch64", uefi=True,
        old="virt-7.1", new="virt-7.2",
    ),
    Raise(
        row="aarch64, no firmware", host="hosti", architecture="aarch64",
        old="virt-7.1", new="virt-7.2",
    ),
    Raise(
        row="i686, BIOS", host="hosta", architecture="i686",
        old="pc-i440fx-7.1", new="pc-i440fx-7.2",
    ),
    Raise(
        row="ppc64le", host="hosti", architecture="ppc64le", old="pseries-7.1", new="pseries-7.2"
    ),
    Raise(
        row="s390x", host="hostj", architecture="s390x",
        old="s390-ccw-virtio-9.2", new="s390-ccw-virtio-10.0",
    ),
)  # fmt: skip


@pytest.mark.parametrize("one", RAISES, ids=lambda one: one.row)
def test_it_is_another_type_and_the_same_guest(lab: Lab, one: Raise) -> None:
    host = lab.host(one.host)
    guest = host.guest(
        ForeignOptions(
            name=f"raised-{one.architecture}{'-uefi' * one.uefi}",
            architecture=one.architecture,
            machine=one.old,
            uefi=one.uefi,
        )
    )
    try:
        guest.start().wait_ready(SLOW)
        slow = pace.words(SLOW)
        code, domain = upgrade(
            host, guest.name, "--to", one.new, "--wait", slow, "--shutdown-timeout", slow
        )
        told = domain["after"] and domain["after"]["findings"]
        assert (code, domain["outcome"]) == (0, "applied"), told
        assert machines(host, guest.name) == (one.new, one.new)
        assert finding(domain["after"], "running-qemu")["observed"] == one.new
        architectures.hold(one.row, "raise", domain["after"]["verdict"])
    finally:
        guest.remove()
