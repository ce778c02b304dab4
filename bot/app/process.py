"""What all parts of one process share, and how long its end may take."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Self, TypeVar

import structlog

from bot.app.config.settings import Settings
from bot.app.health import Readiness
from bot.app.metrics.prometheus import Meters
from bot.runtime.deadline import Deadline, leaving_within
from bot.runtime.supervision import Supervisor
from bot.slack.connection.client import Timeouts

log = structlog.get_logger()

# Seconds from the signal to the end of all that is to be finished: Compose and Kubernetes wait for twenty.
ENDS_WITHIN = 10.0
# While it starts there is nothing to finish.
START_ENDS_WITHIN = 2.0
# Kept back from the answers and messages that are being finished: for what is written down after them.
FOR_CLAIMS, FOR_AUDIT, FOR_REST = 3.0, 1.5, 0.5

Sleep = Callable[[float], Awaitable[None]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Process:
    """What all parts of one process share."""

    settings: Settings
    stack: AsyncExitStack
    readiness: Readiness
    meters: Meters
    supervisor: Supervisor
    deadline: Deadline
    slack_patience: Timeouts
    sleep: Sleep

    async def enter(self, manager: AbstractAsyncContextManager[T], what: str, *, but: float = FOR_REST) -> T:
        """Enter it until the end of the process, when leaving it is cut short `but` seconds before the deadline."""
        return await self.stack.enter_async_context(
            leaving_within(manager, partial(self.deadline.left, but=but), what=what)
        )

    async def end(self, serving: asyncio.Task[None], stop: asyncio.Event) -> None:
        """Wait until `stop` is set, and then for the end of serving, but no longer than the deadline allows.

        Raises what serving died of.
        """
        try:
            await _until_either(serving, stop)
            if not serving.done():
                await self._end(serving)
        finally:
            serving.cancel()
        if serving.done() and not serving.cancelled():
            serving.result()

    async def _end(self, serving: asyncio.Task[None]) -> None:
        log.info("server.stopping")
        if self.readiness.is_serving:
            self.readiness.is_serving = False
            self.deadline.begin()
        else:
            self.deadline.begin(within=START_ENDS_WITHIN)
            serving.cancel()
        await asyncio.wait({serving}, timeout=self.deadline.left())
        if not serving.done():
            log.warning("server.cut_short")

    @classmethod
    def of(cls, settings: Settings, meters: Meters, *, slack_patience: Timeouts, sleep: Sleep) -> Self:
        """One that has just begun."""
        supervisor = Supervisor()
        readiness, deadline = Readiness(supervisor), Deadline(ENDS_WITHIN)
        return cls(settings, AsyncExitStack(), readiness, meters, supervisor, deadline, slack_patience, sleep)


async def _until_either(serving: asyncio.Task[None], stop: asyncio.Event) -> None:
    told = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, told}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        told.cancel()
