"""Sites of a plan: atlases, releases, and what each can say of a machine type."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from host_agent.atlas import atlas
from host_agent.errors import UsageError
from host_agent.hypervisor import Facts
from host_agent.machine_types import offers
from host_agent.machine_types.offers import Offer
from host_agent.migrate.destination import Destination
from host_agent.missing import Missing, Reason
from host_agent.plan import sites
from host_agent.plan.facts import Kind, Site
from tests.fingerprint_builder import atlas as made
from tests.fingerprint_builder import machine
from tests.unit.host_agent.shared.cases import DEFINITION

ON = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("text", "name", "kind", "qemu"),
    [
        ("trixie", "debian:trixie", Kind.RELEASE, "10.0.13"),
        ("debian:13", "debian:trixie", Kind.RELEASE, "10.0.13"),
        ("debian:bookworm-backports", "debian:bookworm-backports", Kind.RELEASE, "10.0.2"),
        ("noble", "ubuntu:noble", Kind.RELEASE, "8.2.2"),
        ("ubuntu:24.04", "ubuntu:noble", Kind.RELEASE, "8.2.2"),
    ],
)
def test_releases(text: str, name: str, kind: Kind, qemu: str) -> None:
    found = sites.named(text, ON)
    assert (found.name, found.kind, found.end.qemu) == (name, kind, qemu)
    assert found.release == name
    assert found.offered(DEFINITION)


def test_a_shipped_release_has_atlases_of_every_architecture() -> None:
    found = sites.named("trixie", ON)
    assert {"x86_64", "aarch64", "ppc64le", "i686", "s390x", "riscv64"} <= set(found.atlases)
    other = replace(DEFINITION, architecture="ppc64le", machine="pseries-7.2", emulator="/any")
    assert sites.offer(found, other) == Offer(canonical="pseries-7.2", deprecated=False)
    none = sites.offer(found, replace(DEFINITION, architecture="hppa"))
    assert isinstance(none, Missing)
    assert none.reason is Reason.UNSUPPORTED


def test_an_atlas_is_its_hosts(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    text = atlas.to_text(made(machine("pc-i440fx-7.2", alias="pc")))
    file.write_text(text, encoding="utf-8")
    found = sites.named(str(file), ON)
    assert (found.name, found.kind, found.release) == ("node1", Kind.ATLAS, "debian:12")
    pc = sites.offer(found, replace(DEFINITION, machine="pc"))
    assert pc == Offer(canonical="pc-i440fx-7.2", deprecated=False, most_vcpus=255)


@pytest.mark.parametrize(
    "text", ["", "nowhere", "debian:nowhere", "a" * 5000], ids=["empty", "bare", "debian", "long"]
)
def test_what_is_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no release that is known"):
        sites.named(text, ON)


@pytest.mark.parametrize(
    ("machine_", "reason"),
    [
        ("pc-i440fx-2.1", None),
        ("pc-i440fx-1.7", Reason.ABSENT),
        # Of Ubuntu's own types the data need not have all.
        ("pc-i440fx-nonsense", Reason.UNSUPPORTED),
        (None, Reason.UNSUPPORTED),
    ],
)
def test_what_is_not_established_is_not_denied(machine_: str | None, reason: Reason | None) -> None:
    noble = sites.named("noble", ON)
    found = sites.offer(noble, replace(DEFINITION, machine=machine_))
    assert (found.reason if isinstance(found, Missing) else None) == reason


@pytest.mark.parametrize(
    ("release", "machine_", "reason"),
    [
        # RHEL has some of QEMU's own types, and its list is not whole.
        ("rhel:8.9", "pc-i440fx-4.2", Reason.UNSUPPORTED),
        ("rhel:8.9", "pc-i440fx-2.11", Reason.UNSUPPORTED),
        # Another distribution's packages can't have them.
        ("rhel:8.9", "pc-i440fx-focal", Reason.ABSENT),
        ("noble", "pc-i440fx-rhel7.6.0", Reason.ABSENT),
        ("trixie", "pc-i440fx-focal", Reason.ABSENT),
        ("trixie", "pc-i440fx-rhel7.6.0", Reason.ABSENT),
    ],
)
def test_an_incomplete_list_proves_nothing_of_its_own(
    release: str, machine_: str, reason: Reason
) -> None:
    found = sites.offer(sites.named(release, ON), replace(DEFINITION, machine=machine_))
    assert isinstance(found, Missing)
    assert found.reason is reason


def test_an_alias_of_two_types_is_neither() -> None:
    found = sites.offer(sites.named("noble", ON), replace(DEFINITION, machine="q35"))
    assert isinstance(found, Missing)
    assert found.sentence == '"q35" is the alias of pc-q35-8.2 and of pc-q35-noble there'


def host(*types: str) -> Site:
    machines = "".join(f"<machine>{name}</machine>" for name in types)
    xml = (
        "<capabilities><guest><arch name='x86_64'><emulator>/usr/bin/qemu-system-x86_64</emulator>"
        f"{machines}</arch></guest></capabilities>"
    )
    facts = Facts(name="n", driver="QEMU", libvirt="1", hypervisor="2", capabilities=xml)
    return sites.of_host(Destination(None, facts, ()), local=False)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("types", "release"),
    [
        (("pc-i440fx-7.2", "pc-q35-7.2"), None),
        (("pc-i440fx-noble", "pc-q35-jammy", "pc-q35-noble", "pc-q35-8.2"), "ubuntu:noble"),
        # Which of the two it is can't be told.
        (("pc-i440fx-jammy", "pc-q35-noble"), None),
    ],
)
def test_the_release_of_a_remote_host(types: tuple[str, ...], release: str | None) -> None:
    found = host(*types)
    assert found.release == release
    assert set(found.offered(DEFINITION) or ()) == set(types)
    assert offers.lists("broken") == {}


@pytest.mark.parametrize(
    ("source", "target", "supported", "words"),
    [
        ("debian:bookworm", "debian:trixie", True, "the one that follows it"),
        ("ubuntu:jammy", "ubuntu:noble", True, "next LTS"),
        ("debian:trixie", "debian:bookworm", False, "backward"),
        ("debian:bullseye", "debian:trixie", False, "no path"),
        (None, "debian:trixie", None, "can't be seen from here"),
        ("fedora:40", "debian:trixie", None, "known"),
    ],
)
def test_ways(source: str | None, target: str, supported: bool | None, words: str) -> None:
    here, there = replace(host(), release=source), replace(host(), release=target)
    found = sites.way(here, there, ON)
    assert found.supported is supported, found
    assert words in found.why
    if words == "no path":
        assert found.around == ("bullseye", "bookworm", "trixie")
