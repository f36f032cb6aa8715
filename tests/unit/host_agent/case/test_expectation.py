"""What a guest should see, by rule."""

from dataclasses import replace
from typing import Any

import pytest

from host_agent.case.expectation import Expectation, by_rule
from host_agent.missing import Missing
from tests.unit.host_agent.shared.cases import DEFINITION

I440FX, Q35 = "Standard PC (i440FX + PIIX, 1996)", "Standard PC (Q35 + ICH9, 2009)"


def expect(machine: str | None, **changes: Any) -> Expectation:
    definition = replace(DEFINITION, machine=machine, **changes)
    expected = by_rule(definition, {"pc": "pc-i440fx-7.2"})
    assert isinstance(expected, Expectation)
    return expected


@pytest.mark.parametrize(
    ("machine", "manufacturer", "product", "strings"),
    [
        ("pc-i440fx-7.2", "QEMU", I440FX, {"pc-i440fx-7.2"}),
        ("pc-q35-10.0", "QEMU", Q35, {"pc-q35-10.0"}),
        ("pc", "QEMU", I440FX, {"pc-i440fx-7.2"}),
        ("pc-i440fx-2.1", "QEMU", I440FX, {"pc-i440fx-2.1"}),
        ("pc-i440fx-1.7", "Bochs", "Bochs", set()),
        ("pc-1.3", "Bochs", "Bochs", set()),
        ("pc-q35-noble-v2", "QEMU", Q35, {"pc-q35-noble-v2"}),
        ("pc-i440fx-9.2+pve1", "QEMU", I440FX, {"pc-i440fx-9.2"}),
        ("pc-i440fx-rhel7.6.0", "Red Hat", "KVM", {"RHEL 7.6.0 PC (i440FX + PIIX, 1996)"}),
        ("pc-q35-rhel9.2.0", "Red Hat", "KVM", {"RHEL-9.2.0 PC (Q35 + ICH9, 2009)"}),
        ("rhel6.6.0", "Red Hat", "KVM", {"RHEL 6.6.0 PC"}),
    ],
)
def test_x86(machine: str, manufacturer: str, product: str, strings: set[str]) -> None:
    expected = expect(machine)
    assert expected.manufacturers == frozenset({manufacturer})
    assert expected.products == frozenset({product})
    assert expected.machine_strings == strings
    assert expected.certain


@pytest.mark.parametrize(
    ("machine", "live"), [("pc-i440fx-2.0", False), ("pc-i440fx-2.1", True), ("pc-q35-7.2", True)]
)
def test_the_legacy_mode_serves_no_tables(machine: str, live: bool) -> None:
    assert expect(machine).live_visible is live


@pytest.mark.parametrize(
    ("machine", "architecture"),
    [("microvm", "x86_64"), ("isapc", "x86_64"), ("pseries-7.2", "ppc64le"),
     ("s390-ccw-virtio-7.2", "s390x"), ("sifive_u", "riscv64")],
)  # fmt: skip
def test_nothing_is_visible(machine: str, architecture: str) -> None:
    expected = expect(machine, architecture=architecture)
    assert not expected.visible
    assert expected.why


def test_an_unknown_name_is_compared_as_it_stands() -> None:
    expected = expect("vendor_special")
    assert expected.machine_strings == frozenset({"vendor_special"})
    assert not expected.certain
    assert expected.products is None


@pytest.mark.parametrize(
    ("machine", "strings"), [("virt-10.0", {"virt-10.0"}), ("virt-2.11", set())]
)
def test_arm(machine: str, strings: set[str]) -> None:
    expected = expect(machine, architecture="aarch64", firmware="efi")
    assert expected.machine_strings == strings
    assert expected.products == frozenset({"KVM Virtual Machine", "QEMU Virtual Machine"})
    without = expect(machine, architecture="aarch64")
    assert "only the live tables" in without.why


def test_a_virt_machine_without_versions() -> None:
    """Of riscv64 there is but one; of arm64 an alias that nobody resolved says nothing."""
    for architecture, certain in (("riscv64", True), ("loongarch64", True), ("aarch64", False)):
        expected = expect("virt", architecture=architecture, firmware="efi")
        assert expected.machine_strings == {"virt"}
        assert expected.certain is certain
        assert (expected.products is not None) is certain


SYSINFO = {
    "system": {"manufacturer": "OpenStack Foundation", "product": "OpenStack Nova", "version": ""},
    "chassis": {"version": "c"},
}


def test_sysinfo_wins() -> None:
    expected = expect("pc-q35-7.2", smbios_mode="sysinfo", sysinfo=SYSINFO)
    assert expected.manufacturers == frozenset({"OpenStack Foundation"})
    assert expected.products == frozenset({"OpenStack Nova"})
    assert expected.version == ""
    assert expected.overridden == frozenset(
        {"manufacturer", "product", "version", "chassis_version"}
    )
    assert expected.machine_strings == frozenset({"pc-q35-7.2"})


def test_sysinfo_without_its_mode_is_ignored_as_libvirt_does() -> None:
    expected = expect("pc-q35-7.2", smbios_mode=None, sysinfo=SYSINFO)
    assert expected.overridden == frozenset()
    assert expected.products == frozenset({Q35})


def test_a_sysinfo_of_control_characters_is_expected_as_it_is_printed() -> None:
    sysinfo = {"system": {"product": "a\x1bb"}}
    assert expect("pc-q35-7.2", smbios_mode="sysinfo", sysinfo=sysinfo).products == frozenset(
        {"a\\x1bb"}
    )


def test_the_hosts_own_strings_are_not_expected() -> None:
    expected = expect("pc-q35-7.2", smbios_mode="host")
    assert expected.products is None
    assert "chassis_version" not in expected.overridden


def test_arguments_of_ones_own_make_everything_uncertain() -> None:
    expected = expect("pc-q35-7.2", smbios_arguments=True)
    assert not expected.certain
    assert expected.products is None


def test_no_machine_type_is_no_expectation() -> None:
    assert isinstance(by_rule(replace(DEFINITION, machine=None), {}), Missing)
