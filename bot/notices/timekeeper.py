"""What is done about a store's clock that was wrong: due times that lie too far ahead are pulled in."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from bot.notices.store import DatabaseUnavailable, DueTimes, Farthest
from bot.runtime.clocks import SteadyClock

log = structlog.get_logger()

LOOKED_AT_EVERY = 10.0
LATE_AFTER = 30.0


class Timekeeper:
    """Pulls in, now and every ten seconds; `on_pulled_in` is called when there was something."""

    def __init__(
        self,
        due_times: DueTimes,
        farthest: Farthest,
        *,
        on_pulled_in: Callable[[], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._due_times = due_times
        self._farthest = farthest
        self._on_pulled_in = on_pulled_in
        self._sleep = sleep
        self._timer = timer
        self._clock = SteadyClock("store", due_times.moment, timer=timer)
        self._good_at: float | None = None

    @property
    def is_well(self) -> bool:
        """Whether it is known that nothing lies too far ahead: that was seen to lately."""
        return self._good_at is not None and self._timer() - self._good_at < LATE_AFTER

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._pull_in()
            except DatabaseUnavailable:
                pass  # the loops say that it is lost
            else:
                self._good_at = self._timer()
            await self._sleep(LOOKED_AT_EVERY)

    async def _pull_in(self) -> None:
        await self._clock.look()
        if rows := await self._due_times.pull_in(self._farthest):
            log.warning("due_times.pulled_in", rows=rows)
            self._on_pulled_in()
