"""The loops behind a notice, opened and closed together: the watcher, the deliverer, and the upkeep of old rows."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.lookup.cache import CachingReader
from bot.notices.delivery import deliverer
from bot.notices.delivery.deliverer import Deliverer
from bot.notices.delivery.message_rate import A_SECOND, Pace
from bot.notices.messenger import Messenger
from bot.notices.meter import UNMETERED, WatchMeter
from bot.notices.person import Person
from bot.notices.store import (
    DatabaseUnavailable,
    DueTimes,
    Farthest,
    Looks,
    Notices,
    Requests,
    Subscriptions,
    Upkeep,
)
from bot.notices.timekeeper import Timekeeper
from bot.notices.watching import watcher
from bot.notices.watching.schedule import BACK_OFF_AT_MOST, SLOWEST
from bot.notices.watching.watcher import Watcher
from bot.runtime.clocks import LOOKED_AT_EVERY, SteadyClock
from bot.runtime.supervision import Supervised, Supervisor
from bot.storage.database import Database
from bot.storage.due_times import SqlDueTimes
from bot.storage.notices import SqlNotices
from bot.storage.requests import SqlRequests
from bot.storage.subscriptions import SqlSubscriptions
from bot.storage.upkeep import SqlUpkeep
from bot.storage.watched_tasks import SqlLooks

log = structlog.get_logger()

A_MINUTE = timedelta(minutes=1)
# Small, so that nobody waits long for a lock.
ROWS_A_BATCH = 500
# Slack's signature is good for five minutes to either side; an event was seen to be repeated after six.
REQUESTS_KEPT = timedelta(hours=1)
PAUSE_BETWEEN_BATCHES = 0.5


@dataclass(frozen=True, slots=True)
class Stores:
    """One database by what is done with it."""

    subscriptions: Subscriptions
    looks: Looks
    notices: Notices
    upkeep: Upkeep
    requests: Requests
    due_times: DueTimes


def stores_of(database: Database) -> Stores:
    """The stores that share this database."""
    return Stores(
        SqlSubscriptions(database),
        SqlLooks(database),
        SqlNotices(database),
        SqlUpkeep(database),
        SqlRequests(database),
        SqlDueTimes(database),
    )


@dataclass(frozen=True, slots=True)
class LoopConfig:
    """How often a task is looked at, how long old rows are kept and claims last, how fast people are told."""

    interval: timedelta
    retention: timedelta
    look_lease: timedelta = watcher.LEASE
    delivery_lease: timedelta = deliverer.LEASE
    messages_per_second: float = A_SECOND
    messages_at_once: int = deliverer.AT_ONCE

    @property
    def farthest(self) -> Farthest:
        """What is due later than that was given its time by a clock that was wrong."""
        look = max(SLOWEST * self.interval, BACK_OFF_AT_MOST)
        return Farthest(look + A_MINUTE, deliverer.UNFORESEEN_IS_TRIED_EVERY + A_MINUTE, self.delivery_lease)


@dataclass(frozen=True, slots=True)
class Watching:
    """The loops at work."""

    watcher: Watcher
    deliverer: Deliverer
    timekeeper: Timekeeper
    loops: Sequence[Supervised]

    @property
    def is_well(self) -> bool:
        """Whether both had a good round lately."""
        return self.watcher.rounds.is_well and self.deliverer.rounds.is_well

    async def rest(self) -> None:
        """Claim nothing more; what is being handled goes on."""
        await asyncio.gather(*(loop.end() for loop in self.loops))


@asynccontextmanager
async def open_watching(
    stores: Stores,
    reader: CachingReader,
    messenger: Messenger,
    *,
    habits: LoopConfig,
    clock: Callable[[], datetime],
    on_settled: Callable[[Person], None],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    meter: WatchMeter = UNMETERED,
    supervisor: Supervisor | None = None,
    drain: Callable[[], float] = lambda: 10.0,
) -> AsyncIterator[Watching]:
    """Look and deliver until the block is left; then what is being sent comes to its end, and claims are given back.

    `drain` says then how many seconds that may take.
    """
    async with AsyncExitStack() as stack:
        delivering = Deliverer(
            stores.notices,
            messenger,
            clock=clock,
            on_settled=on_settled,
            pace=Pace(timer=time.monotonic, per_second=habits.messages_per_second),
            at_once=habits.messages_at_once,
            lease=habits.delivery_lease,
            drain=drain,
            meter=meter,
        )
        await stack.enter_async_context(delivering)
        looking = await stack.enter_async_context(
            _make_watcher(stores, reader, habits, clock=clock, on_told=delivering.rounds.wake, meter=meter)
        )
        reader.hand_on_to(looking.hear)
        keeping_up = partial(keep_up, stores, habits.retention, sleep)
        timekeeper = Timekeeper(stores.due_times, habits.farthest, on_pulled_in=partial(_wake, looking, delivering))
        watching = _start(supervisor or Supervisor(), looking, delivering, timekeeper, keeping_up)
        stack.push_async_callback(watching.rest)
        yield watching


def _make_watcher(
    stores: Stores,
    reader: CachingReader,
    habits: LoopConfig,
    *,
    clock: Callable[[], datetime],
    on_told: Callable[[], None],
    meter: WatchMeter,
) -> Watcher:
    return Watcher(
        stores.looks,
        reader,
        last_known=reader.last_known,
        clock=clock,
        interval=habits.interval,
        on_told=on_told,
        lease=habits.look_lease,
        meter=meter,
    )


def _wake(looking: Watcher, delivering: Deliverer) -> None:
    looking.rounds.wake()
    delivering.rounds.wake()


def _start(
    supervisor: Supervisor,
    looking: Watcher,
    delivering: Deliverer,
    timekeeper: Timekeeper,
    keeping_up: Callable[[], Awaitable[None]],
) -> Watching:
    loops = (
        supervisor.start("timekeeper", timekeeper.run),
        supervisor.start("watcher", looking.rounds.run),
        supervisor.start("deliverer", delivering.rounds.run),
        supervisor.start("upkeep", keeping_up),
    )
    return Watching(looking, delivering, timekeeper, loops)


async def keep_up(
    stores: Stores,
    retention: timedelta,
    sleep: Callable[[float], Awaitable[None]],
    *,
    timer: Callable[[], float] = time.monotonic,
) -> None:
    """Delete what is older than the retention, in small batches, every hour in which the clock did not jump."""
    clock = SteadyClock("store", stores.due_times.moment, timer=timer)
    while True:
        try:
            await clock.until_steady(sleep)
            if forgotten := await _in_batches(partial(stores.upkeep.forget, older_than=retention), clock, sleep):
                log.info("tasks.forgotten", tasks=forgotten)
            await _in_batches(partial(stores.requests.forget, older_than=REQUESTS_KEPT), clock, sleep)
        except DatabaseUnavailable:
            await sleep(LOOKED_AT_EVERY.total_seconds())  # the loops say that it is lost
        except Exception:
            log.exception("upkeep.failed")
            await sleep(LOOKED_AT_EVERY.total_seconds())


async def _in_batches(
    forget: Callable[..., Awaitable[int]], clock: SteadyClock, sleep: Callable[[float], Awaitable[None]]
) -> int:
    total = 0
    while await clock.look() == timedelta() and (forgotten := await forget(at_most=ROWS_A_BATCH)):
        total += forgotten
        await sleep(PAUSE_BETWEEN_BATCHES)
    return total
