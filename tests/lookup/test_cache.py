"""The memory of answers: over HTTP where requests are counted, in virtual time where life is measured."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from bot.app.wiring.lookup import Bot
from bot.lookup.cache import TASKS_REMEMBERED, CachingReader
from bot.playground.volcengine.rtc import FakeRtc
from bot.playground.volcengine.scenes import task
from bot.recording.reading import Priority, Reading, TaskNotFound, TaskReadError, TaskUnavailable, Urgency
from bot.recording.task import RecordingFile, RecordTask, Status
from bot.recording.task_ref import RtcApp, TaskRef
from testing.clock import run_in_virtual_time
from testing.factories import ask

APP = RtcApp("prod", "661e0000000000000000543c")
REF = TaskRef(APP, "Room1", "Task1")
START = datetime(2026, 11, 22, tzinfo=UTC)
NOT_FOUND = TaskNotFound("no such task", meaning="gone", advice="check the ids")
UNAVAILABLE = TaskUnavailable("no answer", meaning="not known", advice="try again")


def reading(status: int, *, ended_ago: timedelta | None = None, files: int = 1, raw: str = "{}") -> Reading:
    return Reading(
        task=RecordTask(
            REF,
            Status.from_code(status),
            ended_at=None if ended_ago is None else START - ended_ago,
            files=tuple(RecordingFile(vid=f"v{n}") for n in range(files)),
        ),
        read_at=START,
        raw=raw,
    )


class World:
    """RTC as a TaskReader of the test's own: what it answers is set, how often it was asked is counted."""

    def __init__(self, answer: Reading | TaskReadError) -> None:
        self.answer = answer
        self.asked: list[Priority] = []
        self.takes = 0.0
        self.now = 0.0

    async def read(self, ref: TaskRef, *, urgency: Urgency, fresh: bool = False) -> Reading:
        del ref, fresh
        self.asked.append(urgency.priority)
        await asyncio.sleep(self.takes)
        self.asked[-1] = urgency.priority
        if isinstance(self.answer, TaskReadError):
            raise self.answer
        return self.answer

    @asynccontextmanager
    async def remembered(self) -> AsyncIterator[CachingReader]:
        async with CachingReader(
            self, clock=lambda: START + timedelta(seconds=self.now), timer=lambda: self.now
        ) as reader:
            yield reader


def person() -> Urgency:
    return Urgency(Priority.PERSON)


@pytest.mark.parametrize(
    ("answer", "life"),
    [
        (reading(3, ended_ago=timedelta(minutes=1)), 600),
        (reading(4, ended_ago=timedelta(hours=2), files=0), 600),
        (reading(3, ended_ago=timedelta(minutes=1), files=0), 5),
        (reading(2), 5),
        (reading(1), 5),
        (reading(0), 5),
        (reading(9), 5),
        (NOT_FOUND, 10),
    ],
)
async def test_an_answer_lives_by_its_state(answer: Reading | TaskReadError, life: float) -> None:
    world = World(answer)
    async with world.remembered() as reader:
        for seconds, asked in ((0, 1), (life - 0.1, 1), (life + 0.1, 2)):
            world.now = seconds
            if isinstance(answer, TaskReadError):
                with pytest.raises(TaskNotFound):
                    await reader.read(REF, urgency=person())
            else:
                assert await reader.read(REF, urgency=person()) is answer
            assert len(world.asked) == asked


async def test_a_failure_is_not_kept() -> None:
    world = World(UNAVAILABLE)
    async with world.remembered() as reader:
        for asked in (1, 2):
            with pytest.raises(TaskUnavailable):
                await reader.read(REF, urgency=person())
            assert len(world.asked) == asked


async def test_the_last_known_answer_comes_with_the_failure_for_72_hours() -> None:
    known = reading(2)
    world = World(known)
    async with world.remembered() as reader:
        await reader.read(REF, urgency=person())
        for hours, last_known in ((71.9, known), (72.1, None)):
            world.now = hours * 3600
            world.answer = TaskUnavailable("no answer", meaning="not known", advice="try again")
            with pytest.raises(TaskUnavailable) as failed:
                await reader.read(REF, urgency=person())
            assert failed.value.last_known is last_known


async def test_a_refresh_passes_the_memory_by_and_is_remembered() -> None:
    world = World(reading(2))
    async with world.remembered() as reader:
        await reader.read(REF, urgency=person())
        world.answer = reading(3)
        assert (await reader.read(REF, urgency=person(), fresh=True)).task.is_over
        assert (await reader.read(REF, urgency=person())).task.is_over
    assert len(world.asked) == 2


def test_a_refresh_joins_a_request_under_way() -> None:
    async def main() -> int:
        world = World(reading(2))
        world.takes = 1
        async with world.remembered() as reader:
            first = asyncio.create_task(reader.read(REF, urgency=person()))
            await asyncio.sleep(0.5)
            assert await reader.read(REF, urgency=person(), fresh=True) is await first
        return len(world.asked)

    assert run_in_virtual_time(main()) == 1


def test_a_person_who_joins_a_background_request_hurries_it() -> None:
    async def main() -> list[Priority]:
        world = World(reading(2))
        world.takes = 1
        async with world.remembered() as reader:
            watcher = asyncio.create_task(reader.read(REF, urgency=Urgency(Priority.BACKGROUND)))
            await asyncio.sleep(0.5)
            await reader.read(REF, urgency=person())
            await watcher
        return world.asked

    assert run_in_virtual_time(main()) == [Priority.PERSON]


@pytest.mark.parametrize("fails", [False, True])
def test_the_request_goes_on_when_its_first_asker_is_gone(fails: bool) -> None:
    async def main() -> None:
        world = World(UNAVAILABLE if fails else reading(2))
        world.takes = 1
        async with world.remembered() as reader:
            first = asyncio.create_task(reader.read(REF, urgency=person()))
            await asyncio.sleep(0.2)
            second = asyncio.create_task(reader.read(REF, urgency=person()))
            await asyncio.sleep(0.2)
            first.cancel()
            await asyncio.wait([first, second])
            assert first.cancelled()
            assert isinstance(second.exception(), TaskUnavailable) == fails
            alone = asyncio.create_task(reader.read(REF, urgency=person(), fresh=True))
            await asyncio.sleep(0.2)
            alone.cancel()
            await asyncio.sleep(2)  # nobody waits for the end of this one, and nobody complains
        assert len(world.asked) == 2

    run_in_virtual_time(main())


def test_closing_ends_what_is_under_way() -> None:
    async def main() -> None:
        world = World(reading(2))
        world.takes = 1000
        async with world.remembered() as reader:
            asking = asyncio.create_task(reader.read(REF, urgency=person()))
            await asyncio.sleep(0.1)
        await asyncio.wait([asking])
        assert isinstance(asking.exception(), TaskUnavailable)
        with pytest.raises(TaskUnavailable):
            await reader.read(REF, urgency=person())

    run_in_virtual_time(main())


async def test_many_askers_one_request_over_http(bot: Bot, fake_rtc: FakeRtc) -> None:
    answers = await asyncio.gather(*(ask(bot, "Room1") for _ in range(50)))
    assert len(fake_rtc.received) == 1
    assert len({id(answer) for answer in answers}) == 1


async def test_what_rtc_answers_anew_is_seen_on_refresh(bot: Bot, fake_rtc: FakeRtc) -> None:
    fake_rtc.answers["mine"] = task(status=2, start=1)
    assert not (await ask(bot, "mine")).task.is_over
    fake_rtc.answers["mine"] = task(status=3, start=1, end=2)
    assert (await ask(bot, "mine", fresh=True)).task.is_over


@pytest.mark.slow
async def test_memory_holds_no_more_than_its_number_of_tasks_and_fewer_large_ones() -> None:
    world = World(reading(3))
    async with world.remembered() as reader:
        for number in range(TASKS_REMEMBERED + 100):
            await reader.read(TaskRef(APP, "Room1", f"t{number}"), urgency=person())
        world.answer = TaskUnavailable("no answer", meaning="not known", advice="try again")
        known = [await is_last_known(reader, f"t{number}") for number in (50, 150)]
        assert known == [False, True]
        world.answer = reading(3, raw="x" * 10 * 1024 * 1024)
        for number in range(20):
            await reader.read(TaskRef(APP, "Room2", f"t{number}"), urgency=person(), fresh=True)
        world.answer = TaskUnavailable("no answer", meaning="not known", advice="try again")
        assert sum([await is_last_known(reader, f"t{number}", room="Room2") for number in range(20)]) < 10


async def is_last_known(reader: CachingReader, task_id: str, *, room: str = "Room1") -> bool:
    with pytest.raises(TaskUnavailable) as failed:
        await reader.read(TaskRef(APP, room, task_id), urgency=person(), fresh=True)
    return failed.value.last_known is not None


class Memory(RuleBasedStateMachine):
    """Whatever happens in whatever order: an answer is never older than its life, nor lost while RTC is down."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(reading(2))
        self.reader = CachingReader(
            self.world, clock=lambda: START + timedelta(seconds=self.world.now), timer=lambda: self.world.now
        )
        self.asked_at: float | None = None
        self.told: Reading | TaskNotFound | None = None
        self.last_known: Reading | None = None

    @rule(status=st.sampled_from([0, 1, 2, 3, 4, 9]))
    def rtc_says(self, status: int) -> None:
        self.world.answer = reading(status, ended_ago=timedelta())

    @rule()
    def rtc_is_down(self) -> None:
        self.world.answer = TaskUnavailable("no answer", meaning="not known", advice="try again")

    @rule()
    def rtc_forgets(self) -> None:
        self.world.answer = TaskNotFound("no such task", meaning="gone", advice="check the ids")

    @rule(seconds=st.floats(0, 900))
    def time_passes(self, seconds: float) -> None:
        self.world.now += seconds

    @rule(fresh=st.booleans())
    def somebody_asks(self, fresh: bool) -> None:
        before = len(self.world.asked)
        try:
            outcome: Reading | TaskReadError = asyncio.run(self.reader.read(REF, urgency=person(), fresh=fresh))
        except TaskReadError as failure:
            outcome = failure
        if len(self.world.asked) == before:
            assert outcome is self.told
            assert not fresh
            assert self.asked_at is not None
            assert self.world.now - self.asked_at <= self.life_of(outcome)
            return
        assert outcome is self.world.answer
        if isinstance(outcome, TaskUnavailable):
            assert outcome.last_known is self.last_known
        if isinstance(outcome, Reading | TaskNotFound):
            self.asked_at, self.told = self.world.now, outcome
        if isinstance(outcome, Reading):
            self.last_known = outcome

    @staticmethod
    def life_of(outcome: Reading | TaskReadError) -> float:
        if isinstance(outcome, TaskReadError):
            return 10
        return 600 if outcome.task.is_over else 5


Memory.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestMemory = Memory.TestCase


def test_what_a_person_hears_is_handed_on_and_what_the_watcher_hears_is_not() -> None:
    world = World(reading(3))
    reader = CachingReader(world, clock=lambda: START, timer=lambda: world.now)
    heard = list[Reading]()
    reader.hand_on_to(heard.append)

    async def ask(priority: Priority) -> None:
        await reader.read(REF, urgency=Urgency(priority), fresh=True)
        await reader.read(REF, urgency=Urgency(priority))

    asyncio.run(ask(Priority.BACKGROUND))
    assert heard == []
    assert reader.last_known(REF) == world.answer
    asyncio.run(ask(Priority.PERSON))
    assert heard == [world.answer]
