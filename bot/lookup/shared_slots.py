"""The pace that replicas share: each reserves its next slot in Redis, and goes by its own part while Redis is gone."""

import asyncio
import importlib.resources
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple, Self

import structlog

from bot.lookup.ending import end
from bot.lookup.meter import UNMETERED, LookupMeter
from bot.lookup.own_slots import OwnSlots
from bot.lookup.pacing import WINDOW, Queue
from bot.lookup.redis import RedisLink, RedisLost
from bot.recording.reading import Priority

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

_MICROSECOND = 1e-6


class _Told(NamedTuple):
    """What the script answers; `wait` in microseconds, `share` in millionths."""

    is_granted: int
    wait: int
    replicas: int
    share: int


class SharedSlots:
    """Slots out of one row for all replicas, or of this replica's own while Redis can not be asked.

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
    ) -> None:
        self._link = link
        self._script = link.client.register_script(_script())
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
        self._is_back = asyncio.Event()
        self._beating: asyncio.Task[None] | None = None
        self._beat_now = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._beat()
        self._meter.paced(is_shared=self._alone is None)
        self._beating = asyncio.create_task(self._keep_beating())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._beating is not None
        await end(self._beating)
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
        except RedisLost as loss:
            self._go_alone(loss)
            return False
        wait = told.wait * _MICROSECOND
        if not told.is_granted:
            await queue.change(within=wait)
            return False
        await self._sleep(wait)
        # Slots that many replicas come too late for would be used in a bunch; but the second one is taken as it is.
        self._was_late = not self._was_late and self._timer() - asked_at - wait > LATE_AFTER
        return not self._was_late

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
            self._go_shared()

    async def _ask(self, what: str) -> _Told:
        """Raises RedisLost."""
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
        ]
        answer = _Told(*await self._link.ask(lambda: self._script(keys=[f"{self._link.prefix}pace"], args=arguments)))
        self._count(answer.replicas)
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
        if self._alone is not None:
            return
        self._alone_since = self._timer()
        part = self._part(AIM)
        self._alone = OwnSlots(part, clock=self._timer, sleep=self._sleep)
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


def _script() -> str:
    return importlib.resources.files(__package__).joinpath("reserve.lua").read_text(encoding="utf-8")
