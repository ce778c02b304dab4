"""Two processes: one subscribes somebody to a task at the very moment at which the other one concludes it."""

import asyncio
import multiprocessing
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from typing import TypeVar

from bot.app.wiring.notices import Stores, stores_of
from bot.notices.completion import Completion, Occasion
from bot.notices.person import Person
from bot.notices.subscription import Phase
from bot.recording.reading import Reading
from bot.recording.task import ENDED, RUNNING, RecordTask, Status
from bot.recording.task_ref import RtcApp, TaskRef
from bot.storage.database import open_database
from testing.forkserver import FORKED

T = TypeVar("T")

FIRST, SECOND = Person("T1", "U1"), Person("T1", "U2")
START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LEASE = timedelta(minutes=10)
# Seconds; either may come first by about as much as a transaction takes.
HEAD_START = 0.002


@dataclass(frozen=True, slots=True)
class Tally:
    """How many were told by the card, by a notice, and not at all."""

    by_card: int
    by_notice: int
    by_neither: int

    def __str__(self) -> str:
        return f"{self.by_neither} told nothing; {self.by_card} by the card, {self.by_notice} by a notice"


def race(url: str, *, times: int) -> Tally:
    """The database at the URL is empty."""
    asyncio.run(_with_stores(url, lambda stores: _watch_all(stores, times)))
    barrier, cards = FORKED.Barrier(2), FORKED.Queue()
    concluding = FORKED.Process(target=_conclude_each, args=(url, times, barrier))
    subscribing = FORKED.Process(target=_subscribe_each, args=(url, times, barrier, cards))
    for process in (concluding, subscribing):
        process.start()
    got_card: set[int] = cards.get()
    for process in (concluding, subscribing):
        process.join()
        assert process.exitcode == 0
    got_notice = asyncio.run(_with_stores(url, _noticed))
    everybody = set(range(times))
    assert not got_card & got_notice, "somebody was told by both"
    return Tally(len(got_card), len(got_notice), len(everybody - got_card - got_notice))


async def _with_stores(url: str, do: Callable[[Stores], Awaitable[T]]) -> T:
    async with open_database(url) as database:
        return await do(stores_of(database))


def _reading(number: int, status: Status) -> Reading:
    ref = TaskRef(RtcApp("default", "661e0000000000000000543c"), f"room{number}", "Task1")
    return Reading(RecordTask(ref, status, started_at=START), datetime.now(UTC), raw="")


async def _watch_all(stores: Stores, times: int) -> None:
    for number in range(times):
        await stores.subscriptions.subscribe(_reading(number, RUNNING), FIRST, next_look=timedelta())


def _conclude_each(url: str, times: int, barrier: Barrier) -> None:
    async def conclude(stores: Stores) -> None:
        looks = await stores.looks.claim_due(limit=times, lease=LEASE)
        by_room = {look.watched.ref.room: look for look in looks}
        for number in range(times):
            ended = _reading(number, ENDED)
            barrier.wait()
            await asyncio.sleep(random.uniform(0, HEAD_START))  # noqa: S311  # a head start is no secret
            completion = Completion(Occasion.ENDED, datetime.now(UTC), ended)
            look = by_room[ended.task.ref.room]
            assert await stores.looks.conclude(look, completion, phase=Phase.CLOSED, next_look=timedelta())

    asyncio.run(_with_stores(url, conclude))


def _subscribe_each(url: str, times: int, barrier: Barrier, cards: "multiprocessing.Queue[set[int]]") -> None:
    async def subscribe(stores: Stores) -> set[int]:
        got_card = set[int]()
        for number in range(times):
            running = _reading(number, RUNNING)
            barrier.wait()
            await asyncio.sleep(random.uniform(0, HEAD_START))  # noqa: S311  # as above
            subscribed = await stores.subscriptions.subscribe(running, SECOND, next_look=timedelta())
            if subscribed.completion is not None:
                got_card.add(number)
        return got_card

    cards.put(asyncio.run(_with_stores(url, subscribe)))


async def _noticed(stores: Stores) -> set[int]:
    entries = await stores.subscriptions.entries(SECOND, limit=1_000_000)
    return {int(e.watched.ref.room.removeprefix("room")) for e in entries if e.notice_state is not None}
