"""What goes on after Slack has been answered: owned, bounded, and finished before the process ends."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self, TypeVar

import structlog

log = structlog.get_logger()

T = TypeVar("T")

AT_MOST = 2_000
CANCELLED_WITHIN = 1.0
# So short a pause is waited for at the end too.
PASSES_SOON = 2.0


class Overloaded(Exception):
    """So much is under way that nothing more is begun."""


class Ending(Exception):
    """The process ends, and what would be waited for is not."""


class BackgroundTasks:
    """The tasks that listeners leave behind. An async context manager; leaving it waits, then cancels the rest.

    `drain` says then how many seconds to wait.
    """

    def __init__(self, *, drain: Callable[[], float] = lambda: 10.0) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._held: set[asyncio.Task[Any]] = set()
        self._drain = drain
        self._is_ending = asyncio.Event()

    def begin(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Let it run; raises Overloaded. A failure that nobody waits for is logged."""
        if len(self._tasks) >= AT_MOST:
            coroutine.close()
            raise Overloaded
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def __len__(self) -> int:
        """How much is under way."""
        return len(self._tasks)

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Have the calling task waited for as well, which others have begun, while it is inside; unbounded."""
        task = asyncio.current_task()
        assert task is not None
        self._held.add(task)
        try:
            yield
        finally:
            self._held.discard(task)

    async def pause(self, seconds: float) -> None:
        """Let the time pass; raises Ending as soon as the process ends, unless it passes soon."""
        if seconds <= PASSES_SOON:
            await asyncio.sleep(seconds)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._is_ending.wait(), seconds)
            raise Ending

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_ending.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._drain()):
                while going_on := self._tasks | self._held:  # what goes on may begin more
                    await asyncio.wait(going_on)
        unfinished = self._tasks | self._held
        for task in unfinished:
            task.cancel()
        if unfinished:
            log.warning("work.abandoned", tasks=len(unfinished))
            await asyncio.wait(unfinished, timeout=CANCELLED_WITHIN)
