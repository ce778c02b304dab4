"""The loop that the watcher and the deliverer share: claim what is due, handle each on its own, give back what is left.

One bad item never stops a round, and a store that is out of reach stops none for longer than it is.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Self, TypeVar

import structlog

from bot.notices.meter import RoundOutcome
from bot.notices.store import DatabaseUnavailable

log = structlog.get_logger()

POLL_EVERY = 1.0
# Where something was due, more may be: long enough for some room to come, short enough that none stays empty.
BREATH = 0.25
# Seconds after which a claim is made for fewer places too.
REFILLED_WITHIN = 5.0
# Seconds without a good round after which something is wrong.
ROUNDS_ARE_LATE_AFTER = 30.0
CANCELLED_WITHIN = 1.0

C = TypeVar("C")


class Rounds(Generic[C]):
    """Handles claims, `at_once` of them at most; more are claimed once there is room for `refill`, or after a while.

    `run` goes on until it is cancelled. Used as an async context manager: leaving it lets what is being handled go on
    for `drain()` seconds, then cancels it, and gives back every claim whose handling did not come to its end.
    """

    def __init__(
        self,
        name: str,
        *,
        claim: Callable[[int], Awaitable[Sequence[C]]],
        handle: Callable[[C], Awaitable[None]],
        release: Callable[[Sequence[C]], Awaitable[None]],
        at_once: int,
        drain: Callable[[], float],
        refill: int = 1,
        timer: Callable[[], float] = time.monotonic,
        on_round: Callable[[RoundOutcome], None] = lambda _: None,
    ) -> None:
        self._name = name
        self._claim, self._handle, self._release = claim, handle, release
        self._at_once = at_once
        self._refill = refill
        self._drain = drain
        self._timer = timer
        self._on_round = on_round
        self._under_way: dict[asyncio.Task[None], C] = {}
        self._cut_short: list[C] = []
        self._woken = asyncio.Event()
        self._good_round_at: float | None = None
        self._is_failing = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        seconds = self._drain()
        if self._under_way and seconds:
            await asyncio.wait(self._under_way, timeout=seconds)
        await self.cut_short()

    async def cut_short(self) -> None:
        """Cancel what is being handled, and give back what had not come to its end."""
        unfinished = list(self._under_way)
        for task in unfinished:
            task.cancel()
        if unfinished:
            await asyncio.wait(unfinished, timeout=CANCELLED_WITHIN)
        if not self._cut_short:
            return
        try:
            await self._release(self._cut_short)
        except DatabaseUnavailable:
            # Their leases will run out.
            log.warning("claims.kept", loop=self._name, claims=len(self._cut_short))

    @property
    def is_well(self) -> bool:
        """Whether there was a good round lately."""
        if self._good_round_at is None:
            return False
        return self._timer() - self._good_round_at < ROUNDS_ARE_LATE_AFTER

    def wake(self) -> None:
        """Something may have become due."""
        self._woken.set()

    async def round(self) -> int:
        """Claim what is due and handle all of it; how many that was. Raises DatabaseUnavailable."""
        begun = await self._begin(self._at_once)
        while self._under_way:
            await asyncio.wait(self._under_way)
        return begun

    async def run(self) -> None:
        """Round after round, until cancelled."""
        while True:
            self._woken.clear()
            room = self._at_once - len(self._under_way)
            is_time = self._is_time_for(room)
            begun = await self._begin_safely(room) if is_time else 0
            await self._pause(BREATH if begun or not is_time else POLL_EVERY)

    def _is_time_for(self, room: int) -> bool:
        """Not for each single place, which would cost the store a claim each; but a round is due now and then."""
        is_overdue = self._good_round_at is None or self._timer() - self._good_round_at >= REFILLED_WITHIN
        return room >= self._refill or (room > 0 and is_overdue)

    async def _begin_safely(self, room: int) -> int:
        try:
            begun = await self._begin(room)
        except Exception as failure:  # noqa: BLE001  # the loop goes on whatever happens
            self._note(failure)
            self._on_round("failed")
            return 0
        self._note(None)
        self._on_round("good")
        return begun

    async def _begin(self, room: int) -> int:
        claims = await self._claim(room)
        self._good_round_at = self._timer()
        for claim in claims:
            task = asyncio.create_task(self._handle_safely(claim))
            self._under_way[task] = claim
            task.add_done_callback(lambda done: self._under_way.pop(done, None))
        return len(claims)

    async def _handle_safely(self, claim: C) -> None:
        try:
            await self._handle(claim)
        except asyncio.CancelledError:
            self._cut_short.append(claim)
        except DatabaseUnavailable as failure:
            # What could not be written is done again when the lease has run out.
            self._note(failure)
        except Exception:
            log.exception("claim.failed", loop=self._name)

    def _note(self, failure: Exception | None) -> None:
        """Said once when rounds begin to fail and once when they are good again."""
        is_failing = failure is not None
        if is_failing == self._is_failing:
            return
        self._is_failing = is_failing
        if isinstance(failure, DatabaseUnavailable):
            log.warning("store.lost", loop=self._name, error=str(failure))
        elif failure is not None:
            log.error("rounds.failed", loop=self._name, exc_info=failure)
        else:
            log.info("rounds.recovered", loop=self._name)

    async def _pause(self, seconds: float) -> None:
        """Until somebody calls, or so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
