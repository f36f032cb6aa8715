"""Rows for the checks of machine types: are they offered, by whom, and for how long."""

from dataclasses import replace
from datetime import date
from typing import Any

from host_agent.case.case import Case
from host_agent.checks import alias, deprecated, end_of_life, unavailable, vendor_support
from host_agent.finding import Outcome
from host_agent.machine_types.offers import Offer
from host_agent.machine_types.surroundings import UBUNTU, Release
from host_agent.missing import Missing, Reason
from tests.unit.host_agent.shared.cases import (
    DEFINITION,
    NOTHING,
    SURROUNDINGS,
    TRIXIE,
    case,
    declared,
)

PASS, WARN, UNKNOWN, SKIP = Outcome.PASS, Outcome.WARN, Outcome.UNKNOWN, Outcome.SKIP


def ubuntu(codename: str, version: str, *days: str | None, lts: bool = False) -> Release:
    """A release of Ubuntu: created, released, end of support, end of ESM."""
    created, released, eol, esm = (date.fromisoformat(day) if day else None for day in days)
    assert created
    return Release(
        distribution=UBUNTU,
        codename=codename,
        version=version,
        lts=lts,
        created=created,
        released=released,
        eol=eol,
        extended=(("ESM", esm),) if esm else (),
    )


BIONIC = ubuntu("bionic", "18.04", "2017-10-19", "2018-04-26", "2023-05-31", "2028-04-26", lts=True)
JAMMY = ubuntu("jammy", "22.04", "2021-10-14", "2022-04-21", "2027-06-01", "2032-04-21", lts=True)
KINETIC = ubuntu("kinetic", "22.10", "2022-04-21", "2022-10-20", "2023-07-20", None)
NOBLE = ubuntu("noble", "24.04", "2023-10-12", "2024-04-25", "2029-05-31", "2034-04-25", lts=True)
PLUCKY = ubuntu("plucky", "25.04", "2024-10-10", "2025-04-17", "2026-01-15", None)
QUESTING = ubuntu("questing", "25.10", "2025-04-17", "2025-10-09", "2026-07-09", None)
RESOLUTE = ubuntu(
    "resolute", "26.04", "2025-10-09", "2026-04-23", "2031-05-29", "2036-04-23", lts=True
)
RELEASES = (BIONIC, JAMMY, KINETIC, NOBLE, PLUCKY, QUESTING, RESOLUTE)
NO_DATA = Missing(reason=Reason.ABSENT, sentence="no dates", remedy="apt install distro-info-data")


def on(
    machine: str | None,
    *offers: str,
    old: tuple[str, ...] = (),
    transient: bool = False,
    off: bool = False,
    **changes: Any,
) -> Case:
    """A domain of a type, on a host that offers some; ``old``: which of them it marks."""
    listed = {name: Offer(canonical=name, deprecated=name in old) for name in (*offers, *old)}
    fields: dict[str, Any] = {"offers": listed, "releases": RELEASES, "here": NOBLE, **changes}
    mine = replace(DEFINITION, machine=machine)
    said = replace(declared(None if off else mine), persistent=None if transient else mine)
    return case(declared=said, surroundings=replace(SURROUNDINGS, **fields))


TRUSTY_LIKE = "pc-i440fx-trusty"
OWN = "pc-i440fx-noble", "pc-i440fx-8.2", "pc-q35-noble", "virt-8.2"
Q35_TWICE = {"q35": ("pc-q35-8.2", "pc-q35-noble")}
NO_LIST = case(surroundings=replace(SURROUNDINGS, offers=NOTHING))

ROWS = [
    (deprecated.check, case(), PASS, "pc-i440fx-7.2 is not deprecated"),
    (deprecated.check, on("pc-i440fx-2.8", old=("pc-i440fx-2.8",)), WARN,
     "pc-i440fx-2.8 is deprecated: QEMU 10.1 drops it"),
    (deprecated.check, on("pc-i440fx-rhel7.6.0", old=("pc-i440fx-rhel7.6.0",)), WARN,
     "pc-i440fx-rhel7.6.0 is deprecated"),
    # The list marks others, so it would mark this one as well.
    (deprecated.check, on("pc-i440fx-2.8", "pc-i440fx-2.8", old=("pc-q35-2.4",), qemu="10.0.13"),
     PASS, "not deprecated"),
    # It marks none: an old libvirt. QEMU 9.1 was the first to mark them.
    (deprecated.check, on("pc-i440fx-2.8", "pc-i440fx-2.8", qemu="10.0.13"), WARN, "is deprecated"),
    (deprecated.check, on("pc-i440fx-2.8", "pc-i440fx-2.8", qemu="9.0.2"), PASS, "not deprecated"),
    (deprecated.check, on("pc-i440fx-2.8", "pc-i440fx-2.8", qemu="?"), PASS, "not deprecated"),
    (deprecated.check, on("pc-i440fx-noble", *OWN, qemu="12.0"), PASS, "not deprecated"),
    (deprecated.check, on("pc-i440fx-2.8", *OWN), SKIP, "not offered here"),
    (deprecated.check, on("pc-i440fx-2.8", old=("pc-i440fx-2.8",), transient=True), WARN,
     "is deprecated"),
    (deprecated.check, on("pc-i440fx-2.8", old=("pc-i440fx-2.8",), off=True), WARN,
     "is deprecated"),
    (deprecated.check, on("pc-i440fx-2.8+pve1", old=("pc-i440fx-2.8",)), WARN, "is deprecated"),
    (deprecated.check, on(None, *OWN), SKIP, "names no machine type"),
    (deprecated.check, NO_LIST, UNKNOWN, "not to be had"),
    (deprecated.check, case(surroundings=NOTHING), UNKNOWN, "not to be had"),

    (unavailable.check, case(), PASS, "this host offers pc-i440fx-7.2"),
    (unavailable.check, case(declared=declared(machine="pc")), PASS, "offers pc-i440fx-7.2"),
    (unavailable.check, on("pc-i440fx-2.1", *OWN), WARN,
     "pc-i440fx-2.1 is not offered here: the next start fails"),
    (unavailable.check, on("pc-i440fx-2.1", *OWN, qemu="10.0.13"), WARN,
     "pc-i440fx-2.1 is not offered here (QEMU 9.1 dropped it): the next start fails"),
    (unavailable.check, on(TRUSTY_LIKE, *OWN, off=True), WARN,
     "pc-i440fx-trusty is not offered here: the next start fails"),
    (unavailable.check, on("ubuntu", "pc-i440fx-7.2"), WARN, "ubuntu is not offered here"),
    (unavailable.check, on("vendor_machine", "vendor_machine"), PASS, "offers vendor_machine"),
    (unavailable.check, on(None, *OWN), SKIP, "names no machine type"),
    (unavailable.check, NO_LIST, UNKNOWN, "not to be had"),
    (unavailable.check, case(surroundings=NOTHING), UNKNOWN, "not to be had"),

    (vendor_support.check, on("pc-i440fx-8.2", *OWN), WARN,
     "QEMU's own: Ubuntu gives no guarantees"),
    (vendor_support.check, on("pc-i440fx-noble", *OWN), PASS, "of a distribution's own"),
    (vendor_support.check, on("pc-q35-7.2", "pc-q35-7.2", "pc-q35-rhel9.2.0"), WARN, "RHEL"),
    # Debian, and a family of which Ubuntu has none of its own.
    (vendor_support.check, case(), SKIP, "no pc-i440fx types but QEMU's own"),
    (vendor_support.check, on("virt-8.2", *OWN), SKIP, "no virt types but QEMU's own"),
    (vendor_support.check, on("isapc", *OWN, "isapc"), UNKNOWN, "no known scheme"),
    (vendor_support.check, on("vendor_machine", *OWN), UNKNOWN, "no known scheme"),
    (vendor_support.check, on(None, *OWN), SKIP, "names no machine type"),
    (vendor_support.check, NO_LIST, UNKNOWN, "not to be had"),

    (end_of_life.check, case(), PASS, "this host's Debian trixie (13) is supported until"),
    (end_of_life.check, on("pc-i440fx-noble", *OWN), PASS, "supported until 2029-05-31"),
    (end_of_life.check, on("pc-i440fx-bionic-hpb", *OWN), WARN,
     "the machine types of bionic (18.04 LTS) ended on 2023-05-31, with bionic's support"),
    (end_of_life.check, on("pc-q35-kinetic", *OWN), WARN,
     "the machine types of kinetic (22.10) ended on 2024-04-25, with the LTS noble"),
    # The last day counts; the day after does not.
    (end_of_life.check, on("pc-q35-kinetic", *OWN, today=date(2024, 4, 25)), PASS, "supported"),
    (end_of_life.check, on("pc-q35-kinetic", *OWN, today=date(2024, 4, 26)), WARN, "ended on"),
    # The next LTS is out, and the interim release is still supported.
    (end_of_life.check, on("pc-q35-questing", *OWN, here=QUESTING, today=date(2026, 5, 1)), PASS,
     "until 2026-07-09"),
    (end_of_life.check, on("pc-q35-questing", *OWN, here=RESOLUTE, today=date(2026, 7, 10)), WARN,
     "ended on 2026-07-09, with the LTS resolute"),
    # No later LTS is known.
    (end_of_life.check, on("pc-q35-plucky", *OWN, releases=(PLUCKY,)), PASS, "is supported"),
    (end_of_life.check, on("pc-q35-8.2", *OWN, here=PLUCKY), WARN,
     "this host's release is over: plucky's support ended on 2026-01-15"),
    (end_of_life.check, on("pc-q35-8.2", *OWN, here=BIONIC), WARN, "(ESM until 2028-04-26)"),
    (end_of_life.check, on("pc-q35-bionic", *OWN, here=BIONIC), WARN, "2028-04-26); the machine"),
    (end_of_life.check, on("pc-q35-8.2", *OWN, here=replace(TRIXIE, eol=None, extended=())), PASS,
     "with no end set"),
    # The host's release is not to be seen: the type can still be told, and nothing else.
    (end_of_life.check, on("pc-q35-bionic", here=NOTHING), WARN, "ended on 2023-05-31"),
    (end_of_life.check, on("pc-q35-noble", here=NOTHING), UNKNOWN, "not to be had"),
    (end_of_life.check, on(None, here=NOTHING), UNKNOWN, "not to be had"),
    (end_of_life.check, on("pc-q35-bionic", releases=NO_DATA), UNKNOWN, "no dates"),
    (end_of_life.check, case(surroundings=NOTHING), UNKNOWN, "not to be had"),

    # Two machine types carry one alias: told to the family, and to who says the alias.
    (alias.check, on("pc-q35-noble", *OWN, twins=Q35_TWICE), WARN,
     'the alias "q35" twice, for pc-q35-8.2 and pc-q35-noble'),
    (alias.check, on("pc-q35-noble", *OWN, twins=Q35_TWICE, transient=True), WARN, '"q35" twice'),
    (alias.check, on("q35", *OWN, twins=Q35_TWICE), WARN, '"q35" twice'),
    (alias.check, on("pc-i440fx-noble", *OWN, twins=Q35_TWICE), PASS, "itself"),
    (alias.check, on("pc", *OWN, twins=Q35_TWICE), WARN, "floats"),
    (alias.check, on("pc", *OWN, twins={"pc": ("pc-i440fx-8.2", "pc-i440fx-noble")}), WARN,
     '"pc" (libvirt\'s default) twice'),
]  # fmt: skip
