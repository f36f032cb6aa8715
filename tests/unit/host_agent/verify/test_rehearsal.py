"""What is made of two rehearsals and a guest's own tables."""

from dataclasses import replace

from host_agent.case.rehearsing import with_smbios
from host_agent.evidence.hardware import NetworkInterface
from host_agent.evidence.rehearsal_diff import Compared
from host_agent.firmware import smbios
from host_agent.missing import NOT_RUNNING
from host_agent.verify.rehearsal import changes, nics
from tests.integration.scripted_qemu import smbios as smbios_tables
from tests.unit.host_agent.evidence.test_nic_names import LAYOUTS
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


SLOT, NO_NODE = LAYOUTS["i440fx, slot 3"][0], LAYOUTS["no node"][0]
BEHIND = LAYOUTS["behind a bridge, where the number is there already"][0]


def named(name: str, parent: str = "0000:00:03.0") -> tuple[NetworkInterface, ...]:
    card = NetworkInterface(
        mac="52:54:00:00:00:01", parent=parent, name=name, driver=None, permanent_unknown=False
    )
    return (card,)


def test_what_a_card_is_called_and_will_be() -> None:
    (one,) = nics(SLOT, NO_NODE, named("ens3"))
    assert (one.now, one.start, one.changes, one.is_pinned) == (("ens3",), ("enp0s3",), True, False)
    (same,) = nics(SLOT, SLOT, NOT_RUNNING)
    assert (same.called, same.changes) == (None, False)
    (pinned,) = nics(SLOT, NO_NODE, named("lan0"))
    assert (pinned.called, pinned.is_pinned) == ("lan0", True)
    (unknown,) = nics(SLOT, NOT_RUNNING, NOT_RUNNING)
    assert (unknown.start, unknown.changes) == ((), False)
    assert nics(NOT_RUNNING, SLOT, NOT_RUNNING) == ()


def test_the_name_of_today_tells_whose_rules_they_are() -> None:
    (open_,) = nics(BEHIND, BEHIND, NOT_RUNNING)
    assert open_.now == ("enp1s4", "ens4")
    (new,) = nics(BEHIND, BEHIND, named("ens4", "0000:01:04.0"))
    assert (new.now, new.start) == (("ens4",), ("ens4",))
