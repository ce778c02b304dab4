"""Whatever happens in whatever order, a database does what the model does, and nothing that is owed is lost."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from bot.notices.completion import Completion, Occasion
from bot.notices.notice import ClaimedNotice, NoticeState
from bot.notices.person import Person
from bot.notices.subscription import ClaimedTask, Phase
from bot.recording.reading import Reading
from bot.recording.task import ENDED, NOT_STARTED, RUNNING, RecordTask
from bot.recording.task_ref import TaskRef
from bot.storage.tables import completions, notices, subscriptions, watched_tasks
from testing.databases import KINDS, empty
from testing.factories import SetClock
from testing.store_model import Model, ModelTask
from testing.stores import (
    ANN,
    APP,
    BOB,
    CAT,
    DAY,
    FILE,
    LEASE,
    MINUTE,
    NOON,
    PLACE,
    SECOND,
    START,
    Stores,
    open_stores,
)

PEOPLE = (ANN, BOB, CAT)
ROOMS = ("Room1", "Room2")
# What RTC says of the one task in a room, one after the other.
STAGES = (NOT_STARTED, RUNNING, ENDED, ENDED)
HAS_FILES = len(STAGES) - 1

rooms = st.sampled_from(ROOMS)
people = st.sampled_from(PEOPLE)
spans = st.sampled_from([SECOND, LEASE, MINUTE])
limits = st.sampled_from([1, 100])


class StoreMachine(RuleBasedStateMachine):
    """Looks and deliveries are kept for ever, so that a crashed holder may come back whenever it likes."""

    looks: Bundle[ClaimedTask] = Bundle("looks")
    deliveries: Bundle[ClaimedNotice] = Bundle("deliveries")

    def __init__(self, runner: asyncio.Runner, stores: Stores, clock: SetClock) -> None:
        super().__init__()
        self.runner = runner
        self.stores = stores
        self.clock = clock
        self.model = Model()
        self.run(empty(stores, clock))
        self.stages = dict.fromkeys(ROOMS, 0)

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(coroutine)

    def unless(self, stands: object, write: Coroutine[Any, Any, bool]) -> None:
        """The write is done if the claim stands; else it says so and changes nothing."""
        if stands:
            assert self.run(write)
            return
        before = self.run(self.stores.rows())
        assert not self.run(write)
        assert self.run(self.stores.rows()) == before

    def reading(self, room: str) -> Reading:
        stage = self.stages[room]
        files = (FILE,) if stage == HAS_FILES else ()
        ref = TaskRef(APP, room, "Task1")
        task = RecordTask(ref, STAGES[stage], started_at=START if stage else None, files=files)
        return Reading(task, self.clock(), raw="")

    @rule(by=spans)
    def time_passes(self, by: timedelta) -> None:
        self.clock.move(by)

    @rule(room=rooms)
    def the_task_goes_on(self, room: str) -> None:
        self.stages[room] = min(self.stages[room] + 1, HAS_FILES)

    @rule(room=rooms, person=people, next_look=spans)
    def subscribe(self, room: str, person: Person, next_look: timedelta) -> None:
        answer = self.run(self.stores.subscriptions.subscribe(self.reading(room), person, next_look=next_look))
        if self.model.watched(room) is None:
            if any(task.is_told for task in self.model.of(room)):
                assert answer.completion is not None
                return
            self.model.tasks[self.run(self.newest_task())] = ModelTask(room, self.clock() + next_look)
        assert answer.completion is None
        assert answer.is_new == self.model.subscribe(room, person)

    async def newest_task(self) -> int:
        async with self.stores.database.reading() as connection:
            found = await connection.execute(select(watched_tasks.c.id).order_by(watched_tasks.c.id.desc()).limit(1))
            return int(found.scalar_one())

    @rule(room=rooms, person=people)
    def unsubscribe(self, room: str, person: Person) -> None:
        ref = self.reading(room).task.ref
        assert self.run(self.stores.subscriptions.unsubscribe(ref, person)) == self.model.unsubscribe(room, person)

    @rule(person=people)
    def close_person(self, person: Person) -> None:
        assert self.run(self.stores.notices.close_person(person, "left")) == self.model.close_person(person)

    @rule(person=people)
    def purge_person(self, person: Person) -> None:
        assert self.run(self.stores.upkeep.purge_person(person)) == self.model.purge_person(person)

    @rule(room=rooms)
    def hasten(self, room: str) -> None:
        self.run(self.stores.looks.hasten(self.reading(room).task.ref))
        self.model.hasten(room, now=self.clock())

    @rule(target=looks, limit=limits)
    def claim_looks(self, limit: int) -> Any:
        return multiple(*self.claimed_looks(limit))

    def claimed_looks(self, limit: int) -> list[ClaimedTask]:
        due = sorted(
            (task.next_look_at, number) for number, task in self.model.tasks.items() if task.is_due(self.clock())
        )
        claimed: list[ClaimedTask] = self.run(self.stores.looks.claim_due(limit=limit, lease=LEASE))
        assert [look.watched.id for look in claimed] == [number for _, number in due[:limit]]
        for look in claimed:
            assert look.token == self.model.tasks[look.watched.id].lease.take(self.clock() + LEASE)
        return claimed

    @rule(look=looks, after=spans)
    def look(self, look: ClaimedTask, after: timedelta) -> None:
        task = self.model.holds(look)
        reading = self.reading(look.watched.ref.room)
        occasion, phase = self.judged(task.phase if task else look.watched.phase, reading)
        if occasion is None:
            write = self.stores.looks.note(look, reading, next_look=after, waiting_since=None)
        else:
            completion = Completion(occasion, self.clock(), reading)
            write = self.stores.looks.conclude(look, completion, phase=phase, next_look=after)
        self.unless(task, write)
        if task is not None:
            if occasion is not None:
                self.model.conclude(task, occasion, phase=phase, now=self.clock())
            task.failures = 0
            self.model.look_is_over(look, task, now=self.clock(), after=after)

    def judged(self, phase: Phase, reading: Reading) -> tuple[Occasion | None, Phase]:
        """As the watcher does, without its patience."""
        has_files = bool(reading.task.files)
        if phase is Phase.AWAITING_FILES:
            return (Occasion.FILES, Phase.CLOSED) if has_files else (None, phase)
        if not reading.task.is_over:
            return None, phase
        return Occasion.ENDED, Phase.CLOSED if has_files else Phase.AWAITING_FILES

    @rule(look=looks, after=spans)
    def it_is_unclear(self, look: ClaimedTask, after: timedelta) -> None:
        task = self.model.holds(look)
        if task is not None and task.phase is not Phase.WATCHING:
            return
        completion = Completion(Occasion.UNCLEAR, self.clock(), None)
        self.unless(task, self.stores.looks.conclude(look, completion, phase=Phase.WATCHING, next_look=after))
        if task is not None:
            self.model.conclude(task, Occasion.UNCLEAR, phase=Phase.WATCHING, now=self.clock())
            task.failures = 0
            self.model.look_is_over(look, task, now=self.clock(), after=after)

    @rule(look=looks, after=spans)
    def a_look_fails(self, look: ClaimedTask, after: timedelta) -> None:
        task = self.model.holds(look)
        self.unless(task, self.stores.looks.note_failure(look, "no answer", next_look=after))
        if task is not None:
            task.failures += 1
            self.model.look_is_over(look, task, now=self.clock(), after=after)

    @rule(look=looks)
    def close(self, look: ClaimedTask) -> None:
        task = self.model.holds(look)
        if task is not None and task.phase is not Phase.AWAITING_FILES:
            return
        self.unless(task, self.stores.looks.close(look))
        if task is not None:
            task.phase = Phase.CLOSED
            task.lease.end()

    @rule(look=looks)
    def release_look(self, look: ClaimedTask) -> None:
        self.run(self.stores.looks.release([look]))
        if task := self.model.holds(look):
            task.lease.end()

    @rule(target=deliveries, limit=limits)
    def claim_notices(self, limit: int) -> Any:
        return multiple(*self.claimed_notices(limit))

    def claimed_notices(self, limit: int) -> list[ClaimedNotice]:
        due = self.model.due_notices(self.clock())[:limit]
        claimed: list[ClaimedNotice] = self.run(self.stores.notices.claim_due(limit=limit, lease=LEASE))
        assert [(each.notice.person, each.notice.completion.occasion) for each in claimed] == [
            (person, notice.occasion) for person, notice in due
        ]
        for delivery, (_, notice) in zip(claimed, due, strict=True):
            assert notice.key in {None, delivery.notice.key}
            assert delivery.is_doubtful == (notice.state is NoticeState.SENDING)
            assert delivery.notice.attempts == notice.attempts
            assert (delivery.notice.original is not None) == (notice.follows is not None)
            assert delivery.token == notice.lease.take(self.clock() + LEASE)
            notice.key = delivery.notice.key
        return claimed

    @rule(delivery=deliveries)
    def begin(self, delivery: ClaimedNotice) -> None:
        notice = self.model.holds_notice(delivery)
        if notice is not None and notice.lease.is_free(self.clock()):
            notice = None  # the last look before posting minds the time as well
        self.unless(notice, self.stores.notices.begin(delivery, lease=LEASE))
        if notice is not None:
            notice.state = NoticeState.SENDING
            notice.attempts += 1
            notice.lease.until = self.clock() + LEASE

    @rule(delivery=deliveries)
    def mark_delivered(self, delivery: ClaimedNotice) -> None:
        notice = self.model.holds_notice(delivery)
        self.unless(notice, self.stores.notices.mark_delivered(delivery, PLACE))
        if notice is not None:
            notice.settle(NoticeState.DELIVERED)

    @rule(delivery=deliveries, after=spans, is_doubtful=st.booleans())
    def put_off(self, delivery: ClaimedNotice, after: timedelta, is_doubtful: bool) -> None:
        notice = self.model.holds_notice(delivery)
        put_off = self.stores.notices.put_off(delivery, after=after, reason="busy", is_doubtful=is_doubtful)
        self.unless(notice, put_off)
        if notice is not None:
            notice.state = NoticeState.SENDING if is_doubtful else NoticeState.PENDING
            notice.due_at = self.clock() + after
            notice.lease.end()

    @rule(delivery=deliveries)
    def give_up(self, delivery: ClaimedNotice) -> None:
        notice = self.model.holds_notice(delivery)
        self.unless(notice, self.stores.notices.give_up(delivery, "refused"))
        if notice is not None:
            self.model.give_up(notice)

    @rule(delivery=deliveries)
    def release_delivery(self, delivery: ClaimedNotice) -> None:
        self.run(self.stores.notices.release([delivery]))
        notice = self.model.holds_notice(delivery)
        if notice is not None and notice.attempts == delivery.notice.attempts:
            notice.lease.end()

    @invariant()
    def the_database_is_as_the_model(self) -> None:
        rows = self.run(self.read())
        assert Counter(rows["notices"]) == Counter(
            (task.room, subscription.person, notice.occasion, notice.state)
            for task, subscription, notice in self.model.notices()
        )
        assert Counter(rows["subscriptions"]) == Counter(
            (number, each.person, each.is_open)
            for number, task in self.model.tasks.items()
            for each in task.subscriptions
        )
        assert rows["tasks"] == [
            (number, task.phase, task.failures, task.lease.token) for number, task in sorted(self.model.tasks.items())
        ]

    async def read(self) -> dict[str, list[tuple[Any, ...]]]:
        w, s, n, k = watched_tasks.c, subscriptions.c, notices.c, completions.c
        told = (
            select(w.room, s.team_id, s.user_id, k.occasion, n.state)
            .join(subscriptions, s.id == n.subscription_id)
            .join(watched_tasks, w.id == s.watched_task_id)
            .join(completions, k.id == n.completion_id)
        )
        async with self.stores.database.reading() as connection:
            return {
                "notices": [
                    (room, Person(team, user), Occasion(occasion), NoticeState(state))
                    for room, team, user, occasion, state in await connection.execute(told)
                ],
                "subscriptions": [
                    (row.watched_task_id, Person(row.team_id, row.user_id), row.ended_at is None)
                    for row in await connection.execute(select(subscriptions))
                ],
                "tasks": [
                    (row.id, Phase(row.phase), row.failures, row.lease_token)
                    for row in await connection.execute(select(watched_tasks).order_by(w.id))
                ],
            }

    @invariant()
    def each_open_subscription_of_a_told_task_is_told_once(self) -> None:
        for task in self.model.tasks.values():
            for subscription in task.subscriptions:
                told = Counter(notice.occasion for notice in subscription.notices)
                assert max(told.values(), default=1) == 1
                if task.is_told and subscription.is_open:
                    assert Occasion.ENDED in told

    @invariant()
    def what_is_looked_at_is_waited_for(self) -> None:
        for task in self.model.tasks.values():
            assert not task.is_looked_at or any(each.is_open for each in task.subscriptions)

    def teardown(self) -> None:
        """Everything owed is delivered once everybody is back at work, and every recording has ended."""
        self.stages = dict.fromkeys(ROOMS, HAS_FILES)
        for _ in range(4):
            self.clock.move(DAY)
            for look in self.claimed_looks(100):
                self.look(look, SECOND)
            while deliveries := self.claimed_notices(100):
                for delivery in deliveries:
                    self.begin(delivery)
                    self.mark_delivered(delivery)
        self.the_database_is_as_the_model()
        assert all(notice.is_settled for _, _, notice in self.model.notices())
        assert not any(task.is_looked_at for task in self.model.tasks.values())


@pytest.mark.parametrize(("part", "steps"), [(13, 20), pytest.param(2, 40, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_database_does_as_the_model_does(kind: str, part: int, steps: int, request: pytest.FixtureRequest) -> None:
    """A part of the usual examples, for each step is several transactions; with a profile as many as anybody likes."""
    url = request.getfixturevalue("sqlite_url" if kind == "sqlite" else "postgres_url")
    settings = hypothesis.settings()
    settings = hypothesis.settings(max_examples=max(1, settings.max_examples // part), stateful_step_count=steps)
    with asyncio.Runner() as runner:
        exits, clock = AsyncExitStack(), SetClock(NOON)
        stores = runner.run(exits.enter_async_context(open_stores(url, clock)))

        class Machine(StoreMachine):
            def __init__(self) -> None:
                super().__init__(runner, stores, clock)

        try:
            run_state_machine_as_test(Machine, settings=settings)
        finally:
            runner.run(exits.aclose())
