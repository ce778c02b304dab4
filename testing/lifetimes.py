"""The way of a notice from RTC's answer to the direct message, between both stand-ins, by a clock moved by hand.

A life is what one process has: its connections to the database and to Slack, its watcher, its deliverer. It ends
without a word, as with kill -9: nothing is given back.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bot.app.wiring.lookup import Bot, open_bot
from bot.app.wiring.notices import Stores, stores_of
from bot.notices.delivery.deliverer import Deliverer
from bot.notices.delivery.message_rate import Pace
from bot.notices.person import Person
from bot.notices.subscription import Entry
from bot.notices.watching.watcher import Watcher
from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.slack.world import T_HOME, U_ANA, Message
from bot.playground.volcengine.rtc import FakeRtc, open_fake_rtc
from bot.playground.volcengine.scenes import task, tos_file
from bot.recording.reading import Priority, Reading, TaskReader, Urgency
from bot.recording.task_ref import TaskRef
from bot.slack.connection.client import Timeouts
from bot.slack.connection.workspace import TokenHealth
from bot.slack.delivery.dm_messenger import open_messenger
from bot.storage.database import Database, open_database
from testing.factories import BRIEF, SetClock, environ_for, no_time, settings_from

ANA = Person(T_HOME, U_ANA)
INTERVAL = timedelta(seconds=30)
PAST_ALL_LEASES = timedelta(minutes=3)


@dataclass
class Life:
    """One process."""

    database: Database
    stores: Stores
    watcher: Watcher
    deliverer: Deliverer

    async def go_round(self) -> None:
        """Look at all that is due, and deliver all that is due."""
        await self.watcher.rounds.round()
        await self.deliverer.rounds.round()


@dataclass
class Works:
    """The world around the lives, with a way to RTC and to the database that no death touches."""

    url: str
    clock: SetClock
    rtc: FakeRtc
    slack: FakeSlack
    bot: Bot
    stores: Stores
    exits: AsyncExitStack
    health: TokenHealth = field(default_factory=TokenHealth)
    _successor: Life | None = None
    _started: dict[str, int] = field(default_factory=dict)

    @asynccontextmanager
    async def life(
        self,
        *,
        reader: TaskReader | None = None,
        last_known: Callable[[TaskRef], Reading | None] = lambda _ref: None,
    ) -> AsyncIterator[Life]:
        """A process that begins now, and ends without a word."""
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(open_database(self.url, clock=self.clock))
            messenger = await stack.enter_async_context(
                open_messenger(
                    token=self.slack.bot_token,
                    base_url=self.slack.api_url,
                    health=self.health,
                    clock=self.clock,
                    patience=Timeouts(call=1.0),
                )
            )
            stores = stores_of(database)
            deliverer = Deliverer(
                stores.notices,
                messenger,
                clock=self.clock,
                on_settled=lambda _person: None,
                pace=Pace(timer=self.seconds, per_second=1000.0),
                timer=self.seconds,
                sleep=no_time,
            )
            watcher = Watcher(
                stores.looks,
                # Not through the memory: its timer is the real one.
                reader or self.bot.rtc,
                last_known=last_known,
                clock=self.clock,
                interval=INTERVAL,
                on_told=lambda: None,
                randomness=lambda: 0.0,
            )
            yield Life(database, stores, watcher, deliverer)

    def seconds(self) -> float:
        return self.clock().timestamp()

    def ref(self, room: str) -> TaskRef:
        return TaskRef(self.bot.apps[0], room, "Task1")

    def runs(self, room: str) -> None:
        """The room's task has been running for ten minutes."""
        start = self._started[room] = self._milliseconds() - 600_000
        self.rtc.answers[room] = task(status=2, start=start)

    def started(self, room: str) -> int:
        """In milliseconds."""
        return self._started[room]

    def ends(self, room: str, *, files: int = 1) -> None:
        """It ends now."""
        self.rtc.answers[room] = self.told(room, files=files)

    def told(self, room: str, *, files: int) -> Any:
        start = self._started[room]
        left = [tos_file(start, number=number) for number in range(1, files + 1)]
        return task(status=3, start=start, end=self._milliseconds(), reason="StopByAPI", files=left)

    def _milliseconds(self) -> int:
        return round(self.clock().timestamp() * 1000)

    async def subscribe(self, room: str, *people: Person) -> None:
        """As the listener does: ask RTC, then subscribe."""
        reading = await self.bot.rtc.read(self.ref(room), urgency=Urgency(Priority.PERSON))
        for person in people or (ANA,):
            await self.stores.subscriptions.subscribe(reading, person, next_look=INTERVAL)

    async def until_quiet(self, *, rounds: int = 8, step: timedelta = INTERVAL) -> None:
        """Another process works on as time goes by: the same one each time, as a new one costs more than its rounds."""
        if self._successor is None:
            self._successor = await self.exits.enter_async_context(self.life())
        for _ in range(rounds):
            await self._successor.go_round()
            self.clock.move(step)

    def messages(self, room: str, *, user: str = U_ANA) -> list[Message]:
        """The direct messages about the room, replies too."""
        dm = self.slack.world.dm_with(user).id
        return [
            message
            for message in self.slack.messages
            if message.channel == dm and message.text.startswith(f"{room} / ")
        ]

    async def entries(self, person: Person = ANA) -> list[Entry]:
        return list(await self.stores.subscriptions.entries(person, limit=1000))


@asynccontextmanager
async def open_works(url: str, clock: SetClock) -> AsyncIterator[Works]:
    fake_slack = FakeSlack(clock=lambda: clock().timestamp(), limits=False)
    async with (
        open_fake_rtc(FakeRtc(clock=clock, limit=None)) as rtc,
        open_fake_slack(fake_slack) as slack,
        open_bot(settings_from(environ_for(rtc)), clock=clock, patience=BRIEF, sleep=no_time) as bot,
        open_database(url, clock=clock) as database,
        AsyncExitStack() as exits,
    ):
        yield Works(url, clock, rtc, slack, bot, stores_of(database), exits)
