"""To what a domain is to be raised, and where raising would not help."""

import pytest

from host_agent.plan.facts import Site
from host_agent.plan.hop import Stop, type_raise
from tests.unit.host_agent.plan.test_folding import offers, site
from tests.unit.host_agent.shared.cases import DEFINITION

OLD = "pc-i440fx-2.1"
HERE = site("here", OLD, "pc-i440fx-7.2")
UNLISTED = Site(name="there", kind=HERE.kind, end=HERE.end, offers={("x86_64", "/other"): {}})


@pytest.mark.parametrize(
    ("here", "there", "name", "words"),
    [
        (HERE, site("there", "pc-i440fx-7.2", "pc-i440fx-10.0"), "pc-i440fx-7.2", "all 2 hosts"),
        # As a host without KVM does with a domain that wants it.
        (HERE, site("there", OLD, "pc-i440fx-7.2"), None, "its libvirt refuses it"),
        (HERE, UNLISTED, None, "there has no emulator /usr/bin/qemu-system-x86_64"),
        (UNLISTED, site("there", "pc-i440fx-10.0"), "pc-i440fx-10.0", "not known"),
    ],
)
def test_rows(here: Site, there: Site, name: str | None, words: str) -> None:
    found = type_raise(OLD, here, Stop(site=there), DEFINITION, [here, there])
    assert found.name == name
    assert words in f"{found.why} {found.note}"


def test_an_alias_is_what_it_is_here() -> None:
    alias = offers("pc-i440fx-7.2") | {"pc": offers("pc-i440fx-7.2")["pc-i440fx-7.2"]}
    there = offers("pc-i440fx-7.2", "pc-i440fx-10.0")
    there["pc"] = there["pc-i440fx-10.0"]
    sites = [
        Site(name=name, kind=HERE.kind, end=HERE.end, offers={("x86_64", ""): offered})
        for name, offered in (("here", alias), ("there", there))
    ]
    found = type_raise("pc", sites[0], Stop(site=sites[1]), DEFINITION, sites)
    assert found.name == "pc-i440fx-7.2"
