"""One thing a domain at a time: nothing is lost, nothing runs twice."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from host_agent.verify.schedule import Schedule, Task

ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))


def task(uuid: UUID = ONE, due: float = 0.0, why: str = "started") -> Task:
    return Task(uuid=uuid, why=why, due=due, until=due + 60)


@pytest.fixture
def schedule() -> Schedule:
    return Schedule()


def test_nothing(schedule: Schedule) -> None:
    assert (len(schedule), schedule.next_due(9), schedule.take(9.0, 9)) == (0, None, [])
    schedule.forget(ONE)
    schedule.hasten(ONE, 1.0)
    schedule.done(ONE)
    assert len(schedule) == 0


def test_not_before_it_is_due(schedule: Schedule) -> None:
    schedule.add(task(due=5.0))
    assert schedule.next_due(9) == 5.0
    assert schedule.take(4.9, 9) == []
    assert schedule.take(5.0, 9) == [task(due=5.0)]
    assert (len(schedule), schedule.next_due(9)) == (1, None)
    schedule.done(ONE)
    assert len(schedule) == 0


def test_a_newer_one_replaces_what_waits(schedule: Schedule) -> None:
    schedule.add(task(due=5.0))
    schedule.add(task(why="arrived"))
    assert len(schedule) == 1
    assert schedule.take(9.0, 9) == [task(why="arrived")]


def test_a_lesser_one_does_not(schedule: Schedule) -> None:
    schedule.add(task(due=5.0))
    schedule.add_unless_waiting(task(why="device added"))
    schedule.add_unless_waiting(task(TWO, why="device added"))
    assert [one.why for one in schedule.take(9.0, 9)] == ["device added", "started"]


def test_one_under_way_keeps_the_next_waiting(schedule: Schedule) -> None:
    schedule.add(task())
    schedule.take(0.0, 9)
    schedule.add(task(why="rebooted"))
    schedule.add(task(TWO, due=7.0))
    assert schedule.take(1.0, 9) == []
    assert (len(schedule), schedule.next_due(9)) == (3, 7.0)
    schedule.done(ONE)
    assert schedule.next_due(9) == 0.0
    assert schedule.take(1.0, 9) == [task(why="rebooted")]


def test_again_waits_anew(schedule: Schedule) -> None:
    schedule.add(task())
    (taken,) = schedule.take(0.0, 9)
    schedule.again(taken, 3.0)
    assert schedule.take(2.0, 9) == []
    assert schedule.take(3.0, 9) == [replace(taken, due=3.0)]


@pytest.mark.parametrize(("unwritten", "why"), [(None, "started"), ("<baseline/>", "device added")])
def test_devices_do_not_replace_what_is_tried_again(
    schedule: Schedule, unwritten: str | None, why: str
) -> None:
    schedule.add(task())
    (taken,) = schedule.take(1.0, 9)
    schedule.add(replace(task(why="device added"), refresh=True))
    schedule.again(replace(taken, unwritten=unwritten), 3.0)
    assert [one.why for one in schedule.take(9.0, 9)] == [why]


def test_again_does_not_replace_a_newer_one(schedule: Schedule) -> None:
    schedule.add(task())
    (taken,) = schedule.take(0.0, 9)
    schedule.add(task(why="arrived", due=1.0))
    schedule.again(taken, 3.0)
    assert len(schedule) == 1
    assert schedule.take(9.0, 9) == [task(why="arrived", due=1.0)]


def test_the_oldest_first_and_not_too_many(schedule: Schedule) -> None:
    for uuid, due in ((ONE, 3.0), (TWO, 1.0), (THREE, 2.0)):
        schedule.add(task(uuid, due))
    assert [one.uuid for one in schedule.take(9.0, 2)] == [TWO, THREE]
    assert schedule.take(9.0, 2) == []
    assert schedule.take(9.0, 1) == []
    schedule.done(TWO)
    assert [one.uuid for one in schedule.take(9.0, 2)] == [ONE]


def test_hasten(schedule: Schedule) -> None:
    schedule.add(task(due=30.0))
    schedule.hasten(ONE, 4.0)
    schedule.hasten(TWO, 4.0)
    assert schedule.take(4.0, 9) == [replace(task(due=30.0), due=4.0)]


def test_forget_what_waits_not_what_is_under_way(schedule: Schedule) -> None:
    schedule.add(task())
    schedule.take(0.0, 9)
    schedule.add(task())
    schedule.forget(ONE)
    assert len(schedule) == 1
    schedule.add(task(why="started again"))
    assert schedule.take(0.0, 9) == []
    schedule.done(ONE)
    assert schedule.take(0.0, 9) == [task(why="started again")]


@pytest.mark.parametrize(("tried", "due"), [(None, 4.0), (3.9, 4.15), (1.0, 4.0)])
def test_a_guest_that_opens_its_channel_again_and_again_is_not_asked_as_often(
    schedule: Schedule, tried: float | None, due: float
) -> None:
    schedule.add(replace(task(due=30.0), tried=tried))
    schedule.hasten(ONE, 4.0)
    assert schedule.next_due(1) == pytest.approx(due)


def test_nothing_is_due_where_no_place_is_free(schedule: Schedule) -> None:
    """Else the daemon would ask again and again, as fast as it can."""
    schedule.add(task())
    schedule.add(task(TWO))
    schedule.take(0.0, 1)
    assert schedule.next_due(1) is None
    assert schedule.next_due(2) == 0.0


def test_nothing_is_due_where_the_place_is_kept_for_others(schedule: Schedule) -> None:
    for uuid in (ONE, TWO):
        schedule.add(replace(task(uuid), spent=5.0))
    assert len(schedule.take(0.0, 2)) == 1
    assert (schedule.take(0.0, 2), schedule.next_due(2)) == ([], None)
    schedule.add(task(THREE, due=2.0))
    assert schedule.next_due(2) == 2.0
    assert [one.uuid for one in schedule.take(2.0, 2)] == [THREE]


@pytest.mark.parametrize(
    ("spent", "most", "seconds"),
    [(0.0, 10.0, 3.0), (2.0, 10.0, 6.0), (9.0, 10.0, 10.0), (0, 0.5, 0.5)],
)
def test_an_attempt_may_take_more_the_more_were_made(
    spent: float, most: float, seconds: float
) -> None:
    assert replace(task(), spent=spent).allowance(most) == seconds


def test_it_is_looked_again_soon_and_then_once_a_second() -> None:
    pauses = [replace(task(), tries=tries).pause for tries in (0, 1, 2, 3, 4, 10**6)]
    assert pauses == [0.125, 0.25, 0.5, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("places", [1, 2, 8])
def test_those_who_answer_go_before_those_who_do_not(places: int) -> None:
    """Twenty that never answer, then twenty that do at once: who is done when, on its own clock."""
    silent, healthy = ([UUID(int=number) for number in range(at, at + 20)] for at in (100, 200))
    schedule = Schedule()
    for uuid in (*silent, *healthy):
        schedule.add(replace(task(uuid), until=1e9))
    now, attempts = 0.0, 0
    ending: list[tuple[float, int, Task]] = []
    done: list[UUID] = []
    while len(done) < len(healthy):
        for taken in schedule.take(now, places):
            attempts += 1
            takes = 0.0 if taken.uuid in healthy else taken.allowance(10.0)
            ending.append((now + takes, attempts, taken))
        ending.sort()
        now, _, ended = ending.pop(0)
        if ended.uuid in healthy:
            schedule.done(ended.uuid)
            done.append(ended.uuid)
        else:
            spent = ended.spent + ended.allowance(10.0)
            schedule.again(replace(ended, spent=spent, tried=now), now + 1.0)
    assert done == healthy
    # Each silent one had its first attempt, and hardly any its second.
    assert attempts <= len(silent) + len(healthy) + places
    # One that arrives then waits for nobody but the one attempt before its own.
    late = UUID(int=300)
    schedule.add(task(late, due=now))
    assert [one.uuid for one in schedule.take(now, places + (places == 1))][:1] == [late]


UUIDS = st.sampled_from([ONE, TWO, THREE])
TIMES = st.integers(0, 20).map(float)


class Scheduling(RuleBasedStateMachine):
    """A schedule beside a plain model of it."""

    def __init__(self) -> None:
        super().__init__()
        self.schedule = Schedule()
        self.waiting: dict[UUID, Task] = {}
        self.running: dict[UUID, Task] = {}
        self.count = 0

    def new(self, uuid: UUID, due: float) -> Task:
        self.count += 1
        return task(uuid, due, why=str(self.count))

    @rule(uuid=UUIDS, due=TIMES)
    def add(self, uuid: UUID, due: float) -> None:
        self.waiting[uuid] = self.new(uuid, due)
        self.schedule.add(self.waiting[uuid])

    @rule(uuid=UUIDS, due=TIMES)
    def add_unless_waiting(self, uuid: UUID, due: float) -> None:
        one = self.new(uuid, due)
        self.waiting.setdefault(uuid, one)
        self.schedule.add_unless_waiting(one)

    @rule(uuid=UUIDS)
    def forget(self, uuid: UUID) -> None:
        self.waiting.pop(uuid, None)
        self.schedule.forget(uuid)

    @rule(uuid=UUIDS, now=TIMES)
    def hasten(self, uuid: UUID, now: float) -> None:
        if uuid in self.waiting:
            one = self.waiting[uuid]
            self.waiting[uuid] = replace(one, due=min(one.due, now))
        self.schedule.hasten(uuid, now)

    @rule(now=TIMES, most=st.integers(0, 4))
    def take(self, now: float, most: int) -> None:
        due = {
            uuid
            for uuid, one in self.waiting.items()
            if one.due <= now and uuid not in self.running
        }
        taken = self.schedule.take(now, most)
        assert len(taken) == max(0, min(len(due), most - len(self.running)))
        assert [one.due for one in taken] == sorted(one.due for one in taken)
        for one in taken:
            assert one.uuid in due
            assert one.uuid not in self.running
            assert self.waiting.pop(one.uuid) == one
            self.running[one.uuid] = one
        assert all(
            self.waiting[uuid].due >= one.due for uuid in due & set(self.waiting) for one in taken
        )

    @precondition(lambda self: self.running)
    @rule(data=st.data(), due=TIMES, again=st.booleans())
    def end(self, data: st.DataObject, due: float, again: bool) -> None:
        one = self.running.pop(data.draw(st.sampled_from(sorted(self.running))))
        if again:
            self.waiting.setdefault(one.uuid, replace(one, due=due))
            self.schedule.again(one, due)
        else:
            self.schedule.done(one.uuid)

    @invariant()
    def nothing_is_lost(self) -> None:
        assert len(self.schedule) == len(self.waiting) + len(self.running)
        free = [one.due for uuid, one in self.waiting.items() if uuid not in self.running]
        assert self.schedule.next_due(9) == min(free, default=None)

    def teardown(self) -> None:
        for uuid in self.running:
            self.schedule.done(uuid)
        left = {one.uuid: one for one in self.schedule.take(1e9, 99)}
        assert left == self.waiting


Scheduling.TestCase.settings = settings(max_examples=100, stateful_step_count=30)
TestScheduling = Scheduling.TestCase
