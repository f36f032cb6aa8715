"""A domain's machine here and under the QEMU of where it goes, by QEMUs that tests write."""

from dataclasses import replace
from pathlib import Path

import pytest

from host_agent.migrate.facts import End, MachineThere, Under
from host_agent.migrate.rehearsal import Going, Rehearsals
from host_agent.missing import Missing, Reason
from host_agent.qemu.rehearsal_store import RehearsalStore
from tests.integration.scripted_qemu import write
from tests.integration.test_probe_failures import nothing_is_left, open_folder
from tests.unit.host_agent.shared.cases import DEFINITION

__all__ = ["nothing_is_left", "open_folder"]

THERE = End(name="node2", uuid=None, qemu="7.2.22")
OTHER_BRIDGE = "qemu.config[8] = 0x06000001"


def arguments(_: str) -> tuple[str, ...]:
    return ("qemu", "-machine", "pc-q35-9.0", "-accel", "tcg", "-m", "8", "-smp", "1")


@pytest.fixture
def store(tmp_path: Path) -> RehearsalStore:
    return RehearsalStore(tmp_path / "kept")


@pytest.fixture
def going(open_folder: Path) -> Going:
    folder = open_folder / "here"
    folder.mkdir(mode=0o755)
    definition = replace(DEFINITION, emulator=str(write(folder)), architecture="x86_64")
    return Going(definition=definition, xml="<domain/>", process=None, local=True)


@pytest.fixture
def other(open_folder: Path) -> str:
    folder = open_folder / "there"
    folder.mkdir(mode=0o755)
    return str(write(folder, "qemu = Qemu()", OTHER_BRIDGE, "qemu.serve()"))


def found(
    store: RehearsalStore, going: Going, under: Under, there: End = THERE
) -> MachineThere | Missing:
    return Rehearsals(under, store).there(going, arguments, arguments, there)


def test_what_another_qemu_makes_otherwise(store: RehearsalStore, going: Going, other: str) -> None:
    made = found(store, going, Under(seconds=60, qemu=other))
    assert isinstance(made, MachineThere)
    assert made.qemu.startswith("7.2.22")
    assert {(str(one.area), one.field, one.old, one.new) for one in made.differences} == {
        ("PCI", "revision", "2", "1")
    }


def test_this_hosts_own_is_the_same(store: RehearsalStore, going: Going) -> None:
    made = found(store, going, Under(seconds=60, local=True))
    assert isinstance(made, MachineThere)
    assert made.differences == ()


@pytest.mark.parametrize(
    ("under", "changed", "there", "reason", "said"),
    [
        (Under(seconds=60), {}, THERE, Reason.UNSUPPORTED, "QEMU of node2 can't be run from here"),
        (Under(seconds=60, local=True), {"local": False}, THERE, Reason.UNSUPPORTED,
         "only on its own host"),
        (Under(seconds=60, local=True), {"driver": "TEST"}, THERE, Reason.UNSUPPORTED,
         "TEST driver runs no QEMU"),
        (Under(seconds=60, local=True), {}, replace(THERE, qemu="10.0.13"), Reason.REFUSED,
         "and node2 (QEMU 10.0.13) has another"),
        (Under(seconds=60, qemu="/nonexistent/qemu"), {}, THERE, Reason.ABSENT, "there is no"),
    ],
)  # fmt: skip
def test_what_can_not_be_told_is_said(
    store: RehearsalStore,
    going: Going,
    under: Under,
    changed: dict[str, object],
    there: End,
    reason: Reason,
    said: str,
) -> None:
    missing = found(store, replace(going, **changed), under, there)  # type: ignore[arg-type]  # by names
    assert isinstance(missing, Missing)
    assert missing.reason is reason
    assert said in missing.sentence


def test_a_libvirt_that_writes_no_command_line(store: RehearsalStore, going: Going) -> None:
    hung = Missing(reason=Reason.HUNG, sentence="libvirt there does not answer")
    made = Rehearsals(Under(seconds=60, local=True), store).there(
        going, arguments, lambda _: hung, replace(THERE, qemu=None)
    )
    assert made == hung
