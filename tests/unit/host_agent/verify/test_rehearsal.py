"""What is made of two rehearsals and a guest's own tables."""

from dataclasses import replace

from host_agent.evidence.rehearsal_diff import Compared
from host_agent.firmware import smbios
from host_agent.missing import NOT_RUNNING
from host_agent.verify.rehearsal import changes, with_smbios
from tests.integration.scripted_qemu import smbios as smbios_tables
from tests.unit.host_agent.evidence.test_rehearsal_diff import REHEARSED

NOTHING = Compared(differences=(), tables=(), functions=0, not_compared=())


def test_what_lacks_is_handed_on() -> None:
    assert changes(NOT_RUNNING, REHEARSED) is NOT_RUNNING
    assert changes(REHEARSED, NOT_RUNNING) is NOT_RUNNING
    assert changes(REHEARSED, REHEARSED) == ()


def test_the_booted_tables_are_compared_too() -> None:
    same = smbios.parse(b"", smbios_tables(), "memory")
    other = smbios.parse(b"", smbios_tables("other"), "memory")
    assert with_smbios(NOTHING, REHEARSED, same).smbios is True
    differing = with_smbios(NOTHING, REHEARSED, other)
    assert differing.smbios is False
    assert [one.field for one in differing.differences] == ["Product Name"]
    assert with_smbios(NOTHING, REHEARSED, NOT_RUNNING).not_compared == (
        f"SMBIOS: {NOT_RUNNING.sentence}",
    )
    none = with_smbios(NOTHING, replace(REHEARSED, smbios=None), same)
    assert none.not_compared == ("SMBIOS: the rehearsal has none",)
