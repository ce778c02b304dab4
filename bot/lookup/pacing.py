"""The pacer: lets one request go at a time, the most urgent first, so that no second ever holds more than the limit.

Limiters that are exact by their own clock let the server see 88 to 170 requests in its worst second where 60 are
allowed, because granted requests bunch on their way. Spacing them holds (measured; see docs/performance.md).
"""

import asyncio
import heapq
import itertools
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Self

import structlog

from bot.recording.reading import Urgency

log = structlog.get_logger()

WINDOW = 1.0
# Seconds, so that no rounding puts two requests that are a second apart into one.
ROUNDING = 0.001
# One granted request may reach the server late and fall among those of the next second, so one place is kept free.
STRAGGLERS = 1
# With a limit this small the place would cost too much, and spacing alone keeps requests far apart.
FEW = 10
# After "too many requests": half the rate at once, then a twentieth of the limit more each second; ten seconds in all.
SLOWED_TO = 0.5
CLIMB_PER_SECOND = 0.05


class PacerClosed(Exception):
    """No more turns are granted."""


class _Waiter(NamedTuple):
    """Ordered by priority, then by arrival; a raised waiter stands in the queue twice, and its turn comes once."""

    priority: int
    arrival: int
    turn: asyncio.Future[None]


class Pacer:
    """Grants turns, `limit` a second at most; as many askers as want to may wait.

    Used as an async context manager; leaving it ends the waiting of those who still do, with PacerClosed.
    """

    def __init__(
        self,
        limit: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._limit = limit
        self._clock = clock
        self._sleep = sleep
        self._queue: list[_Waiter] = []
        self._arrivals = itertools.count()
        self._granted = deque[float](maxlen=limit - STRAGGLERS if limit > FEW else limit)
        self._next_slot = clock()
        self._slowed_at: float | None = None
        self._slowed_from = 1.0
        self._dispatcher: asyncio.Task[None] | None = None
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_closed = True
        if self._dispatcher is not None:
            self._dispatcher.cancel()
            await asyncio.wait([self._dispatcher])
        self._fail_all(PacerClosed())

    def _fail_all(self, failure: BaseException) -> None:
        for waiter in self._queue:
            if not waiter.turn.done():
                waiter.turn.set_exception(failure)
        self._queue.clear()

    async def turn(self, urgency: Urgency) -> None:
        """Wait for the right to send one request. Raises PacerClosed."""
        if self._is_closed:
            raise PacerClosed
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        arrival = next(self._arrivals)

        def enqueue() -> None:
            heapq.heappush(self._queue, _Waiter(urgency.priority, arrival, turn))

        enqueue()
        log.debug("turn.awaited", waiting=len(self._queue), priority=urgency.priority.name)
        urgency.watch(enqueue)
        if self._dispatcher is None or self._dispatcher.done():
            self._dispatcher = asyncio.create_task(self._dispatch_or_fail())
        try:
            await turn
        finally:
            urgency.watch(None)

    def slow_down(self) -> None:
        """Halve the rate for everybody and climb back; what comes within a second of it is the same congestion."""
        now = self._clock()
        if self._slowed_at is not None and now - self._slowed_at < WINDOW:
            return
        self._slowed_from = max(self._share(now) * SLOWED_TO, 1 / self._limit)
        self._slowed_at = now
        log.warning("pacer.slowed", requests_per_second=round(self._slowed_from * self._limit, 1))

    def _share(self, now: float) -> float:
        """The part of the limit in use now: 1 unless slowed down."""
        if self._slowed_at is None:
            return 1.0
        share = self._slowed_from + CLIMB_PER_SECOND * (now - self._slowed_at)
        if share >= 1.0:
            self._slowed_at = None
            log.info("pacer.recovered", requests_per_second=self._limit)
        return min(share, 1.0)

    async def _dispatch_or_fail(self) -> None:
        try:
            await self._dispatch()
        except Exception as failure:
            # Nobody waits for the dispatcher; those who wait for their turn must not do so in vain.
            log.exception("pacer.failed")
            self._fail_all(failure)

    async def _dispatch(self) -> None:
        while self._queue:
            while (wait := self._next_slot - self._clock()) > 0:
                await self._sleep(wait)
            # Chosen at the last moment, so that somebody more urgent who came during the wait goes first.
            waiter = heapq.heappop(self._queue)
            if not waiter.turn.done():
                self._reserve_next_slot(self._clock())
                waiter.turn.set_result(None)

    def _reserve_next_slot(self, now: float) -> None:
        """From now, not from when this turn was due: time lost in a stall is never caught up."""
        self._granted.append(now)
        spaced = now + WINDOW / (self._limit * self._share(now))
        if len(self._granted) == self._granted.maxlen:
            spaced = max(spaced, self._granted[0] + WINDOW + ROUNDING)
        self._next_slot = spaced
