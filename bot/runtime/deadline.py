"""One deadline for the end of the process, shared by all that has to be finished before it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

import structlog

log = structlog.get_logger()

T = TypeVar("T")


class Deadline:
    """So many seconds from when the end begins. `timer` counts in seconds."""

    def __init__(self, seconds: float, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._timer = timer
        self._at: float | None = None

    def begin(self, *, within: float | None = None) -> None:
        """The end begins now, and takes no longer than the deadline's seconds, or fewer. Only the first call counts."""
        if self._at is None:
            self._at = self._timer() + min(self._seconds, self._seconds if within is None else within)

    def left(self, *, but: float = 0.0) -> float:
        """Seconds until `but` seconds before the deadline; as many as there ever are while the end has not begun."""
        at = self._timer() + self._seconds if self._at is None else self._at
        return max(at - but - self._timer(), 0.0)


@asynccontextmanager
async def leaving_within(
    manager: AbstractAsyncContextManager[T], seconds: Callable[[], float], *, what: str
) -> AsyncIterator[T]:
    """The same context manager, but leaving it is cut short after `seconds()`, and logged."""
    entered = await manager.__aenter__()
    try:
        yield entered
    except BaseException as failure:
        await _leave(manager, failure, seconds(), what=what)
        raise
    else:
        await _leave(manager, None, seconds(), what=what)


async def _leave(
    manager: AbstractAsyncContextManager[object], failure: BaseException | None, seconds: float, *, what: str
) -> None:
    kind = None if failure is None else type(failure)
    traceback = None if failure is None else failure.__traceback__
    bound = asyncio.timeout(seconds)
    try:
        async with bound:
            await manager.__aexit__(kind, failure, traceback)
    except TimeoutError:
        if not bound.expired():
            raise
        log.warning("ending.cut_short", what=what)
