"""The shipped facts."""

import json
from importlib import resources

import pytest

from host_agent.machine_types import catalogue
from host_agent.machine_types.catalogue import DATA


def test_the_data_is_small_and_says_where_it_comes_from() -> None:
    raw = resources.files("host_agent").joinpath(*DATA).read_bytes()
    assert len(raw) < 200_000
    data = json.loads(raw)
    assert all(source.strip() for source in data["sources"])
    cited = {one["source"] for table in ("releases", "lifecycles") for one in data[table]}
    cited |= {number for one in data["lists"] for number in one["sources"]}
    assert cited == set(range(len(data["sources"])))
    known = set(catalogue.names())
    assert all(set(one["types"]) <= known for one in data["lists"])


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("noble", ("ubuntu", "noble", "24.04", "8.2.2")),
        ("ubuntu:22.04", ("ubuntu", "jammy", "22.04", "6.2")),
        ("debian:12", ("debian", "bookworm", "12", "7.2")),
        ("trixie", ("debian", "trixie", "13", "10.0")),
        ("rhel:9.4", ("rhel", "9.4", None, "8.2.0")),
        ("kinetic", ("ubuntu", "kinetic", "22.10", None)),
        ("debian:noble", None), ("stonking", None), ("12", None), ("", None),
    ],
)  # fmt: skip
def test_releases_by_name(name: str, found: tuple[str, str, str | None, str | None] | None) -> None:
    release = catalogue.release(name)
    told = release and (release.distribution, release.name, release.version, release.qemu)
    assert told == found


@pytest.mark.parametrize(
    ("name", "version", "life"),
    [
        ("pc-i440fx-2.0", (2, 0), ("2.0", "8.2", "9.1")),
        ("pc-i440fx-5.1", (5, 1), ("5.1", "9.1", "11.1")),
        ("pc-q35-10.2", (10, 2), ("10.2", "13.2", "16.2")),
        # Newer than the data: by QEMU's rule.
        ("pc-q35-11.1", (11, 1), ("11.1", "14.1", "17.1")),
        ("pc-0.10", (0, 10), (None, "3.0", "4.0")),
        ("pc-q35-noble", None, None),
    ],
)
def test_the_life_of_upstream_types(
    name: str, version: tuple[int, ...] | None, life: tuple[str | None, ...] | None
) -> None:
    found = catalogue.lifecycle(name, version)
    assert (found and (found.introduced, found.deprecated, found.removed)) == life


def test_the_rule_gives_what_the_data_has() -> None:
    """For every type since the rule is in force (QEMU 9.1: deprecated; 10.1: removed)."""
    for name in ("pc-q35-6.1", "virt-7.0", "pseries-8.2", "s390-ccw-virtio-9.0"):
        version = tuple(int(part) for part in name.rsplit("-", 1)[1].split("."))
        known, ruled = catalogue.lifecycle(name), catalogue.lifecycle("x", version)
        assert known
        assert ruled
        assert (known.deprecated, known.removed) == (ruled.deprecated, ruled.removed)


def test_debian_offers_upstreams_types() -> None:
    trixie = catalogue.offering("debian", "trixie", "x86_64")
    assert trixie
    assert trixie.whole
    named = {one.name: one for one in trixie.types}
    assert named["pc-i440fx-10.0"].default
    assert named["pc-i440fx-10.0"].aliases == ("pc",)
    assert named["pc-q35-2.4"].deprecated
    assert "pc-i440fx-2.3" not in named


def test_ubuntu_offers_its_own_beside_them() -> None:
    questing = catalogue.offering("ubuntu", "questing", "x86_64")
    assert questing
    assert not questing.whole
    named = {one.name: one for one in questing.types}
    assert [name for name, one in named.items() if one.default] == ["pc-i440fx-questing"]
    assert named["pc-q35-questing"].aliases == ("ubuntu-q35",)
    assert named["pc-q35-questing"].deprecated is None
    assert named["pc-q35-5.0"].deprecated
    # Defined in its patch, and not there when it runs.
    pseries = catalogue.offering("ubuntu", "questing", "ppc64")
    assert pseries
    assert "pseries-eoan" not in {one.name for one in pseries.types}
    # An alias that a distribution gives to its own is QEMU's no more.
    assert [one.name for one in pseries.types if "pseries" in one.aliases] == ["pseries-questing"]


@pytest.mark.parametrize(
    ("distribution", "release", "architecture", "name", "alias", "deprecated"),
    [
        ("ubuntu", "noble", "x86_64", "pc-i440fx-noble", None, None),
        ("ubuntu", "noble", "ppc64", "pseries-noble", "pseries", None),
        ("ubuntu", "noble", "s390x", "s390-ccw-virtio-jammy", None, None),
        ("ubuntu", "noble", "aarch64", "virt-8.2", "virt", None),
        ("ubuntu", "resolute", "aarch64", "virt-resolute", None, None),
        ("rhel", "8.9", "x86_64", "pc-q35-rhel8.6.0", "q35", None),
        ("rhel", "9.8", "x86_64", "pc-i440fx-rhel7.6.0", "pc", True),
        ("rhel", "9.8", "x86_64", "pc-q35-rhel9.8.0", "q35", False),
        ("rhel", "9.8", "aarch64", "virt-rhel9.2.0", None, True),
        ("rhel", "9.8", "s390x", "s390-ccw-virtio-rhel9.8.0", "s390-ccw-virtio", False),
    ],
)
def test_what_public_sources_establish(
    distribution: str,
    release: str,
    architecture: str,
    name: str,
    alias: str | None,
    deprecated: bool | None,
) -> None:
    found = catalogue.offering(distribution, release, architecture)
    assert found
    assert not found.whole
    assert found.sources
    (one,) = (one for one in found.types if one.name == name)
    assert one.aliases == (() if alias is None else (alias,))
    assert one.deprecated is deprecated


def test_two_types_may_carry_one_alias() -> None:
    noble = catalogue.offering("ubuntu", "noble", "x86_64")
    assert noble
    assert {one.name for one in noble.types if "q35" in one.aliases} == {
        "pc-q35-noble",
        "pc-q35-8.2",
    }


def test_rhel_offers_its_own_only() -> None:
    el10 = catalogue.offering("rhel", "10.0", "x86_64")
    assert el10
    assert {one.name.rsplit("-", 1)[1][:4] for one in el10.types} == {"rhel"}


@pytest.mark.parametrize(
    "wanted", [("rhel", "9.4", "x86_64"), ("ubuntu", "kinetic", "x86_64"), ("acme", "1", "x86_64")]
)
def test_what_is_not_established_is_not_offered(wanted: tuple[str, str, str]) -> None:
    assert catalogue.offering(*wanted) is None
