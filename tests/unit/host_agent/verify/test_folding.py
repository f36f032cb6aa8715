"""What is said once for many domains, and what is not."""

from dataclasses import replace

import pytest

from host_agent.atlas.predictions import predictions
from host_agent.case.results import Audited, Failed, Verdict
from host_agent.difference import Area, Difference, Effect, Prediction, series
from host_agent.finding import Finding, Outcome
from host_agent.verify import folding, predicted
from host_agent.verify.policy import judge
from tests.unit.host_agent.shared.cases import (
    BASELINE,
    DEFINITION,
    MACHINE,
    NOTHING,
    SILENT,
    case,
    declared,
)
from tests.unit.host_agent.shared.forty import definition, moved, silent, smbios, upgraded

FAMILY = Difference(
    area=Area.SMBIOS, subject="type 4 Processor", field="Processor Family", old="0x01", new="0xfe"
)
SERIAL = Difference(
    area=Area.SMBIOS, subject="type 1 System", field="Serial Number", old="a", new="b"
)


def prediction(*differences: Difference, old: str = "7.2.22", new: str = "10.0.13") -> Prediction:
    return Prediction(
        architecture="x86_64", machine=MACHINE, old=old, new=new, differences=differences
    )


def forecast(*differences: Difference, check: str = "next-boot") -> Finding:
    return Finding(
        check=check,
        outcome=Outcome.WARN,
        sentence=f"the guest will see {len(differences)} things",
        differences=differences,
    )


def with_findings(*findings: Finding, number: int = 1) -> Audited:
    audited = moved(number)
    return Audited(case=audited, verdict=replace(judge(audited), findings=findings))


def judged(*cases: object) -> list[Audited]:
    return [Audited(case=one, verdict=judge(one)) for one in cases]  # type: ignore[arg-type]


def test_what_an_atlas_predicts_is_known() -> None:
    folded = folding.fold([with_findings(forecast(FAMILY))], [prediction(FAMILY)])
    (known,) = folded.known
    assert (known.when, known.old, known.new) == ("boot", "7.2.22", "10.0.13")
    assert (known.differences, known.effects) == ((FAMILY,), (Effect.INVENTORY,))
    assert folded.shared == ()


def test_in_how_many_processors_does_not_matter() -> None:
    many = forecast(replace(FAMILY, count=8))
    folded = folding.fold([with_findings(many)], [prediction(FAMILY)])
    assert folded.known[0].differences == (FAMILY,)
    assert folded.shared == ()


@pytest.mark.parametrize(
    "other",
    [
        prediction(replace(FAMILY, new="0xc8")),
        prediction(FAMILY, new="9.2.0"),
        replace(prediction(FAMILY), machine="pc-q35-7.2"),
        replace(prediction(FAMILY), architecture="aarch64"),
    ],
)
def test_another_machine_qemu_or_value_is_not_known(other: Prediction) -> None:
    folded = folding.fold([with_findings(forecast(FAMILY))], [other])
    assert folded.known == ()
    assert folded.shared[0].sentence == "the guest will see 1 things"


def test_what_is_not_predicted_remains_alone() -> None:
    folded = folding.fold([with_findings(forecast(FAMILY, SERIAL))], [prediction(FAMILY)])
    assert folded.known[0].differences == (FAMILY,)
    (rest,) = folded.shared
    assert rest.sentence == f"the guest will see {SERIAL}"


def test_the_prediction_that_says_most_is_taken_then_the_baselines_then_the_newest() -> None:
    both = [prediction(FAMILY, old="5.2.0"), prediction(FAMILY, old="7.2.22")]
    finding = forecast(FAMILY)
    found, _ = predicted.of(moved(1), finding, both)
    assert found is both[1]
    older = moved(1, baseline=replace(BASELINE, qemu="5.2.0"))
    assert predicted.of(older, finding, both)[0] is both[0]
    most = prediction(FAMILY, SERIAL, old="8.2.0")
    assert predicted.of(moved(1), forecast(FAMILY, SERIAL), [*both, most])[0] is most
    assert predicted.of(moved(1), forecast(), both) == (None, ())


def test_the_next_start_repeats_nothing_of_the_next_boot() -> None:
    start = forecast(FAMILY, SERIAL, check="next-start")
    folded = folding.fold([with_findings(forecast(FAMILY), start)], [prediction(FAMILY)])
    assert [known.when for known in folded.known] == ["boot"]
    (rest,) = folded.shared
    assert (rest.check, rest.sentence) == ("next-start", f"the guest will see {SERIAL}")


def test_a_warning_is_one_line_with_its_domains() -> None:
    results = judged(*(upgraded(number) for number in range(1, 10)), moved(20))
    folded = folding.fold(results, [])
    (stale,) = [line for line in folded.shared if line.check == "stale-qemu"]
    assert len(stale.domains) == 9
    assert stale.remedy == "migrate the domain, or stop and start it"


def test_remedies_that_differ_are_left_out() -> None:
    cases = [
        case(declared=declared(DEFINITION, name=name, machine="pc")) for name in ("one", "two")
    ]
    (line,) = folding.fold(judged(*cases), []).shared
    assert (line.check, len(line.domains), line.remedy, line.ways) == ("alias", 2, None, 1)


@pytest.mark.parametrize(("ways", "lines"), [(3, 3), (4, 1)])
def test_what_differs_from_domain_to_domain_is_counted(ways: int, lines: int) -> None:
    cases = [
        moved(
            number,
            declared=declared(definition(number), machine=f"pc-q35-{number}.0", name="other"),
        )
        for number in range(ways)
    ]
    found = [
        line for line in folding.fold(judged(*cases), []).shared if line.check == "pending-change"
    ]
    assert len(found) == lines
    assert sum(len(line.domains) for line in found) == ways
    assert found[0].ways == (1 if lines > 1 else ways)


def test_one_trouble_of_many_is_one_problem_but_every_mismatch_is_its_own() -> None:
    quiet = [silent(moved(number), SILENT) for number in range(5)]
    wrong = [
        moved(number, memory=smbios(99, 1), observation=NOTHING, definition={"channel": None})
        for number in range(10, 13)
    ]
    failed = [Failed(name=name, uuid=name, error="no XML") for name in "ab"]
    problems = folding.fold([*judged(*quiet, *wrong), *failed], []).problems
    assert [(problem.word, len(problem.results)) for problem in problems] == [
        ("mismatch", 1),
        ("mismatch", 1),
        ("mismatch", 1),
        ("failed", 2),
        ("no answer", 5),
    ]


def test_only_what_is_required_is_said_to_be_missing() -> None:
    (problem,) = folding.fold(judged(silent(moved(1), SILENT)), []).problems
    assert [finding.check for finding in problem.findings] == ["agent"]
    (dark,) = folding.fold(judged(moved(1, observation=SILENT, memory=NOTHING)), []).problems
    assert [finding.check for finding in dark.findings] == ["agent", "identity"]
    assert dark.also == ((), ("machine-type", "product"))


def test_a_verdict_that_nothing_explains_shows_all_that_is_missing() -> None:
    unknown = Finding(check="next-start", outcome=Outcome.UNKNOWN, sentence="not to be had")
    audited = Audited(
        case=moved(1),
        verdict=Verdict(decision="unverified", depth=None, findings=(unknown,)),  # type: ignore[arg-type]
    )
    (problem,) = folding.fold([audited], []).problems
    assert problem.findings == (unknown,)


def test_the_shipped_atlases_predict_the_move_from_7_2_to_10_0() -> None:
    results = judged(moved(1), moved(2))
    found = predictions(predicted.wanted(results))
    assert {one.new for one in found} == {"10.0.13"}
    (known,) = folding.fold(results, found).known
    assert (known.old, known.differences, len(known.domains)) == ("7.2.22", (FAMILY,), 2)


def test_no_atlas_is_read_where_nothing_differs() -> None:
    assert predictions(predicted.wanted(judged(case()))) == ()
    assert predictions(predicted.wanted([Failed(name="a", uuid="u", error="gone")])) == ()


@pytest.mark.parametrize(
    ("version", "expected"), [("7.2.22", (7, 2)), ("10", (10,)), ("", ()), ("odd.x", ())]
)
def test_series(version: str, expected: tuple[int, ...]) -> None:
    assert series(version) == expected
