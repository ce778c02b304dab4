"""Background tasks under supervision: one that ends is logged, started again, and known to be away until then.

Every room may use it. Whoever opens a task owns it and ends it; the supervisor, which all of a process share,
knows which of them are away.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

log = structlog.get_logger()

# Seconds before a task is started again: doubled each time it ends, up to the longest.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
# A task that ran for so many seconds starts over with the first pause.
STEADY_AFTER = 60.0
_CANCELLED_AGAIN_AFTER, _CANCELLED_AT_MOST = 0.2, 5

Body = Callable[[], Awaitable[None]]
Sleep = Callable[[float], Awaitable[None]]


class Supervisor:
    """Starts background tasks and knows which of them are away."""

    def __init__(self, *, sleep: Sleep = asyncio.sleep, timer: Callable[[], float] = time.monotonic) -> None:
        self._sleep = sleep
        self._timer = timer
        self._away: set[str] = set()

    @property
    def away(self) -> frozenset[str]:
        """The names of the tasks that have ended and do not run again yet."""
        return frozenset(self._away)

    def start(self, name: str, body: Body) -> "Supervised":
        """Call `body` as a task of this name, again and again, until `end` is awaited on what is returned."""
        return Supervised(name, body, away=self._away, sleep=self._sleep, timer=self._timer)

    @asynccontextmanager
    async def running(self, name: str, body: Body) -> AsyncIterator[None]:
        """The same until the block is left."""
        task = self.start(name, body)
        try:
            yield
        finally:
            await task.end()


class Supervised:
    """One background task. `body` is meant to run for ever: however it ends, it starts again."""

    def __init__(self, name: str, body: Body, *, away: set[str], sleep: Sleep, timer: Callable[[], float]) -> None:
        self._name = name
        self._body = body
        self._away = away
        self._sleep = sleep
        self._timer = timer
        self._pause = 0.0
        self._started_at: float | None = None
        self._is_ending = False
        self._task = self._begin()

    async def end(self) -> None:
        """Cancel it until it is over, or hangs.

        Once is not enough: asyncio.wait_for of Python 3.11 drops a cancellation that comes just when what it waits for
        is done (python/cpython#86296).
        """
        self._is_ending = True
        for _ in range(_CANCELLED_AT_MOST):
            self._task.cancel()
            await asyncio.wait([self._task], timeout=_CANCELLED_AGAIN_AFTER)
            if self._task.done():
                break
        self._away.discard(self._name)

    def _begin(self) -> asyncio.Task[None]:
        task = asyncio.create_task(self._run(), name=self._name)
        # No task watches the task, for that one could end as well.
        task.add_done_callback(self._note_end)
        return task

    async def _run(self) -> None:
        if self._pause:
            await self._sleep(self._pause)
            log.info("background_task.restarted", task=self._name)
        self._away.discard(self._name)
        self._started_at = self._timer()
        await self._body()

    def _note_end(self, task: asyncio.Task[None]) -> None:
        failure = None if task.cancelled() else task.exception()
        if self._is_ending or task.get_loop().is_closed():
            return
        self._away.add(self._name)
        self._pause = self._next_pause()
        how = "cancelled" if task.cancelled() else "returned" if failure is None else "raised"
        log.error("background_task.ended", task=self._name, how=how, again_in=self._pause, exc_info=failure)
        self._task = self._begin()

    def _next_pause(self) -> float:
        started_at, self._started_at = self._started_at, None
        was_steady = started_at is not None and self._timer() - started_at >= STEADY_AFTER
        if was_steady or not self._pause:
            return FIRST_PAUSE
        return min(2 * self._pause, LONGEST_PAUSE)
