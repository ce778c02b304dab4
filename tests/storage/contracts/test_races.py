"""Several at once: two databases of one process are strangers to each other, as two processes are."""

import asyncio
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.notices.completion import Completion, Occasion
from bot.notices.notice import NoticeState
from bot.notices.person import Person
from bot.notices.store import Looks, Notices
from bot.notices.subscription import ClaimedTask, Phase
from bot.recording.reading import Reading
from bot.recording.task import ENDED, NOT_STARTED
from bot.recording.task_ref import TaskRef
from bot.storage.tables import watched_tasks
from testing.databases import Pair
from testing.stores import (
    ANN,
    APP,
    BOB,
    DAY,
    HAS_FILES,
    INTERVAL,
    LEASE,
    NOON,
    PLACE,
    REF,
    RUNS,
    Stores,
    reading,
)

ROUNDS = 200
SLOW = pytest.mark.slow
CHILD = """
import asyncio, json, sys
from testing.stores import *
from tests.storage.contracts.test_races import *

async def main(url):
    async with open_stores(url, SetClock(NOON)) as stores:
        await stores.upkeep.ping()
        print("ready", flush=True)
        sys.stdin.readline()
        ends = [await stores.subscribe(newcomer(number), running(number)) for number in range(ROUNDS)]
        print(json.dumps([end.completion is not None for end in ends]))

asyncio.run(main(sys.argv[1]))
"""


class Starter:
    """Starts things at almost the same moment, each time another one first."""

    def __init__(self) -> None:
        self._random = random.Random(7)  # noqa: S311  # the same ones each time

    async def start(self, *racers: Coroutine[Any, Any, Any]) -> list[Any]:
        async def run(racer: Coroutine[Any, Any, Any]) -> Any:
            for _ in range(self._random.randrange(25)):
                await asyncio.sleep(0)
            return await racer

        return await asyncio.gather(*(run(racer) for racer in racers))


@pytest.fixture(params=[30, pytest.param(ROUNDS, marks=SLOW)])
def many(request: pytest.FixtureRequest) -> int:
    """How many there are; more than are claimed at once."""
    return int(request.param)


@pytest.fixture(params=[3, pytest.param(25, marks=SLOW)])
def times(request: pytest.FixtureRequest) -> int:
    """How often they race."""
    return int(request.param)


@pytest.fixture
def starter() -> Starter:
    return Starter()


def running(number: int) -> Reading:
    return reading(ref=TaskRef(APP, "Room1", f"Task{number}"))


def newcomer(number: int) -> Person:
    return Person("T1", f"New{number}")


def ended(number: int) -> Completion:
    return Completion(Occasion.ENDED, NOON, reading(ENDED, ref=TaskRef(APP, "Room1", f"Task{number}")))


async def watched_tasks_of(stores: Stores) -> int:
    async with stores.database.reading() as connection:
        counted = await connection.execute(select(func.count()).select_from(watched_tasks))
        return int(counted.scalar_one())


async def watch_all(stores: Stores, many: int) -> list[ClaimedTask]:
    for number in range(many):
        await stores.subscribe(Person("T1", f"Watcher{number}"), running(number))
    looks = await stores.looks.claim_due(limit=many, lease=DAY)
    return sorted(looks, key=lambda look: int(look.watched.ref.task.removeprefix("Task")))


async def tasks_told_to_newcomers(stores: Stores) -> list[str]:
    deliveries = await stores.notices.claim_due(limit=2 * ROUNDS, lease=LEASE)
    readings = [each.notice.completion.reading for each in deliveries if each.notice.person.user_id.startswith("New")]
    return [each.task.ref.task for each in readings if each is not None]


class TestSubscribingInTheMomentOfTheEnd:
    """Is answered by the completion or by a notice, never by both or neither."""

    async def test_as_close_as_it_can_be(self, stores: Stores, other: Stores, starter: Starter, many: int) -> None:
        answers = []
        for number, look in enumerate(await watch_all(stores, many)):
            concluding = stores.looks.conclude(look, ended(number), phase=Phase.CLOSED, next_look=INTERVAL)
            is_concluded, answer = await starter.start(concluding, other.subscribe(newcomer(number), running(number)))
            assert is_concluded
            answers.append(answer.completion is not None)
        await self.check(stores, answers)

    @SLOW
    async def test_in_another_process(self, stores: Stores, pair: Pair) -> None:
        looks = await watch_all(stores, ROUNDS)
        child = await start_child(pair.url)
        for number, look in enumerate(looks):
            assert await stores.looks.conclude(look, ended(number), phase=Phase.CLOSED, next_look=INTERVAL)
        output, _ = await child.communicate()
        assert child.returncode == 0
        await self.check(stores, json.loads(output))

    async def check(self, stores: Stores, answers: list[bool]) -> None:
        told = Counter(await tasks_told_to_newcomers(stores))
        for number, is_answered in enumerate(answers):
            assert told[f"Task{number}"] == (0 if is_answered else 1)


async def start_child(url: str) -> asyncio.subprocess.Process:
    """Once it is ready, it is let go."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        CHILD,
        url,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert await child.stdout.readline() == b"ready\n"
    child.stdin.write(b"go\n")
    return child


class TestSubscribingAtOnce:
    async def test_is_new_for_one_of_them(self, stores: Stores, other: Stores, starter: Starter, times: int) -> None:
        for number in range(times):
            about = running(number)
            ends = await starter.start(stores.subscribe(ANN, about), other.subscribe(ANN, about))
            assert sorted(end.is_new for end in ends) == [False, True]
        assert await watched_tasks_of(stores) == times

    async def test_is_to_one_task_also_before_its_start(
        self, stores: Stores, other: Stores, starter: Starter, times: int
    ) -> None:
        for number in range(times):
            about = running(number)
            before = reading(NOT_STARTED, start=None, ref=about.task.ref)
            await starter.start(stores.subscribe(ANN, about), other.subscribe(BOB, before))
        assert await watched_tasks_of(stores) == times
        looks = await stores.looks.claim_due(limit=ROUNDS, lease=LEASE)
        assert {look.watched.started_at for look in looks} == {RUNS.task.started_at}

    async def test_as_the_start_is_found_out(self, stores: Stores, other: Stores, starter: Starter, times: int) -> None:
        for number in range(times):
            about = running(number)
            await stores.subscribe(ANN, reading(NOT_STARTED, start=None, ref=about.task.ref))
            look = await stores.claim_look()
            noting = stores.looks.note(look, about, next_look=DAY, waiting_since=None)
            assert (await starter.start(noting, other.subscribe(BOB, about)))[0]
        assert await watched_tasks_of(stores) == times

    async def test_as_the_last_subscriber_leaves(
        self, stores: Stores, other: Stores, starter: Starter, times: int
    ) -> None:
        for _ in range(times):
            await stores.subscribe(ANN)
            await starter.start(stores.subscriptions.unsubscribe(REF, ANN), other.subscribe(BOB))
            look = await stores.claim_look()
            await stores.looks.release([look])
            assert await stores.subscriptions.unsubscribe(REF, BOB)
            assert await stores.looks.claim_due(limit=9, lease=LEASE) == []


class TestLeavingInTheMomentOfTheEnd:
    async def test_leaves_no_notice_behind(self, stores: Stores, other: Stores, starter: Starter, times: int) -> None:
        for number in range(times):
            await stores.subscribe(ANN, running(number))
            await stores.subscribe(BOB, running(number))
            look = await stores.claim_look()
            concluding = stores.looks.conclude(look, ended(number), phase=Phase.CLOSED, next_look=INTERVAL)
            await starter.start(concluding, other.subscriptions.unsubscribe(look.watched.ref, ANN))
            assert (await stores.deliver()).notice.person == BOB

    async def test_because_of_a_closed_account_too(
        self, stores: Stores, other: Stores, starter: Starter, times: int
    ) -> None:
        for number in range(times):
            await stores.subscribe(ANN, running(number))
            await stores.subscribe(BOB, running(number))
            look = await stores.claim_look()
            concluding = stores.looks.conclude(look, ended(number), phase=Phase.CLOSED, next_look=INTERVAL)
            await starter.start(concluding, other.notices.close_person(ANN, "left"))
            assert (await stores.deliver()).notice.person == BOB
            assert not await stores.subscriptions.is_subscribed(running(number).task, ANN)


async def claim(starter: Starter, of: Sequence[Looks | Notices]) -> list[Any]:
    """What four of them get at once, some of each."""
    batches = await starter.start(*(each.claim_due(limit=7, lease=LEASE) for each in (*of, *of)))
    return list(chain.from_iterable(batches))


class TestClaimingAtOnce:
    async def test_gives_a_task_to_one_of_them(
        self, stores: Stores, other: Stores, starter: Starter, many: int
    ) -> None:
        for number in range(many):
            await stores.subscribe(ANN, running(number))
        ids: list[int] = []
        while batch := await claim(starter, [each.looks for each in (stores, other)]):
            ids += [look.watched.id for look in batch]
            assert all(look.token == 1 for look in batch)
        assert len(ids) == len(set(ids)) == many

    async def test_gives_a_notice_to_one_of_them(
        self, stores: Stores, other: Stores, starter: Starter, many: int
    ) -> None:
        for number, look in enumerate(await watch_all(stores, many)):
            await stores.looks.conclude(look, ended(number), phase=Phase.CLOSED, next_look=INTERVAL)
        keys: list[str] = []
        while batch := await claim(starter, [each.notices for each in (stores, other)]):
            keys += [delivery.notice.key for delivery in batch]
        assert len(keys) == len(set(keys)) == many

    async def test_renews_a_lease_or_loses_it(
        self, stores: Stores, other: Stores, starter: Starter, times: int
    ) -> None:
        """One of them goes on, never both."""
        await stores.subscribe()
        await stores.conclude()
        for _ in range(times):
            delivery = await stores.claim_notice()
            stores.clock.move(LEASE)
            has_begun, claimed = await starter.start(stores.notices.begin(delivery, lease=LEASE), other.claim_notices())
            assert (has_begun, len(claimed)) == (False, 1)
            await stores.notices.release(claimed)


class TestLateFilesInTheMomentThat:
    async def prepare(self, stores: Stores, number: int) -> ClaimedTask:
        await stores.subscribe(ANN, running(number))
        look = await stores.claim_look()
        await stores.looks.conclude(look, ended(number), phase=Phase.AWAITING_FILES, next_look=timedelta())
        return await stores.claim_look()

    async def test_the_end_is_delivered_are_told(
        self, stores: Stores, other: Stores, starter: Starter, times: int
    ) -> None:
        for number in range(times):
            look = await self.prepare(stores, number)
            end = await stores.begin()
            files = Completion(Occasion.FILES, NOON, HAS_FILES)
            concluding = stores.looks.conclude(look, files, phase=Phase.CLOSED, next_look=INTERVAL)
            assert await starter.start(concluding, other.notices.mark_delivered(end, PLACE)) == [True, True]
            late = await stores.deliver()
            assert (late.notice.completion.occasion, late.notice.original) == (Occasion.FILES, PLACE)

    async def test_the_end_is_given_up_are_given_up(
        self, stores: Stores, other: Stores, starter: Starter, times: int
    ) -> None:
        for number in range(times):
            look = await self.prepare(stores, number)
            end = await stores.begin()
            files = Completion(Occasion.FILES, NOON, HAS_FILES)
            concluding = stores.looks.conclude(look, files, phase=Phase.CLOSED, next_look=INTERVAL)
            assert await starter.start(concluding, other.notices.give_up(end, "refused")) == [True, True]
        entries = await stores.subscriptions.entries(ANN, limit=ROUNDS)
        assert {entry.notice_state for entry in entries} == {NoticeState.DEAD}
