"""What the contract tests are written in: all stores of one database, and short words for readings and people."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from bot.notices.completion import Completion, Occasion
from bot.notices.notice import ClaimedNotice, MessageRef
from bot.notices.person import Person
from bot.notices.store import DueTimes, Looks, Notices, Requests, Subscriptions, Upkeep
from bot.notices.subscription import ClaimedTask, Entry, Phase, Subscribed, WatchedTask
from bot.recording.reading import Reading
from bot.recording.task import ENDED, NOT_STARTED, RUNNING, RecordingFile, RecordTask, Status
from bot.recording.task_ref import RtcApp, TaskRef
from bot.storage.database import Database, open_database
from bot.storage.due_times import SqlDueTimes
from bot.storage.notices import SqlNotices
from bot.storage.requests import SqlRequests
from bot.storage.subscriptions import SqlSubscriptions
from bot.storage.tables import metadata
from bot.storage.upkeep import SqlUpkeep
from bot.storage.watched_tasks import SqlLooks
from testing.factories import SetClock

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
LEASE = timedelta(seconds=30)
INTERVAL = timedelta(seconds=30)

APP = RtcApp("prod", "661e0000000000000000543c")
REF = TaskRef(APP, "Room1", "Task1")
OTHER_REF = TaskRef(APP, "Room1", "Task2")
START = NOON - MINUTE
LATER_START = NOON + MINUTE

ANN = Person("T1", "U1")
BOB = Person("T1", "U2")
CAT = Person("T2", "U1")

FILE = RecordingFile(object_key="a/b.mp4", size=7)
PLACE = MessageRef("D1", "1700000000.000100")


def reading(
    status: Status = RUNNING,
    *,
    start: datetime | None = START,
    ref: TaskRef = REF,
    read_at: datetime = NOON,
    files: tuple[RecordingFile, ...] = (),
) -> Reading:
    """As it comes out of the store: without the raw answer."""
    return Reading(RecordTask(ref, status, started_at=start, files=files), read_at, raw="")


RUNS = reading(RUNNING)
IS_OVER = reading(ENDED)
HAS_FILES = reading(ENDED, files=(FILE,))
NOT_BEGUN = reading(NOT_STARTED, start=None)


@dataclass(frozen=True, slots=True)
class Stores:
    """The four protocols over one database, with a clock that is moved by hand."""

    database: Database
    clock: SetClock
    subscriptions: Subscriptions
    looks: Looks
    notices: Notices
    upkeep: Upkeep
    requests: Requests
    due_times: DueTimes

    async def subscribe(self, person: Person = ANN, about: Reading = RUNS) -> Subscribed:
        return await self.subscriptions.subscribe(about, person, next_look=timedelta())

    async def claim_look(self) -> ClaimedTask:
        """The only one that is due."""
        (look,) = await self.looks.claim_due(limit=100, lease=LEASE)
        return look

    async def watched(self, person: Person = ANN) -> WatchedTask:
        """The only one in the person's list."""
        return (await self.entry(person)).watched

    async def entry(self, person: Person = ANN) -> Entry:
        (entry,) = await self.subscriptions.entries(person, limit=100)
        return entry

    async def conclude(
        self,
        occasion: Occasion = Occasion.ENDED,
        *,
        about: Reading | None = IS_OVER,
        phase: Phase = Phase.CLOSED,
        newer: Reading | None = None,
        look: ClaimedTask | None = None,
    ) -> Completion:
        """By a look at the only task that is due."""
        completion = Completion(occasion, self.clock(), about, newer)
        look = look or await self.claim_look()
        assert await self.looks.conclude(look, completion, phase=phase, next_look=timedelta())
        return completion

    async def claim_notices(self) -> list[ClaimedNotice]:
        return list(await self.notices.claim_due(limit=100, lease=LEASE))

    async def claim_notice(self) -> ClaimedNotice:
        """The only one that is due."""
        (delivery,) = await self.claim_notices()
        return delivery

    async def begin(self) -> ClaimedNotice:
        """The only one that is due, on its way."""
        delivery = await self.claim_notice()
        assert await self.notices.begin(delivery, lease=LEASE)
        return delivery

    async def deliver(self, place: MessageRef = PLACE) -> ClaimedNotice:
        """The only one that is due."""
        delivery = await self.begin()
        assert await self.notices.mark_delivered(delivery, place)
        return delivery

    async def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """All that is stored."""
        async with self.database.reading() as connection:
            return {
                table.name: [tuple(row) for row in await connection.execute(select(table).order_by(*table.primary_key))]
                for table in metadata.sorted_tables
            }


def stores_of(database: Database, clock: SetClock) -> Stores:
    return Stores(
        database,
        clock,
        SqlSubscriptions(database),
        SqlLooks(database),
        SqlNotices(database),
        SqlUpkeep(database),
        SqlRequests(database),
        SqlDueTimes(database),
    )


@asynccontextmanager
async def open_stores(url: str, clock: SetClock) -> AsyncIterator[Stores]:
    async with open_database(url, clock=clock) as database:
        yield stores_of(database, clock)


def migrate(url: str) -> None:
    """Make the schema, outside any event loop."""

    async def prepare() -> None:
        async with open_database(url) as database:
            await database.prepare()

    asyncio.run(prepare())
