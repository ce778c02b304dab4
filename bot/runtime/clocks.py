"""Whether a clock goes on evenly, by a timer that nobody sets.

Clocks jump: somebody sets them, a virtual machine stands still, a database fails over to another server. What is
deleted by the time of day is deleted only after the clock has gone on evenly for an hour.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

log = structlog.get_logger()

# More than a clock that is drawn near ever goes astray between two looks at it, and than a slow answer takes.
JUMP = timedelta(seconds=60)
STEADY_AFTER = timedelta(hours=1)
LOOKED_AT_EVERY = timedelta(minutes=1)

Read = Callable[[], Awaitable[datetime]]
Sleep = Callable[[float], Awaitable[None]]


class SteadyClock:
    """A clock that is looked at now and then, and for how long it has gone on evenly. `of` names it in the log."""

    def __init__(self, of: str, read: Read, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._of = of
        self._read = read
        self._timer = timer
        self._even_since = timer()
        self._ahead: timedelta | None = None

    async def look(self) -> timedelta:
        """How far it has jumped since the last look: nothing, mostly. Raises what reading it raises."""
        now = await self._read()
        ahead = now - datetime.fromtimestamp(self._timer(), tz=now.tzinfo)
        jump = timedelta() if self._ahead is None else ahead - self._ahead
        self._ahead = ahead
        if abs(jump) < JUMP:
            return timedelta()
        self._even_since = self._timer()
        log.info("clock.jumped", of=self._of, seconds=round(jump.total_seconds()))
        return jump

    @property
    def is_steady(self) -> bool:
        """Whether it went on evenly for an hour, as far as it was looked at."""
        return self._timer() - self._even_since >= STEADY_AFTER.total_seconds()

    async def until_steady(self, sleep: Sleep = asyncio.sleep) -> None:
        """Look at it until it has gone on evenly for an hour, an hour from now at the earliest."""
        self._even_since = self._timer()
        while True:
            await self.look()
            if self.is_steady:
                return
            await sleep(LOOKED_AT_EVERY.total_seconds())
