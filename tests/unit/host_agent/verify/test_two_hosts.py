"""Two hosts held against each other, by the atlases of their QEMUs."""

from dataclasses import replace

import pytest

from host_agent.atlas import files
from host_agent.difference import Effect
from host_agent.verify import two_hosts
from host_agent.verify.two_hosts import Same
from tests.unit.host_agent.shared import fleet

OLD, NEW, NOBLE = fleet.mixed(fleet.hosts(fleet.audits()))
BOOKWORM, TRIXIE = files.nearest("x86_64", "7.2.22"), files.nearest("x86_64", "10.0.13")


def test_what_two_atlases_say_of_the_types_in_use() -> None:
    diff = two_hosts.compare(OLD, NEW, (BOOKWORM, TRIXIE))
    told = {one.name: one for one in diff.types}
    assert set(told) == set(fleet.TYPES)
    assert told["pc-q35-7.2"].same is Same.DIFFERS
    assert Effect.DRIVER in told["pc-q35-7.2"].effects
    assert told["pc-i440fx-2.3"].same is Same.ONLY_FIRST
    assert told["pc-q35-10.0"].same is Same.ONLY_SECOND
    assert told["pc-q35-7.2"].one == 2
    assert told["pc-q35-7.2"].other == 3
    counts = [one.one + one.other for one in diff.types]
    assert counts == sorted(counts, reverse=True)
    # The other way round it is the same, seen from there.
    back = {one.name: one for one in two_hosts.compare(NEW, OLD, (TRIXIE, BOOKWORM)).types}
    assert back["pc-i440fx-2.3"].same is Same.ONLY_SECOND


def test_one_qemu_is_the_same_as_itself() -> None:
    diff = two_hosts.compare(OLD, OLD, (BOOKWORM, BOOKWORM))
    assert {one.same for one in diff.types} == {Same.EQUAL}
    assert diff.groups == ()


def test_of_a_type_that_neither_atlas_has_nothing_is_known() -> None:
    odd = replace(OLD, domains=(replace(OLD.domains[0], machine="pc-q35-noble"),))
    (one,) = two_hosts.compare(odd, odd, (BOOKWORM, TRIXIE)).types
    assert (one.name, one.same) == ("pc-q35-noble", Same.UNKNOWN)


@pytest.mark.parametrize("lacks", [(None, TRIXIE), (BOOKWORM, None), (None, None)])
def test_without_an_atlas_nothing_is_known(lacks: tuple[None, None]) -> None:
    diff = two_hosts.compare(OLD, NEW, lacks)
    assert {one.same for one in diff.types} == {Same.UNKNOWN}
    assert diff.groups == ()


def test_the_hosts_that_are_furthest_apart() -> None:
    assert two_hosts.most_apart([NEW, NOBLE, OLD]) == (OLD, NEW)
    assert two_hosts.most_apart([OLD]) is None
    odd = replace(OLD, hypervisor="9" * 5000)
    assert two_hosts.most_apart([odd, OLD]) == (OLD, odd)


def test_the_architecture_is_that_of_most_domains() -> None:
    assert two_hosts.architecture(OLD) == "x86_64"
    assert two_hosts.architecture(replace(OLD, domains=())) is None
