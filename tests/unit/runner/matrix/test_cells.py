"""What a matrix is to do: machine types by steps."""

from dataclasses import replace

from tests.lab.matrix import cells
from tests.lab.matrix.cells import Cell, Forecast, Kind, Offer, Outcome, Row, Score, Step
from tests.lab.matrix.kinds import KINDS, X86_64

HELP = """Supported machines are:
microvm              microvm (i386)
pc                   Standard PC (i440FX + PIIX, 1996) (alias of pc-i440fx-7.2)
pc-i440fx-7.2        Standard PC (i440FX + PIIX, 1996) (default)
pc-i440fx-2.0        Standard PC (i440FX + PIIX, 1996) (deprecated)
pc-q35-7.2           Standard PC (Q35 + ICH9, 2009)
none                 empty machine
"""
OLD = "pc-i440fx-2.1", "pc-i440fx-7.2", "pc-q35-4.0.1", "pc-q35-7.2", "microvm"
NEW = "pc-i440fx-7.2", "pc-q35-4.0.1", "pc-q35-7.2", "pc-q35-10.0", "microvm"


def test_types_are_read_without_aliases() -> None:
    assert cells.listed(HELP) == (
        "microvm",
        "pc-i440fx-7.2",
        "pc-i440fx-2.0",
        "pc-q35-7.2",
        "none",
    )


def test_types_of_both_come_first_and_the_newest_of_them() -> None:
    assert [(row.machine, row.offer) for row in cells.rows(OLD, NEW, X86_64.types)] == [
        ("pc-i440fx-7.2", Offer.BOTH),
        ("pc-q35-7.2", Offer.BOTH),
        ("pc-q35-4.0.1", Offer.BOTH),
        ("pc-i440fx-2.1", Offer.SOURCE),
        ("pc-q35-10.0", Offer.TARGET),
    ]


def test_patterns_choose_any_type() -> None:
    assert [row.machine for row in cells.rows(OLD, NEW, ["micro*", "pc-q35-1?.*"])] == [
        "microvm",
        "pc-q35-10.0",
    ]
    assert cells.rows(OLD, NEW, ["pc-i440fx-9.*"]) == ()
    others = "pseries-7.2", "pseries-10.0", "virt-9.2", "s390-ccw-virtio-2.12"
    found = {kind.architecture: cells.rows(others, others, kind.types) for kind in KINDS}
    assert [row.machine for row in found["ppc64le"]] == ["pseries-10.0", "pseries-7.2"]
    assert [row.machine for row in found["s390x"]] == ["s390-ccw-virtio-2.12"]


def test_a_type_is_begun_anew_until_its_last_step_is_done() -> None:
    planned = Row(machine="a", offer=Offer.TARGET), Row(machine="b", offer=Offer.TARGET)
    done = [
        Cell(machine=machine, step=step, outcome=Outcome.EXPECTED)
        for machine, step in (("a", Step.BOOT), ("a", Step.BACK), ("b", Step.BOOT))
    ]
    assert cells.waiting(planned, []) == planned
    assert cells.waiting(planned, done) == planned[1:]


def test_what_kept_a_type_from_its_end() -> None:
    def of(*outcomes: Outcome) -> Cell | None:
        steps = [
            Cell(machine="pc", step=step, outcome=one)
            for step, one in zip(Step, outcomes, strict=False)
        ]
        return cells.broken_off(steps)

    good, lacks, never = Outcome.EXPECTED, Outcome.UNKNOWN, Outcome.NOT_REACHED
    assert of(good, good, lacks, never, never) == Cell(
        machine="pc", step=Step.MOVE, outcome=Outcome.UNKNOWN
    )
    assert of(good, good, good) is None
    # It came to its end without that evidence, which another try would lack as well.
    assert of(lacks, good, good) is None
    # What is not reached for another reason is none of ours.
    assert of(good, Outcome.BEYOND, never) is None
    # A second try would take the place of a fault that the first found.
    assert of(Outcome.BEYOND, good, lacks, never) is None


def test_a_wrong_forecast_is_not_tried_away() -> None:
    told = Forecast(kind=Kind.PLAN, about="a move", told="live", came="refused", score=Score.RIGHT)
    moved = Cell(machine="pc", step=Step.MOVE, outcome=Outcome.EXPECTED, forecasts=(told,))
    lacks = Cell(machine="pc", step=Step.REBOOT, outcome=Outcome.UNKNOWN)
    never = Cell(machine="pc", step=Step.RESTART, outcome=Outcome.NOT_REACHED)
    assert cells.broken_off([moved, lacks, never]) == lacks
    wrong = replace(moved, forecasts=(replace(told, score=Score.WRONG),))
    assert cells.broken_off([wrong, lacks, never]) is None
