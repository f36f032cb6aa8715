"""When a baseline is written, what with, and what is said where that goes wrong."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from host_agent.case.case import Case, Occasion
from host_agent.case.results import Confirmed, Failed
from host_agent.domain.definition import DomainXmlError
from host_agent.errors import EvidenceError, LedgerError, LibvirtError
from host_agent.evidence import baseline_element as baselines
from host_agent.evidence.baseline import NAMESPACE, Baseline, Event
from host_agent.evidence.observation import Observation
from host_agent.missing import Missing, Reason
from host_agent.records.entry import Entry
from host_agent.verify import verifier as verifiers
from host_agent.verify.policy import judge
from host_agent.verify.today import baseline_of, differs, evidence_lacks
from host_agent.verify.verifier import Verifier, arrived, kept_in
from samemachine.v1 import guest_pb2
from tests.smbios_builder import UUID_1
from tests.unit.host_agent.shared.baseline_rows import NO_BASELINE, OFF, UNAGENTED
from tests.unit.host_agent.shared.cases import (
    BASELINE,
    COPY,
    DEFINITION,
    NOT_ENROLLED,
    NOTHING,
    OBSERVATION,
    PROBED,
    RUNNING,
    SILENT,
    case,
    declared,
    smbios,
)

NOW = BASELINE.taken + 7200.0
REFUSED = Missing(reason=Reason.REFUSED, sentence="the baseline can't be used: it is no XML")
PAUSED = Missing(reason=Reason.PAUSED, sentence="the domain is paused")
DENIED = Missing(reason=Reason.DENIED, sentence="a channel can't be opened")
OTHER_BOOT = replace(OBSERVATION, boot_id="c")
WRONG = {"running": replace(RUNNING, machine="pc-i440fx-10.0")}
MOVED = {"host": "node41", "occasion": Occasion.ARRIVAL}


def reported(**fields: Any) -> bytes:
    return guest_pb2.Report(agent_version="1", **fields).SerializeToString()


BOOT = guest_pb2.Boot(boot_id="c")


class OneDomain:
    """A domain that takes metadata, or refuses it."""

    name, uuid = "vm1", UUID_1

    def __init__(self, refuses: Exception | None = None) -> None:
        self.refuses = refuses
        self.written: list[tuple[str, bool, bool]] = []

    def set_metadata(
        self, element: str, prefix: str, namespace: str, *, live: bool, persistent: bool
    ) -> None:
        assert (prefix, namespace) == ("samemachine", NAMESPACE)
        if self.refuses:
            raise self.refuses
        self.written.append((element, live, persistent))

    @property
    def baseline(self) -> Baseline:
        """What was written last."""
        return baselines.from_element(self.written[-1][0], UUID_1)


class Evidence:
    """Gathers what it was given, one after the other; the last again and again."""

    def __init__(self, *cases: Case | Exception) -> None:
        self.facts = SimpleNamespace(name="node17")
        self.cases = list(cases)
        self.refreshings = 0

    def case(self, domain: object) -> Case:
        one = self.cases.pop(0) if len(self.cases) > 1 else self.cases[0]
        if isinstance(one, Exception):
            raise one
        return one

    def refreshed(self, seconds: float | None = None) -> "Evidence":
        self.refreshings += 1
        return self


class Memory:
    """A ledger that remembers, or is full."""

    waiting = lost = 0
    trouble: str | None = None

    def __init__(self, full: str = "") -> None:
        self.full = full
        self.entries: list[Entry] = []
        self.copies: list[tuple[str, str]] = []

    def append(self, *entries: Entry) -> None:
        self._refuse()
        self.entries += entries

    def keep_baseline(self, uuid: str, element: str, *, time: float, host: str) -> None:
        self._refuse()
        self.copies.append((uuid, element))

    def baseline(self, uuid: str) -> str | None:
        self._refuse()
        return self.copies[-1][1] if self.copies else None

    def _refuse(self) -> None:
        if self.full:
            raise LedgerError(self.full)


class Trial:
    """One verifier with its fakes."""

    def __init__(
        self,
        *cases: Case | Exception,
        refuses: Exception | None = None,
        full: str = "",
        ledger: bool = True,
    ) -> None:
        # They have what a verifier uses of the real ones.
        self.domain: Any = OneDomain(refuses)
        self.ledger: Any = Memory(full)
        self.evidence: Any = Evidence(*cases)
        kept: Any = self.ledger if ledger else None
        gatherer: Any = self.evidence
        self.verifier = Verifier(gatherer=gatherer, ledger=kept, clock=lambda: NOW)

    def attempt(self, **how: Any) -> Confirmed:
        result = self.verifier.attempt(self.domain, **{"final": True, **how})
        assert isinstance(result, Confirmed)
        return result


# When today's state is another one.


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),
        ({"host": "node41"}, True),
        ({"qemu": "7.2.23"}, True),
        ({"declared": declared(replace(declared().definition, machine="pc-i440fx-8.0"))}, True),
        ({"now": replace(PROBED, options="other")}, True),
        ({"observation": replace(OBSERVATION, raw=reported())}, True),
        ({"observation": replace(OBSERVATION, raw=reported(boot=BOOT))}, True),
        # A move or a start is one, also where all is as it was.
        ({"occasion": Occasion.ARRIVAL}, True),
        ({"occasion": Occasion.RESTART}, True),
        # What can't be seen today is none.
        ({"now": NOTHING}, False),
        ({"qemu": None}, False),
        ({"observation": NOT_ENROLLED}, False),
        ({"observation": NOT_ENROLLED, "host": "node41"}, False),
        ({"observation": SILENT}, False),
        ({"observation": NOT_ENROLLED, "memory": NOTHING}, False),
        ({"baseline": NO_BASELINE}, False),
        ({"baseline": REFUSED, "host": "node41"}, False),
        # The agent came after the baseline.
        ({"baseline": UNAGENTED, "observation": replace(OBSERVATION, raw=reported())}, True),
        ({"baseline": UNAGENTED, "observation": NOT_ENROLLED}, True),
    ],
)  # fmt: skip
def test_differs(changes: dict[str, Any], expected: bool) -> None:
    assert differs(case(**changes)) is expected


def test_clocks_are_no_difference() -> None:
    def clocked(nanoseconds: int) -> Observation:
        return replace(
            OBSERVATION, raw=reported(clock=guest_pb2.Clock(realtime_nanoseconds=nanoseconds))
        )

    before = replace(BASELINE, observation=clocked(1))
    assert not differs(case(observation=clocked(10**18), baseline=before))


def test_memory_that_is_as_it_was_is_no_difference() -> None:
    seen = baselines.observation_of_memory(smbios(), 1.0)
    before = replace(BASELINE, observation=seen)
    quiet = {"baseline": before, "observation": NOT_ENROLLED}
    assert not differs(case(**quiet))
    assert differs(case(**quiet, memory=smbios(product="other")))
    assert not differs(case(**quiet, memory=NOTHING))


# Of what a baseline can be taken.


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        ({}, None),
        ({"memory": NOTHING}, None),
        ({"observation": NOT_ENROLLED}, None),
        ({"observation": NOT_ENROLLED, "memory": NOTHING}, NOTHING.sentence),
        # It has our channel: the host alone would make a weaker one.
        ({"observation": SILENT}, SILENT.sentence),
        ({"observation": PAUSED}, PAUSED.sentence),
        ({"declared": OFF}, "the domain is not running"),
        ({"declared": OFF, "observation": NOT_ENROLLED}, "the domain is not running"),
    ],
)
def test_evidence_lacks(changes: dict[str, Any], lacks: str | None) -> None:
    found = evidence_lacks(case(**changes))
    assert (found.sentence if found else None) == lacks


def test_baseline_of_what_the_guest_says() -> None:
    found = baseline_of(case(host="node41", qemu="10.0.13"), NOW)
    assert found == replace(
        BASELINE,
        taken=NOW,
        host="node41",
        qemu="10.0.13",
        booted_qemu="7.2.22",
        trail=(),
        salt=None,
    )


def test_two_domains_with_one_hwuuid_have_baselines_of_their_own() -> None:
    one = replace(DEFINITION, hardware_uuid=UUID(int=9))
    found = baseline_of(case(declared=declared(one)), NOW)
    assert found is not None
    assert found.uuid == DEFINITION.uuid


def test_baseline_of_memory() -> None:
    found = baseline_of(case(observation=NOT_ENROLLED, memory=smbios(product="X")), NOW)
    assert found is not None
    assert (found.product, found.observation.boot_id, found.taken) == ("X", None, NOW)
    assert found.observation == baselines.observation_of_memory(smbios(product="X"), NOW)
    assert baselines.from_element(baselines.to_element(found), UUID_1).observation.raw


def test_baseline_of_nothing() -> None:
    assert baseline_of(case(observation=SILENT, memory=NOTHING), NOW) is None


@pytest.mark.parametrize(
    ("changes", "booted"),
    [
        ({}, "7.2.22"),
        ({"qemu": "10.0.13", **MOVED}, "7.2.22"),
        ({"qemu": "10.0.13", "observation": OTHER_BOOT}, "10.0.13"),
        ({"qemu": "10.0.13", "observation": OTHER_BOOT, "occasion": Occasion.RESTART,
          "running": replace(RUNNING, arguments=("-incoming", "defer"))}, "10.0.13"),
        ({"qemu": "10.0.13", "baseline": NO_BASELINE,
          "running": replace(RUNNING, arguments=("-incoming", "defer"))}, None),
        ({"qemu": "10.0.13", "baseline": NO_BASELINE, "running": NOTHING}, None),
        ({"qemu": "10.0.13", "baseline": NO_BASELINE}, "10.0.13"),
        # Two boot ids that are not known are not the same one.
        ({"qemu": "10.0.13", "baseline": UNAGENTED,
          "observation": replace(OBSERVATION, boot_id=None)}, "10.0.13"),
    ],
)  # fmt: skip
def test_the_qemu_that_the_guest_booted_with(changes: dict[str, Any], booted: str | None) -> None:
    found = baseline_of(case(**changes), NOW)
    assert found is not None
    assert found.booted_qemu == booted


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({}, BASELINE.options),
        ({"now": replace(PROBED, options="other")}, "other"),
        # Over a remote connection: what its own host saw of this boot still holds,
        ({"now": NOTHING, **MOVED}, BASELINE.options),
        # of another boot it does not.
        ({"now": NOTHING, "observation": OTHER_BOOT}, None),
        ({"now": NOTHING, "baseline": NO_BASELINE}, None),
    ],
)
def test_the_options_of_a_baseline(changes: dict[str, Any], options: str | None) -> None:
    assert BASELINE.options is not None
    found = baseline_of(case(**changes), NOW)
    assert found is not None
    assert found.options == options


def test_the_devices_of_a_baseline() -> None:
    """They come from the command line, and stay where that can't be seen."""
    words = ("qemu", "-machine", "pc", "-device", "e1000,id=net0")
    started = replace(RUNNING, arguments=words)
    found = baseline_of(case(running=started), NOW)
    assert found is not None
    assert found.devices is not None
    assert "e1000,id=net0" in found.devices
    kept = replace(BASELINE, devices="kept")
    for changes, devices in (
        ({"running": replace(RUNNING, arguments=("qemu", "-device", "{"))}, None),
        ({"now": NOTHING, "running": NOTHING, "baseline": kept}, "kept"),
        ({"now": NOTHING, "baseline": kept, "observation": OTHER_BOOT}, None),
    ):
        found = baseline_of(case(**changes), NOW)
        assert found is not None
        assert found.devices == devices


# What is news.


def told(host: str, occasion: str, verdict: str) -> Event:
    return Event(time=1.7e9, host=host, qemu=None, occasion=occasion, verdict=verdict)


@pytest.mark.parametrize(
    ("occasion", "trail", "expected"),
    [
        (Occasion.AUDIT, (), False),
        (Occasion.ARRIVAL, (), True),
        (Occasion.ARRIVAL, (told("node17", "arrival", "mismatch"),), False),
        (Occasion.ARRIVAL, (told("node41", "arrival", "mismatch"),), True),
        (Occasion.ARRIVAL, (told("node17", "arrival", "verified"),), True),
        (Occasion.RESTART, (told("node17", "arrival", "mismatch"),), True),
        (Occasion.RESTART, (told("node17", "restart", "mismatch"), told("a", "b", "c")), True),
    ],
)
def test_news(occasion: Occasion, trail: Sequence[Event], expected: bool) -> None:
    before = replace(BASELINE, trail=tuple(trail))
    one = case(**WRONG, occasion=occasion, baseline=before)
    assert verifiers._is_news(one, (one.occasion, judge(one).decision or ""), before) is expected


@pytest.mark.parametrize(
    ("running", "expected"),
    [
        (None, False),
        (RUNNING, False),
        (replace(RUNNING, started=2.0), False),
        (replace(RUNNING, started=2.0, arguments=("-S", "-incoming", "defer")), True),
        (replace(RUNNING, started=1.0, arguments=("-incoming", "defer")), True),
        (replace(RUNNING, started=0.9, arguments=("-incoming", "defer")), False),
    ],
)
def test_arrived(running: Any, expected: bool) -> None:
    assert arrived(running, 1.0) is expected


def test_a_copy_is_read_or_is_none() -> None:
    ledger: Any = Memory()
    assert kept_in(None)(UUID_1) is None
    assert kept_in(ledger)(UUID_1) is None
    ledger.keep_baseline(str(UUID_1), "<x/>", time=0.0, host="h")
    assert kept_in(ledger)(UUID_1) == "<x/>"
    full: Any = Memory("it is locked")
    assert kept_in(full)(UUID_1) is None


# Verifying.


def test_where_nothing_changed_nothing_is_written() -> None:
    trial = Trial(case())
    result = trial.attempt()
    assert (result.audited.verdict.decision, result.kept) == ("verified", False)
    assert (trial.domain.written, trial.ledger.copies) == ([], [])
    (entry,) = trial.ledger.entries
    assert (entry.verdict, entry.occasion, entry.time) == ("verified", "audit", NOW)


def test_an_arrival_that_is_right_renews_the_baseline() -> None:
    before = replace(BASELINE, trail=(told("node17", "restart", "verified"),))
    trial = Trial(case(baseline=before, **MOVED))
    result = trial.attempt()
    assert (result.kept, result.unwritten, result.complaints) == (True, None, ())
    ((_, live, persistent),) = trial.domain.written
    assert (live, persistent) == (True, True)
    written = trial.domain.baseline
    assert (written.host, written.taken) == ("node41", NOW)
    assert [(one.host, one.occasion, one.verdict) for one in written.trail] == [
        ("node17", "restart", "verified"),
        ("node41", "arrival", "verified"),
    ]
    assert trial.ledger.copies == [(str(UUID_1), trial.domain.written[0][0])]


def test_a_mismatch_keeps_the_baseline_and_adds_to_its_trail_once() -> None:
    trial = Trial(case(**MOVED, **WRONG))
    result = trial.attempt()
    assert (result.audited.verdict.decision, result.kept) == ("mismatch", False)
    written = trial.domain.baseline
    assert (written.host, written.taken) == (BASELINE.host, BASELINE.taken)
    (event,) = written.trail
    assert (event.host, event.verdict, event.time) == ("node41", "mismatch", NOW)
    again = Trial(case(**MOVED, **WRONG, baseline=replace(BASELINE, trail=(event,))))
    again.attempt()
    assert again.domain.written == []


def test_a_transient_domain_has_no_persistent_metadata() -> None:
    trial = Trial(case(**MOVED, declared=replace(declared(), persistent=None)))
    trial.attempt()
    assert trial.domain.written[0][1:] == (True, False)


def test_the_trail_is_bounded() -> None:
    trail = tuple(told(f"node{number}", "arrival", "verified") for number in range(10))
    trial = Trial(case(**MOVED, baseline=replace(BASELINE, trail=trail)))
    trial.attempt()
    hosts = [event.host for event in trial.domain.baseline.trail]
    assert hosts == [*(f"node{number}" for number in range(1, 10)), "node41"]


@pytest.mark.parametrize(
    ("changes", "first", "refresh", "decision", "kept"),
    [
        ({"baseline": NO_BASELINE}, False, False, "unverified", False),
        ({"baseline": NO_BASELINE}, True, False, "verified", True),
        ({"baseline": NO_BASELINE, **WRONG}, True, False, "mismatch", False),
        ({"baseline": NO_BASELINE, "observation": SILENT}, True, False, "unverified", False),
        # What is there and can't be used is not replaced unasked.
        ({"baseline": REFUSED}, True, False, "unverified", False),
        ({"baseline": REFUSED}, False, True, "unverified", False),
        ({}, True, False, "verified", False),
        ({}, False, True, "verified", True),
        (WRONG, False, True, "mismatch", False),
        ({"declared": OFF}, True, True, None, False),
    ],
)
def test_when_it_is_kept(
    changes: dict[str, Any], first: bool, refresh: bool, decision: str | None, kept: bool
) -> None:
    trial = Trial(case(**changes))
    result = trial.attempt(first=first, refresh=refresh)
    assert (result.audited.verdict.decision, result.kept) == (decision, kept)
    assert bool(trial.domain.written) is kept
    assert len(trial.ledger.entries) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        EvidenceError(Reason.BUSY, "a job of libvirt is running on the domain"),
        LibvirtError("libvirt did not answer"),
    ],
)
def test_metadata_that_is_refused_is_said_and_can_be_written_later(trouble: Exception) -> None:
    trial = Trial(case(**MOVED), refuses=trouble)
    result = trial.attempt()
    assert (result.audited.verdict.decision, result.kept) == ("verified", False)
    assert result.complaints == (f"the baseline was not written: {trouble}",)
    assert result.unwritten is not None
    assert baselines.from_element(result.unwritten, UUID_1).host == "node41"
    assert trial.ledger.copies == [(str(UUID_1), result.unwritten)]


def test_a_full_ledger_costs_history_only() -> None:
    trial = Trial(case(**MOVED), full="the disk is full")
    result = trial.attempt()
    assert (result.audited.verdict.decision, result.kept) == ("verified", True)
    assert result.complaints == (
        "no copy of the baseline: the disk is full",
        "no history: the disk is full",
    )
    assert trial.domain.written


def test_without_a_ledger() -> None:
    trial = Trial(case(**MOVED), ledger=False)
    assert trial.attempt().complaints == ()
    assert trial.domain.written


def test_what_is_too_large_is_said() -> None:
    large = replace(PROBED, options="x" * (1 << 20))
    result = Trial(case(**MOVED, now=large)).attempt()
    assert result.kept is False
    assert "was not written: its list of options has" in result.complaints[0]


def test_what_will_answer_is_waited_for() -> None:
    trial = Trial(case(observation=SILENT))
    assert trial.verifier.attempt(trial.domain, final=False) is None
    assert (trial.ledger.entries, trial.domain.written) == ([], [])
    # The boot that the baseline knows still answers for a moment after a reset.
    same = Trial(case())
    assert same.verifier.attempt(same.domain, final=False, another_boot=True) is None
    other = Trial(case(observation=OTHER_BOOT, occasion=Occasion.RESTART))
    assert other.verifier.attempt(other.domain, final=False, another_boot=True) is not None


@pytest.mark.parametrize("observation", [NOT_ENROLLED, DENIED, NOTHING, OBSERVATION])
def test_what_will_not_is_not(observation: Observation | Missing) -> None:
    trial = Trial(case(observation=observation))
    assert trial.verifier.attempt(trial.domain, final=False) is not None


def test_without_a_channel_the_firmware_is_waited_for() -> None:
    early = Missing(reason=Reason.EARLY, sentence="the firmware has left no tables (yet)")
    trial = Trial(case(observation=NOT_ENROLLED, memory=early))
    assert trial.verifier.attempt(trial.domain, final=False) is None
    # Where the guest answers, its memory need not.
    other = Trial(case(memory=early))
    assert other.verifier.attempt(other.domain, final=False) is not None


def test_confirm_looks_again_until_the_guest_answers() -> None:
    quiet, moved = case(observation=SILENT), case(**MOVED)
    trial = Trial(LibvirtError("it is being started"), quiet, moved)
    result = trial.verifier.confirm(trial.domain, wait=30.0)
    assert isinstance(result, Confirmed)
    assert result.audited.case is moved
    assert trial.evidence.refreshings == 2
    assert len(trial.ledger.entries) == 1


def test_confirm_ends() -> None:
    trial = Trial(case(observation=SILENT))
    result = trial.verifier.confirm(trial.domain)
    assert isinstance(result, Confirmed)
    assert result.audited.verdict.decision == "unverified"
    assert trial.evidence.refreshings == 0


TROUBLES: list[Callable[[], Exception]] = [
    lambda: LibvirtError("the domain stopped"),
    lambda: DomainXmlError("its XML is broken"),
]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_domain_that_can_not_be_looked_at(trouble: Callable[[], Exception]) -> None:
    trial = Trial(trouble())
    assert trial.verifier.attempt(trial.domain, final=False) is None
    result = trial.verifier.attempt(trial.domain, final=True)
    assert result == Failed(name="vm1", uuid=str(UUID_1), error=str(trouble()))
    (entry,) = trial.ledger.entries
    assert (entry.verdict, entry.host) == ("failed", "node17")
    assert entry.problem is not None
    full = Trial(trouble(), full="the disk is full")
    failed = full.verifier.accept(full.domain)
    assert isinstance(failed, Failed)
    assert failed.error == f"{trouble()}; and no history: the disk is full"


# Accepting.


@pytest.mark.parametrize("changes", [{}, WRONG, {"baseline": NO_BASELINE}, {"baseline": REFUSED}])
def test_what_an_operator_accepts_is_the_baseline(changes: dict[str, Any]) -> None:
    trial = Trial(case(**changes))
    result = trial.verifier.accept(trial.domain)
    assert isinstance(result, Confirmed)
    assert result.kept
    assert trial.domain.baseline.taken == NOW
    assert trial.domain.baseline.trail[-1].time == NOW
    (entry,) = trial.ledger.entries
    assert (entry.time, entry.occasion, entry.verdict) == (NOW, "baseline", "accepted")


@pytest.mark.parametrize(
    "changes",
    [
        {"observation": SILENT},
        {"declared": OFF},
        {"observation": NOT_ENROLLED, "memory": NOTHING},
        {"elsewhere": (COPY,)},
    ],
)
def test_without_evidence_there_is_nothing_to_accept(changes: dict[str, Any]) -> None:
    trial = Trial(case(**changes))
    result = trial.verifier.accept(trial.domain)
    assert isinstance(result, Failed)
    assert result.error.startswith("no baseline: ")
    assert trial.domain.written == []
    assert trial.ledger.entries == []


def test_what_was_not_written_was_not_accepted() -> None:
    trial = Trial(case(), refuses=EvidenceError(Reason.BUSY, "a job runs"))
    result = trial.verifier.accept(trial.domain)
    assert isinstance(result, Confirmed)
    assert trial.ledger.entries == []


def test_the_ledgers_copy_is_said_and_put_back() -> None:
    copied = replace(BASELINE, instead_of="its report is damaged")
    trial = Trial(case(baseline=copied))
    result = trial.attempt()
    assert result.kept
    assert result.complaints == (
        "held against the ledger's copy of the baseline: its report is damaged",
    )
    assert trial.domain.baseline.instead_of is None
    # A mismatch does not make what it found the baseline.
    trial = Trial(case(baseline=copied, **WRONG))
    assert not trial.attempt().kept


def test_accepting_says_what_was_not_written() -> None:
    trial = Trial(case(), refuses=EvidenceError(Reason.BUSY, "a job runs"), full="disk full")
    result = trial.verifier.accept(trial.domain)
    assert isinstance(result, Confirmed)
    assert not result.kept
    assert result.complaints == (
        "the baseline was not written: a job runs",
        "no copy of the baseline: disk full",
    )
