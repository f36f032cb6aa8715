"""The machine types of a place, and how long each lasts."""

from datetime import date

import pytest

from host_agent.atlas import files as atlas_files
from host_agent.machine_types import catalogue, release_dates
from host_agent.machine_types.listing import Listed, TypeList, of_atlas, of_host, of_release
from host_agent.machine_types.releases import Known, Release, find
from host_agent.missing import Missing
from tests.fingerprint_builder import atlas, machine

QEMU = "/usr/bin/qemu-system-x86_64"
CAPABILITIES = """<capabilities><host><cpu><arch>x86_64</arch></cpu></host>
<guest><arch name='x86_64'><emulator>/usr/bin/qemu-system-x86_64</emulator>
<machine maxCpus='255' deprecated='yes'>pc-i440fx-2.8</machine>
<machine maxCpus='255'>pc-i440fx-8.2</machine>
<machine canonical='pc-i440fx-8.2' maxCpus='255'>pc</machine>
<machine maxCpus='255'>pc-i440fx-bionic</machine>
<machine maxCpus='288'>pc-q35-8.2</machine>
<machine maxCpus='288'>pc-q35-noble</machine>
<machine canonical='pc-q35-noble' maxCpus='288'>q35</machine>
<machine canonical='pc-q35-8.2' maxCpus='288'>q35</machine>
<machine maxCpus='1'>isapc</machine>
</arch></guest></capabilities>"""


def known() -> Known:
    found = release_dates.known()
    assert not isinstance(found, Missing)
    return found


def on(name: str) -> Release:
    found = find(name, known())
    assert found
    return found


def host(here: Release | None = None) -> TypeList:
    found = of_host("node1", CAPABILITIES, "x86_64", QEMU, used={}, known=known(), here=here)
    assert found
    return found


def row(listed: TypeList, name: str) -> Listed:
    return next(one for one in listed.types if one.name == name)


def test_a_hosts_list_is_sorted_and_says_who_uses_what() -> None:
    used = {"pc-i440fx-2.8": ["old", "old"], "pc": ["floats"], "pc-q35-trusty": ["lost"]}
    found = of_host("node1", CAPABILITIES, "x86_64", QEMU, used=used, known=known(), here=None)
    assert found
    assert [one.name for one in found.types] == [
        "pc-i440fx-2.8",
        "pc-i440fx-8.2",
        "pc-i440fx-bionic",
        "pc-q35-8.2",
        "pc-q35-noble",
        "isapc",
    ]
    assert row(found, "pc-i440fx-2.8").domains == ("old",)
    assert row(found, "pc-i440fx-2.8").deprecated
    default = row(found, "pc-i440fx-8.2")
    assert (default.default, default.aliases, default.domains) == (True, ("pc",), ("floats",))
    assert found.unlisted == (("pc-q35-trusty", ("lost",)),)


def test_two_equal_aliases_are_told() -> None:
    (note,) = host().notes
    assert note.startswith('"q35" is the alias of pc-q35-8.2 and of pc-q35-noble')


@pytest.mark.parametrize(("arch", "emulator"), [("x86_64", "/usr/bin/kvm"), ("aarch64", QEMU)])
def test_another_emulator_is_not_listed(arch: str, emulator: str) -> None:
    found = of_host("node1", CAPABILITIES, arch, emulator, used={}, known=known(), here=None)
    assert found is None


@pytest.mark.parametrize(
    ("name", "here", "removed", "ends"),
    [
        ("pc-i440fx-2.8", None, "QEMU 10.1", None),
        ("pc-i440fx-2.8", "ubuntu:noble", "QEMU 10.1", None),
        # Debian has no others: its support is theirs.
        ("pc-i440fx-2.8", "debian:trixie", "QEMU 10.1", "trixie"),
        ("pc-i440fx-bionic", None, "with bionic's support", "bionic"),
        ("pc-q35-noble", None, "with noble's support", "noble"),
        ("pc-q35-noble", "ubuntu:jammy", "with noble's support", "jammy"),
        ("isapc", None, None, None),
    ],
)
def test_how_long_a_type_lasts(
    name: str, here: str | None, removed: str | None, ends: str | None
) -> None:
    found = row(host(on(here) if here else None), name)
    assert found.removed == removed
    assert found.support_ends == (on(ends).support_end if ends else None)


def test_a_releases_list_says_that_it_is_not_complete() -> None:
    offering = catalogue.offering("ubuntu", "noble", "x86_64")
    assert offering
    found = of_release(offering, known())
    assert found.notes[0].startswith("not complete")
    assert '"q35" is the alias of' in found.notes[1]
    noble = row(found, "pc-q35-noble-v2")
    assert (noble.base, noble.aliases, noble.deprecated) == ("8.2", ("ubuntu-q35",), None)
    trusty = catalogue.offering("debian", "trixie", "x86_64")
    assert trusty
    assert not of_release(trusty, known()).notes


def test_a_shipped_atlas_is_complete() -> None:
    found = of_atlas(atlas_files.read_shipped("debian:trixie"), known())
    assert not found.notes
    newest = row(found, "pc-i440fx-10.0")
    assert (newest.default, newest.aliases, newest.base) == (True, ("pc",), "10.0")
    assert newest.support_ends == on("trixie").support_end
    assert newest.support_ends
    assert newest.support_ends >= date(2030, 6, 30)


def test_types_without_a_known_base_stand_in_the_order_of_their_releases() -> None:
    offering = catalogue.offering("rhel", "10.1", "x86_64")
    assert offering
    assert [one.name for one in of_release(offering, known()).types] == [
        "pc-i440fx-rhel10.0.0",
        "pc-q35-rhel9.0.0",
        "pc-q35-rhel9.2.0",
        "pc-q35-rhel9.4.0",
        "pc-q35-rhel9.6.0",
        "pc-q35-rhel10.0.0",
    ]


def test_qemu_may_drop_a_type_before_ubuntu_does() -> None:
    offering = catalogue.offering("ubuntu", "questing", "ppc64")
    assert offering
    found = of_release(offering, known())
    assert row(found, "pseries-focal").removed == "with focal's support, or QEMU 10.2"
    assert row(found, "pseries-noble").removed == "with noble's support, or QEMU 14.2"


def test_two_defaults_are_told() -> None:
    found = of_atlas(
        atlas(
            machine("pc-i440fx-vivid", default=True, alias="ubuntu"),
            machine("pc-i440fx-wily", default=True, alias="ubuntu"),
        ),
        known(),
    )
    assert found.notes == (
        '"ubuntu" is the alias of pc-i440fx-vivid and of pc-i440fx-wily: which one it means is '
        "chance, so name the type itself",
        "2 types are the default: pc-i440fx-vivid, pc-i440fx-wily",
    )
