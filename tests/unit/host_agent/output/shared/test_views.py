"""Which cell of a domain's table is marked: what is not right there, and nothing that is."""

from dataclasses import replace
from typing import Any

import pytest

from host_agent.case import views
from host_agent.case.case import Case
from host_agent.case.expectation import by_rule
from host_agent.output.shared.views import NOTHING, SAME, Row, rows
from tests.unit.host_agent.shared.cases import DEFINITION, OBSERVATION, case, declared, smbios
from tests.unit.host_agent.shared.cases import NOTHING as LACKS

NONE = False, False, False, False


def of(one: Case) -> dict[str, Row]:
    return {row.name: row for row in rows(views.of(one))}


def seen(given: Any = None, **changes: Any) -> Case:
    """A case in which the guest booted with, and is served, other strings."""
    tables = smbios(**changes)
    observation = replace(OBSERVATION, booted=tables, live=tables, dmi=LACKS)
    return case(observation=observation, **(given or {}))


def defined(**changes: Any) -> Any:
    """What is expected of a definition, and where it is declared."""
    definition = replace(DEFINITION, **changes)
    return {"declared": declared(definition), "expected": by_rule(definition, {})}


def test_a_domain_that_is_as_declared() -> None:
    told = of(case())
    assert {row.differs for row in told.values()} == {NONE}
    assert told["machine type"][2:6] == (SAME,) * 4
    assert told["chassis version"].declared == NOTHING


def test_what_is_not_as_declared_is_marked() -> None:
    told = of(seen(version="pc-q35-9.0", product="A toaster"))
    assert told["machine type"].differs == (False, True, True, False)
    assert told["product"].differs == (False, True, True, False)
    assert told["uuid"].differs == NONE


def test_what_nothing_is_declared_of_is_held_against_the_boot() -> None:
    other = of(seen(processor_version="pc-q35-9.0"))
    # It is so in both views of the guest; the next start would build the other one.
    assert other["processor version"].differs == (False, False, False, True)


@pytest.mark.parametrize(
    "product", ["Ubuntu 24.04 PC (Q35 + ICH9, 2009)", "Standard PC (Q35 + ICH9, 2009)"]
)
def test_what_may_be_either_is_right_as_either(product: str) -> None:
    told = of(seen(product=product, version="pc-q35-noble", given=defined(machine="pc-q35-noble")))
    assert told["product"].differs[1:3] == (False, False)
    assert told["product"].booted in {product, SAME}
    wrong = seen(product="Ubuntu", version="pc-q35-noble", given=defined(machine="pc-q35-noble"))
    assert of(wrong)["product"].differs[1:3] == (True, True)


def test_what_sysinfo_sets_is_right() -> None:
    given = defined(smbios_mode="sysinfo", sysinfo={"system": {"version": "mine"}})
    told = of(seen(version="mine", given=given))
    assert told["machine type"].differs[1:3] == (False, False)
    assert told["machine type"].booted == "mine"
    assert of(seen(version="pc-q35-9.0", given=given))["machine type"].differs[1:3] == (True, True)


def test_where_anything_may_be_there_nothing_is_marked() -> None:
    for given in (
        defined(smbios_mode="host"),
        defined(smbios_arguments=True),
        defined(machine="mystery-1"),
        defined(architecture="s390x", machine="s390-ccw-virtio-9.2"),
    ):
        told = of(seen(version="x", product="y", given=given))
        assert told["machine type"].differs[1:] == NONE[1:]
