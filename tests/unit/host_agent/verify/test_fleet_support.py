"""Where a fleet stands: releases, paths between them, and the machine types in use."""

from dataclasses import replace
from datetime import date

from host_agent.verify import fleet_support
from tests.unit.host_agent.shared import fleet
from tests.unit.host_agent.shared.type_rows import BIONIC, NOBLE

HOSTS = fleet.mixed(fleet.hosts(fleet.audits()))


def test_each_distribution_has_its_matrix() -> None:
    found = fleet_support.of(HOSTS, fleet.KNOWN, fleet.ON)
    ubuntu, debian = found.standings
    assert ubuntu.hosts[NOBLE] == ("node31",)
    assert ubuntu.domains[NOBLE] == 2
    assert sum(map(len, ubuntu.hosts.values())) == 1
    assert [one.codename for one in debian.matrix.releases] == ["bookworm", "trixie"]
    assert debian.domains[fleet.BOOKWORM] == 7
    assert found.elsewhere == ()


def test_a_release_that_is_over_is_shown_where_a_host_has_it() -> None:
    old = replace(HOSTS[2], distribution="Ubuntu 18.04")
    (ubuntu,) = fleet_support.of((old,), fleet.KNOWN, fleet.ON).standings
    assert ubuntu.hosts[BIONIC] == ("node31",)
    # With those between it and today's: the way goes over them.
    assert [one.codename for one in ubuntu.matrix.releases][:3] == ["bionic", "jammy", "kinetic"]


def test_a_release_that_is_not_known_is_no_release() -> None:
    hosts = [replace(HOSTS[0], distribution=name) for name in (None, "Arch Linux", "Ubuntu x")]
    found = fleet_support.of(hosts, fleet.KNOWN, fleet.ON)
    assert found.standings == ()
    assert found.elsewhere == ("node1",) * 3


def test_a_type_ends_where_it_ends_first() -> None:
    types = {one.name: one for one in fleet_support.of(HOSTS, fleet.KNOWN, fleet.ON).types}
    # On bookworm until 2028, on trixie until 2030; Ubuntu vouches for none of QEMU's own.
    assert types["pc-q35-7.2"].support_ends == date(2028, 6, 30)
    assert types["pc-q35-7.2"].hosts == ("node1", "node23", "node31")
    assert types["pc-q35-10.0"].support_ends == date(2030, 6, 30)
    assert sum(one.domains for one in types.values()) == 16
