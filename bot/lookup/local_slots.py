"""The pace of one process by itself: turns are spaced, and a window of one second never holds more than its limit."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

import structlog

from bot.lookup.pacing import CLIMB_PER_SECOND, SLOWED_TO, Queue
from bot.lookup.under_way import WINDOW

log = structlog.get_logger()

# Seconds, so that no rounding puts two requests that are a second apart into one.
ROUNDING = 0.001
# One granted request may reach the server late and fall among those of the next second, so one place is kept free.
STRAGGLERS = 1
# With a limit this small the place would cost too much, and spacing alone keeps requests far apart.
FEW = 10
# Seconds after which it is looked again whether fewer requests are under way.
LOOKS_AGAIN_AFTER = 0.02


class OwnSlots:
    """Slots by this process's own clock. `per_second` may be made less at any time, and what it was again.

    `room` is how many requests the server may see in a second, and so how many are under way at most.
    """

    def __init__(
        self,
        per_second: float,
        *,
        room: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.per_second = per_second
        self._room = max(int(per_second if room is None else room), 1)
        self._clock = clock
        self._sleep = sleep
        most = max(int(per_second), 1)
        self._granted = deque[float](maxlen=most - STRAGGLERS if most > FEW else most)
        self._next_slot = clock()
        self._slowed_at: float | None = None
        self._slowed_from = 1.0

    def wait_for(self, seconds: float) -> None:
        """No slot before that many seconds have passed."""
        self._next_slot = self._clock() + seconds

    async def come(self, queue: Queue) -> None:
        """Return when the next slot is there and the requests that are under way leave room for it."""
        while (wait := self._next_slot - self._clock()) > 0:
            await self._sleep(wait)
        while queue.under_way() >= self._room:
            await self._sleep(LOOKS_AGAIN_AFTER)

    def take(self) -> None:
        """From now, not from when this slot was due: time lost in a stall is never caught up."""
        now = self._clock()
        self._granted.append(now)
        spaced = now + WINDOW / (self.per_second * self._share(now))
        if len(self._granted) == self._granted.maxlen:
            spaced = max(spaced, self._granted[0] + WINDOW + ROUNDING)
        self._next_slot = spaced

    def slow_down(self) -> None:
        """Halve the rate and climb back; what comes within a second of it is the same congestion."""
        now = self._clock()
        if self._slowed_at is not None and now - self._slowed_at < WINDOW:
            return
        self._slowed_from = max(self._share(now) * SLOWED_TO, min(1 / self.per_second, 1.0))
        self._slowed_at = now
        log.warning("pacer.slowed", requests_per_second=round(self._slowed_from * self.per_second, 1))

    def _share(self, now: float) -> float:
        """The part of the limit in use now: 1 unless slowed down."""
        if self._slowed_at is None:
            return 1.0
        share = self._slowed_from + CLIMB_PER_SECOND * (now - self._slowed_at)
        if share >= 1.0:
            self._slowed_at = None
            log.info("pacer.recovered", requests_per_second=self.per_second)
        return min(share, 1.0)
