"""Which baseline a domain is held against, where XML and ledger have one, or none that is good."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from host_agent.checks import same_boot
from host_agent.evidence.baseline import NAMESPACE, Baseline
from host_agent.evidence.baseline_choice import NO_BASELINE, choose, newer
from host_agent.evidence.baseline_element import observation_of_memory, to_element
from host_agent.finding import Outcome
from host_agent.missing import Missing, Reason
from tests.smbios_builder import UUID_1
from tests.unit.host_agent.shared.baseline_rows import ARRIVAL
from tests.unit.host_agent.shared.cases import BASELINE, DEFINITION, SILENT, case, smbios

SEEN = observation_of_memory(smbios(), BASELINE.taken)
GOOD = replace(BASELINE, observation=SEEN, host="written")
COPY = replace(GOOD, host="copied")
OTHER = UUID(int=5)
WRITTEN = to_element(GOOD)
COPIED = to_element(COPY)
DAMAGED = WRITTEN.replace('sha256="', 'sha256="00')
FOREIGN = to_element(replace(GOOD, uuid=OTHER))


def chosen(written: str | None, copy: str | None) -> Baseline | Missing:
    def kept(uuid: UUID) -> str | None:
        assert uuid == UUID_1
        return copy

    metadata = {} if written is None else {NAMESPACE: written}
    return choose(replace(DEFINITION, metadata=metadata), kept)


@pytest.mark.parametrize(
    ("written", "copy", "host", "instead"),
    [
        (WRITTEN, None, "written", None),
        (WRITTEN, COPIED, "written", None),
        (WRITTEN, DAMAGED, "written", None),
        # An owner that rewrites the XML at each start loses it there.
        (None, COPIED, "copied", None),
        (DAMAGED, COPIED, "copied", "its report is damaged"),
        (FOREIGN, COPIED, "copied", f"it is of domain {OTHER}, not of this one"),
    ],
)
def test_the_one_that_is_good(
    written: str | None, copy: str | None, host: str, instead: str | None
) -> None:
    found = chosen(written, copy)
    assert isinstance(found, Baseline)
    assert found.host == host
    assert (found.instead_of is None) == (instead is None)
    assert (instead or "") in (found.instead_of or "")


@pytest.mark.parametrize(
    ("written", "copy", "reason", "words"),
    [
        (None, None, Reason.ABSENT, NO_BASELINE.sentence),
        (None, DAMAGED, Reason.REFUSED, "its report is damaged"),
        (None, FOREIGN, Reason.ABSENT, "not of this one"),
        (DAMAGED, None, Reason.REFUSED, "its report is damaged"),
        # What is wrong in the XML is said, not what is wrong beside it.
        (DAMAGED, FOREIGN, Reason.REFUSED, "its report is damaged"),
        (FOREIGN, None, Reason.ABSENT, f"it is of domain {OTHER}, not of this one"),
        (FOREIGN, DAMAGED, Reason.ABSENT, "was the definition copied?"),
    ],
)
def test_none_that_is_good(
    written: str | None, copy: str | None, reason: Reason, words: str
) -> None:
    found = chosen(written, copy)
    assert isinstance(found, Missing)
    assert found.reason is reason
    assert words in found.sentence
    assert found.remedy is not None


@pytest.mark.parametrize(
    ("copy", "found"),
    [
        (None, None), (COPIED, None), (DAMAGED, None), (FOREIGN, None),
        (to_element(replace(COPY, taken=GOOD.taken + 60)), "copied"),
        (to_element(replace(COPY, taken=GOOD.taken - 60)), None),
    ],
)  # fmt: skip
def test_a_copy_that_is_newer(copy: str | None, found: str | None) -> None:
    """A snapshot's definition came back, and with it the baseline of that time."""
    kept = newer(GOOD, DEFINITION, copy)
    assert (None if kept is None else kept.host) == found
    # One that is used instead of the XML's is not newer than that.
    assert newer(replace(GOOD, instead_of="it is broken"), DEFINITION, copy) is None


def test_a_good_one_needs_no_copy() -> None:
    def never(_: UUID) -> str | None:
        raise AssertionError

    assert isinstance(choose(replace(DEFINITION, metadata={NAMESPACE: WRITTEN}), never), Baseline)


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [({}, Outcome.PASS), (ARRIVAL, Outcome.PASS), ({"observation": SILENT}, Outcome.UNKNOWN)],
)
def test_the_finding_says_so(changes: dict[str, Any], outcome: Outcome) -> None:
    copied = replace(BASELINE, instead_of="it is broken")
    before, after = (same_boot.check(case(**changes, baseline=one)) for one in (BASELINE, copied))
    assert (before.outcome, after.outcome) == (outcome, outcome)
    said = " (held against the ledger's copy, for it is broken)"
    assert after.sentence == before.sentence + said
