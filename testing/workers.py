"""What the workers live in: the stand-ins for RTC and Slack, a database, and people who have subscribed."""

import asyncio
import collections
import contextlib
import os
import random
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from bot.app.wiring.notices import Stores, stores_of
from bot.notices.person import Person
from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.slack.world import T_HOME
from bot.playground.volcengine.rtc import FakeRtc, open_fake_rtc
from bot.playground.volcengine.scenes import task, tos_file
from bot.recording.reading import Reading
from bot.recording.task import RUNNING, RecordTask
from bot.recording.task_ref import RtcApp, TaskRef
from bot.storage.database import open_database
from testing.forkserver import FORKED
from testing.worker import Order, run

SUBSCRIBERS = 5
ANSWERS_AFTER = 0.3
MINUTES_10 = timedelta(minutes=10)


@dataclass
class Town:
    """Everything but the workers. `rooms` are watched, each by SUBSCRIBERS of the `people`."""

    rtc: FakeRtc
    slack: FakeSlack
    stores: Stores
    order: Order
    rooms: list[str]
    people: list[Person]
    started: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0) - MINUTES_10)

    async def subscribe_all(self) -> None:
        for number, room in enumerate(self.rooms):
            self.rtc.answers[room] = task(status=2, start=self._milliseconds())
            reading = Reading(RecordTask(self._ref(room), RUNNING, started_at=self.started), datetime.now(UTC), "")
            for person in self.subscribers(number):
                await self.stores.subscriptions.subscribe(reading, person, next_look=timedelta())

    def subscribers(self, number: int) -> list[Person]:
        first = number * SUBSCRIBERS
        return [self.people[(first + place) % len(self.people)] for place in range(SUBSCRIBERS)]

    def end_all(self) -> None:
        start, now = self._milliseconds(), round(time.time() * 1000)
        for room in self.rooms:
            self.rtc.answers[room] = task(status=3, start=start, end=now, reason="StopByAPI", files=[tos_file(start)])

    def told(self) -> collections.Counter[tuple[str, str]]:
        """How often each person was told of each room."""
        keys = collections.Counter[tuple[str, str]]()
        for message in self.slack.messages:
            room = message.text.partition(" / ")[0]
            keys[room, message.channel] += 1
        return keys

    def due(self) -> set[tuple[str, str]]:
        """Who must be told of what."""
        return {
            (room, self.slack.world.dm_with(person.user_id).id)
            for number, room in enumerate(self.rooms)
            for person in self.subscribers(number)
        }

    async def unsettled(self) -> int:
        """How many notices are still to come."""
        entries = [await self.stores.subscriptions.entries(person, limit=10_000) for person in self.people]
        return sum(entry.settled_at is None for listed in entries for entry in listed)

    def _ref(self, room: str) -> TaskRef:
        return TaskRef(RtcApp("default", self.rtc.account.app_ids[0]), room, "Task1")

    def _milliseconds(self) -> int:
        return round(self.started.timestamp() * 1000)


@asynccontextmanager
async def open_town(
    url: str,
    folder: Path,
    *,
    rooms: int,
    workers: int,
    lease: float,
    messages_per_second: float,
    redis_url: str | None = None,
) -> AsyncIterator[Town]:
    """With an empty database at the URL; without a Redis each worker has a part of the limit."""
    async with (
        open_fake_rtc(FakeRtc()) as rtc,
        open_fake_slack(FakeSlack(limits=False)) as slack,
        open_database(url) as database,
    ):
        environ = {
            "RECTASK_RTC_ENDPOINT": rtc.url,
            "RECTASK_APP_ID": rtc.account.app_ids[0],
            "VOLC_ACCESSKEY": rtc.account.access_key,
            "VOLC_SECRETKEY": rtc.account.secret_key,
            **(
                {"RECTASK_REDIS_URL": redis_url, "RECTASK_REPLICAS": str(workers)}
                if redis_url
                else {"RECTASK_QPS": str(54 // workers)}
            ),
            "RECTASK_DATABASE_URL": url,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "SLACK_API_URL": slack.api_url,
        }
        order = Order(
            environ=environ,
            lease=lease,
            interval=30,
            messages_per_second=messages_per_second,
            log=str(folder / "workers.log"),
        )
        # What was posted is answered late, so that many a death comes in between.
        slack.fault("chat.postMessage", "slow_after", times=None, seconds=ANSWERS_AFTER)
        people = [Person(T_HOME, user) for user in slack.add_people(60)]
        names = [f"room{number}" for number in range(rooms)]
        yield Town(rtc, slack, stores_of(database), order, names, people)


@dataclass(frozen=True, slots=True)
class _Worker:
    """A process, and whether it has come so far as to claim something: `begun` ends when it says so, or dies."""

    process: ForkServerProcess
    begun: asyncio.Task[None]

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):  # it was killed meanwhile
            if self.process.pid is not None and self.process.is_alive():
                os.kill(self.process.pid, number)


class Crew:
    """The worker processes. Only those that are at work are killed: on a busy machine others would never be."""

    def __init__(self, order: Order, size: int, *, dice: random.Random) -> None:
        self._order = order
        self._size = size
        self._dice = dice
        self._workers: list[_Worker] = []
        self.killed = 0
        self.stopped = 0

    async def begin(self) -> None:
        while len(self._workers) < self._size:
            self._workers.append(await self._start())

    async def _start(self) -> _Worker:
        hears, says = FORKED.Pipe(duplex=False)
        process = FORKED.Process(target=run, args=(self._order, says))
        await asyncio.to_thread(process.start)
        says.close()  # only the worker has it now, so that its death is heard
        return _Worker(process, asyncio.create_task(asyncio.to_thread(_hear, hears)))

    async def kill_one(self) -> None:
        """Kill -9, and another one in its place; none where nobody is at work yet."""
        at_work = [worker for worker in self._workers if worker.begun.done()]
        if not at_work:
            return
        worker = self._dice.choice(at_work)
        self._workers.remove(worker)
        await _end(worker)
        self.killed += 1
        self._workers.append(await self._start())

    async def stop_one(self, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after so long."""
        worker = self._dice.choice(self._workers)
        worker.signal(signal.SIGSTOP)
        self.stopped += 1
        await asyncio.sleep(seconds)
        worker.signal(signal.SIGCONT)

    async def end(self) -> None:
        for worker in self._workers:
            await _end(worker)


async def _end(worker: _Worker) -> None:
    worker.process.kill()
    await asyncio.to_thread(worker.process.join)
    await worker.begun


def _hear(hears: Connection) -> None:
    """Until the worker says that it is at work, or is dead."""
    with hears, contextlib.suppress(EOFError):
        hears.recv_bytes()


@asynccontextmanager
async def open_crew(order: Order, size: int, *, dice: random.Random) -> AsyncIterator[Crew]:
    crew = Crew(order, size, dice=dice)
    try:
        await crew.begin()
        yield crew
    finally:
        await crew.end()
