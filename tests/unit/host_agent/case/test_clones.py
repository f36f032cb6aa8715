"""Which guests have one TPM's endorsement key."""

from dataclasses import replace
from uuid import UUID

from host_agent.case import clones
from host_agent.case.case import Case
from tests.smbios_builder import UUID_1
from tests.unit.host_agent.shared.cases import NOTHING, case
from tests.unit.host_agent.shared.tpm_rows import telling

UUID_2 = UUID(int=2)


def named(found: Case, name: str, uuid: UUID = UUID_1) -> Case:
    definition = replace(found.declared.definition, name=name, uuid=uuid)
    return replace(found, declared=replace(found.declared, active=definition))


def test_two_with_one_key() -> None:
    one, two = named(telling("ab"), "vm1"), named(telling("ab"), "vm2", UUID_2)
    assert clones.others([one, two]) == {UUID_1: ("vm2",), UUID_2: ("vm1",)}


def test_none_that_is_told_twice() -> None:
    silent = named(telling(None), "vm2", UUID_2)
    assert clones.others([named(telling("ab"), "vm1"), silent, replace(silent)]) == {}
    assert clones.others([telling("ab"), named(telling("cd"), "vm2", UUID_2)]) == {}
    assert clones.endorsement(replace(case(), observation=NOTHING)) is None
