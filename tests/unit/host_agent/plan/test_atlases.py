"""What speaks for the QEMU of a site: itself, a file, a shipped atlas of its version."""

from dataclasses import replace
from datetime import date

import pytest

from host_agent.atlas.atlas import Atlas
from host_agent.errors import EvidenceError
from host_agent.migrate.facts import End
from host_agent.missing import Missing, Reason
from host_agent.plan import sites
from host_agent.plan.atlases import Atlases, Found, changes
from host_agent.plan.facts import Kind, Site
from tests.fingerprint_builder import atlas, machine
from tests.unit.host_agent.plan.test_folding import EMULATOR, offers
from tests.unit.host_agent.shared.cases import DEFINITION, MACHINE, NOTHING

KEY = "x86_64", EMULATOR
ASKED: list[tuple[str, tuple[str, ...]]] = []


def host(qemu: str = "7.2.22", architecture: str = "x86_64") -> Site:
    return Site(
        name="node1",
        kind=Kind.HOST,
        end=End(name="node1", uuid="1", qemu=qemu),
        offers={(architecture, EMULATOR): offers(MACHINE, "pc-i440fx-7.1")},
    )


def survey(emulator: str, types: tuple[str, ...]) -> Atlas:
    ASKED.append((emulator, types))
    return atlas(*map(machine, types))


def refused(emulator: str, types: tuple[str, ...]) -> Atlas:
    raise EvidenceError(Reason.DENIED, "not allowed")


def of(atlases: Atlases, *types: str) -> Found | Missing:
    atlases.prepare({KEY: set(types or (MACHINE,))})
    return atlases.of(DEFINITION)


def test_a_qemu_of_this_host_is_asked_once_for_what_it_has() -> None:
    ASKED.clear()
    found = of(Atlases(host(), survey), MACHINE, "pc-i440fx-7.1", "pc-i440fx-10.0")
    assert isinstance(found, Found)
    assert found.own
    assert ASKED == [(EMULATOR, ("pc-i440fx-7.1", MACHINE))]


@pytest.mark.parametrize(
    ("qemu", "how"),
    [("7.2.22", "debian:bookworm's QEMU 7.2.22"), ("7.2.4", "debian:bookworm's QEMU 7.2.22"),
     ("10.0.13", "debian:trixie's QEMU 10.0.13"),
     ("10.0.2", "debian:bookworm-backports's QEMU 10.0.2")],
)  # fmt: skip
@pytest.mark.parametrize("survey_", [None, refused])
def test_a_shipped_atlas_of_its_version_speaks_for_another(
    qemu: str, how: str, survey_: None
) -> None:
    found = of(Atlases(host(qemu), survey_))
    assert isinstance(found, Found)
    assert (found.own, how in found.how) == (False, True), found.how


def test_a_file_speaks_for_its_host() -> None:
    found = of(Atlases(host(), None, atlas(machine(MACHINE))))
    assert isinstance(found, Found)
    assert found.own
    # One of another architecture does not.
    arm = replace(atlas(machine(MACHINE)), made=replace(atlas().made, architecture="aarch64"))
    found = of(Atlases(host(), None, arm))
    assert isinstance(found, Found)
    assert not found.own


def test_a_version_of_which_nothing_is_shipped() -> None:
    found = of(Atlases(host("99.0.0"), None))
    assert isinstance(found, Missing)
    assert "none of QEMU 99.0.0 is shipped" in found.sentence
    assert "--atlas FILE" in (found.remedy or "")


def test_a_release_has_its_own_or_none() -> None:
    for name, own in (("trixie", True), ("noble", False)):
        found = of(Atlases(sites.named(name, date(2026, 11, 25)), survey))
        assert isinstance(found, Found) == own


def test_changes() -> None:
    same = Found(atlas=atlas(machine(MACHINE), machine("odd", error="no fw_cfg")), own=True, how="")
    other = replace(same, atlas=atlas(machine(MACHINE, memory_blocks={"pc.bios": 131072})))
    assert changes(same, same, MACHINE, MACHINE) == ()
    found = changes(same, other, MACHINE, MACHINE)
    assert isinstance(found, tuple)
    assert [one.subject for one in found] == ["pc.bios"]
    for here, there, name, words in (
        (NOTHING, same, MACHINE, "not to be had"),
        (same, NOTHING, MACHINE, "not to be had"),
        (same, same, "pc-q35-7.2", "has no pc-q35-7.2"),
        (same, same, "odd", "no fw_cfg"),
    ):
        missing = changes(here, there, name, name)
        assert isinstance(missing, Missing)
        assert words in missing.sentence
