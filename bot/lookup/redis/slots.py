"""The pace that replicas share: each reserves its next slot in Redis, and goes by its own part while Redis is gone."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Self

import structlog

from bot.lookup.local_slots import OwnSlots
from bot.lookup.meter import UNMETERED, LookupMeter
from bot.lookup.pacing import Queue
from bot.lookup.redis.connection import RedisLink, RedisLost, RedisMakesNoSense
from bot.lookup.redis.pace_script import Told, pace_key, pace_script
from bot.lookup.under_way import WINDOW
from bot.recording.reading import Priority
from bot.runtime.supervision import Supervised, Supervisor

log = structlog.get_logger()

# Three processes that made 58 a second together gave the server 61 to 63 in its worst second (measured).
AIM = 0.9
# Seconds between two signs of life; a replica's own requests are signs too.
BEAT_EVERY = 0.5
# By then the others have noticed that this one is missing (after two seconds) and left its part to it.
NOTICED_AFTER = 2.5
# A replica that was there within so many seconds counts.
REMEMBERED_FOR = 60.0
# Seconds after its time, the way to Redis and back included, at which a slot is let go.
LATE_AFTER = 0.1

# A slot that is further ahead makes no sense, unless the pace is so slow that all replicas' turns take that long.
FURTHEST_SLOT = 2.0
_TURNS_AHEAD = 2
# Seconds for which a person waits at most while the requests under way leave no room, as Redis tells; by then each of
# them was answered or given up.
FULL_FOR_AT_MOST = 12.0
# And for so long a Redis that made no sense is not asked for a slot again.
DISTRUSTED_FOR = 10.0

_MICROSECOND = 1e-6


class SharedSlots:
    """Slots out of one row for all replicas, or of this replica's own while Redis cannot be asked.

    Used as an async context manager; leaving it tells the others that this one is gone.
    """

    def __init__(
        self,
        link: RedisLink,
        *,
        limit: int,
        replicas: int,
        replica: str,
        timer: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        meter: LookupMeter = UNMETERED,
        supervisor: Supervisor | None = None,
    ) -> None:
        self._link = link
        self._script = link.client.register_script(pace_script())
        self._limit = limit
        self._least = replicas
        self._replica = replica
        self._timer = timer
        self._sleep = sleep
        self._meter = meter
        self._seen = (replicas, timer())
        self._alone: OwnSlots | None = None
        self._alone_since = 0.0
        self._slowed_at: float | None = None
        self._queue: Queue | None = None
        self._was_late = False
        self._reserved = 0
        self._asking = asyncio.Lock()
        self._full_since: float | None = None
        self._distrusted_until = 0.0
        self._is_back = asyncio.Event()
        self._supervisor = supervisor or Supervisor()
        self._beating: Supervised | None = None
        self._beat_now = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._beat()
        self._meter.paced(is_shared=self._alone is None)
        self._beating = self._supervisor.start("shared_pace", self._keep_beating)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._beating is not None
        await self._beating.end()
        if self._alone is None:
            with suppress(RedisLost):  # then it is forgotten after a minute
                await self._ask("leave")

    @property
    def is_shared(self) -> bool:
        """Whether all replicas go by one pace."""
        return self._alone is None

    async def come(self, queue: Queue) -> None:
        """Return when a slot of this replica's is there."""
        self._queue = queue
        has_come = False
        while not has_come:
            alone = self._alone
            has_come = await (self._come_shared(queue) if alone is None else self._come_alone(alone, queue))

    async def _come_shared(self, queue: Queue) -> bool:
        """Whether the slot came; if not, somebody else goes first, or Redis is gone."""
        asked_at = self._timer()
        try:
            told = await self._ask("reserve")
            wait = self._believable(told, queue)
        except RedisLost as loss:
            self._reserved = 0
            self._go_alone(loss)
            return False
        if not told.is_granted:
            await queue.change(within=wait)
            return False
        try:
            await self._sleep(wait)
        finally:
            self._reserved = 0
        # Slots that many replicas come too late for would be used in a bunch; but the second one is taken as it is.
        self._was_late = not self._was_late and self._timer() - asked_at - wait > LATE_AFTER
        return not self._was_late

    def _believable(self, told: Told, queue: Queue) -> float:
        """Seconds to wait; nobody can make this replica stand still by what is written in Redis.

        Raises RedisMakesNoSense.
        """
        wait, now = told.wait * _MICROSECOND, self._timer()
        share = max(told.share * _MICROSECOND, min(1 / self._limit, 1.0))
        if wait > max(FURTHEST_SLOT, _TURNS_AHEAD / (self._part(AIM) * share)):
            raise RedisMakesNoSense(f"Redis gave a slot that is {wait:,.1f} s ahead")
        if told.is_granted or not queue.count(Priority.PERSON):
            self._full_since = None
        elif self._full_since is None:
            self._full_since = now
        elif now - self._full_since > FULL_FOR_AT_MOST:
            self._full_since = None
            raise RedisMakesNoSense(f"Redis gave no slot within {FULL_FOR_AT_MOST:g} s")
        return wait

    async def _come_alone(self, alone: OwnSlots, queue: Queue) -> bool:
        """Whether the slot came before Redis did."""
        alone.per_second = self._part(AIM if self._is_noticed() else 1 - AIM)
        coming, back = asyncio.ensure_future(alone.come(queue)), asyncio.ensure_future(self._is_back.wait())
        try:
            await asyncio.wait({coming, back}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            coming.cancel()
            back.cancel()
        if coming.done() and not coming.cancelled():
            coming.result()
            return True
        return False

    def take(self) -> None:
        """A shared slot was taken when it was reserved."""
        if self._alone is not None:
            self._alone.take()

    def slow_down(self) -> None:
        """Told to all at once; this replica's own part is halved too."""
        self._slowed_at = self._timer()
        self._beat_now.set()
        if self._alone is not None:
            self._alone.slow_down()

    async def _keep_beating(self) -> None:
        while True:
            try:
                async with asyncio.timeout(BEAT_EVERY):
                    await self._beat_now.wait()
            except TimeoutError:
                pass
            self._beat_now.clear()
            await self._beat()

    async def _beat(self) -> None:
        try:
            await self._ask("beat")
        except RedisLost as loss:
            self._go_alone(loss)
        else:
            if self._timer() >= self._distrusted_until:
                self._go_shared()

    async def prove(self) -> None:
        """Do each thing once, for `rectask check`. Raises RedisLost."""
        for what in ("beat", "reserve", "leave"):
            await self._ask(what)

    async def _ask(self, what: str) -> Told:
        """Raises RedisLost."""
        # One after the other: a beat that waited behind a reservation would take it back with what it counted before.
        async with self._asking:
            return await self._ask_now(what)

    async def _ask_now(self, what: str) -> Told:
        was_slowed = what != "leave" and self._is_news_of_slowing()
        persons = 0 if self._queue is None else self._queue.count(Priority.PERSON)
        others = max(persons - (what == "reserve"), 0)
        arguments: list[str | float] = [
            what,
            self._replica,
            self._limit * AIM,
            int(persons == 0),
            others,
            int(was_slowed),
            self._divisor,
            int(self._alone is not None),
            self._reserved + (0 if self._queue is None else self._queue.under_way()),
            self._limit,
        ]

        async def question() -> Told:
            return Told.read(await self._script(keys=[pace_key(self._link.prefix)], args=arguments))

        answer = await self._link.ask(question)
        self._count(answer.replicas)
        if what == "reserve":
            self._reserved = answer.is_granted
        if was_slowed:
            self._slowed_at = None
            log.warning("pacer.slowed", requests_per_second=round(self._limit * AIM * answer.share * _MICROSECOND, 1))
        return answer

    def _is_news_of_slowing(self) -> bool:
        """Older than a second it is over: a Redis that comes back is not told of what happened without it."""
        return self._slowed_at is not None and self._timer() - self._slowed_at < WINDOW

    def _count(self, replicas: int) -> None:
        """The most that were there lately: who is away for a moment still needs its part."""
        most, at = self._seen
        if replicas >= most or self._timer() - at > REMEMBERED_FOR:
            self._seen = (replicas, self._timer())

    def _part(self, aim: float) -> float:
        """Requests a second that are this replica's own of that part of the limit."""
        return self._limit * aim / self._divisor

    @property
    def _divisor(self) -> int:
        return max(self._seen[0], self._least)

    def _is_noticed(self) -> bool:
        """Until then only that may be used which the shared pace leaves free, for the others do not know yet."""
        return self._timer() - self._alone_since > NOTICED_AFTER

    def _go_alone(self, loss: RedisLost) -> None:
        if isinstance(loss, RedisMakesNoSense):
            self._distrusted_until = self._timer() + DISTRUSTED_FOR
        if self._alone is not None:
            return
        self._alone_since = self._timer()
        part = self._part(AIM)
        self._alone = OwnSlots(part, room=self._part(1.0), clock=self._timer, sleep=self._sleep)
        self._alone.wait_for(min(1 / self._part(1 - AIM), NOTICED_AFTER))
        if self._is_news_of_slowing():
            self._alone.slow_down()
        self._is_back.clear()
        log.warning("pacer.alone", error=str(loss), requests_per_second=round(part, 1), replicas=self._seen[0])
        self._meter.paced(is_shared=False)

    def _go_shared(self) -> None:
        if self._alone is None:
            return
        self._alone = None
        self._is_back.set()
        log.info("pacer.shared", requests_per_second=self._limit * AIM, replicas=self._seen[0])
        self._meter.paced(is_shared=True)
