"""What one replica hears of people's profiles, the others hear within a second or so, by way of the database."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Self

import structlog

from bot.access.changes import ProfileChanges
from bot.notices.store import DatabaseUnavailable
from bot.runtime.supervision import Supervised, Supervisor
from bot.slack.authorization.users import PROFILE_TTL, People

log = structlog.get_logger()

# Seconds between two looks, and at least between two rounds however many changes come.
LOOKS_EVERY, PAUSE = 1.0, 0.25
# A look goes back so far beyond the last one: what is written is committed a moment after its time.
LOOKS_BACK = timedelta(seconds=30)
# Longer than anything is remembered.
KEPT_FOR, FORGETS_EVERY = timedelta(hours=1), 3600.0
_LAST_WORD_WITHIN = 1.0


class Hearsay:
    """Passes on what `people` notes, and tells them what other replicas noted. An async context manager.

    While the database does not answer `people` hear nothing, and believe their memory for a moment only.
    """

    def __init__(
        self,
        people: People,
        changes: ProfileChanges,
        *,
        supervisor: Supervisor | None = None,
        timer: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._people = people
        self._changes = changes
        self._supervisor = supervisor or Supervisor()
        self._timer = timer
        self._sleep = sleep
        self._looked_at = timer()
        self._forgot_at = float("-inf")
        self._heard: Mapping[str, datetime] = {}
        self._running: Supervised | None = None

    async def __aenter__(self) -> Self:
        self._people.heard()
        self._running = self._supervisor.start("profile_changes", self._go_on)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._running is not None
        await self._running.end()
        with contextlib.suppress(DatabaseUnavailable, TimeoutError):
            async with asyncio.timeout(_LAST_WORD_WITHIN):
                await self._pass_on()

    async def _go_on(self) -> None:
        while True:
            with contextlib.suppress(DatabaseUnavailable):  # the loops that work with it say so, once
                await self.round()
            await self._sleep(PAUSE)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOKS_EVERY - PAUSE):
                    await self._people.something_changed()

    async def round(self) -> None:
        """Hear what is new, and say what is. Raises DatabaseUnavailable.

        To hear is only to read, and goes on while a lock keeps everybody from writing.
        """
        await self._hear()
        await self._pass_on()
        if self._timer() - self._forgot_at >= FORGETS_EVERY:
            self._forgot_at = self._timer()
            await self._changes.forget(older_than=max(KEPT_FOR, PROFILE_TTL))

    async def _hear(self) -> None:
        begun_at = self._timer()
        recent = await self._changes.recent(within=LOOKS_BACK + timedelta(seconds=begun_at - self._looked_at))
        for user_id, changed_at in recent.items():
            if self._heard.get(user_id) != changed_at:
                self._people.forget(user_id)
        self._heard, self._looked_at = recent, begun_at
        self._people.heard()

    async def _pass_on(self) -> None:
        if changed := self._people.take_changed():
            try:
                await self._changes.note(changed)
            except BaseException:
                self._people.put_back_changed(changed)
                raise
