"""The memory of answers: a life by state, one request per task however many ask, the last known for bad times."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, Self

import structlog
from cachetools import TLRUCache, TTLCache

from bot.lookup.cancel import end
from bot.lookup.meter import UNMETERED, LookupMeter
from bot.recording.diagnosis.findings import files_may_follow
from bot.recording.reading import Priority, Reading, TaskNotFound, TaskReader, TaskUnavailable, Urgency
from bot.recording.task import LOOKUP_WINDOW
from bot.recording.task_ref import TaskRef

log = structlog.get_logger()

LIFE_WHEN_OVER = timedelta(minutes=10)
LIFE_WHILE_CHANGING = timedelta(seconds=5)
LIFE_WHEN_NOT_FOUND = timedelta(seconds=10)

TASKS_REMEMBERED = 10_000
# An answer in memory took 2.7 to 4.0 times its JSON with 500 files, the more the terser they are, 3.1 times with one
# (measured); most stay below the least weight.
_BYTES_PER_RAW_BYTE = 4
_LEAST_WEIGHT = 16 * 1024


class Shared(Protocol):
    """A memory that other processes fill too; it never fails, it only knows nothing."""

    async def recall(self, ref: TaskRef) -> tuple[Reading | TaskNotFound, timedelta] | None:
        """What is kept about the task, and how much longer it may be told."""
        ...

    async def keep(self, ref: TaskRef, outcome: Reading | TaskNotFound, life: timedelta) -> None:
        """Let the others have it for that long."""
        ...


@dataclass(frozen=True, slots=True)
class _Remembered:
    """What came of one request, and how many seconds it may be told again."""

    outcome: Reading | TaskNotFound
    life: float


@dataclass(slots=True)
class _Flight:
    """A request under way, which all who ask for its task share; one of them may want nothing from memory."""

    request: asyncio.Task[Reading]
    urgency: Urgency
    is_fresh: bool


class CachingReader:
    """A TaskReader around another one. Failures are not kept, but "not found" is, for some seconds.

    Used as an async context manager; leaving it ends the requests under way, and whoever waits for one is told so.
    """

    def __init__(
        self,
        reader: TaskReader,
        *,
        clock: Callable[[], datetime],
        timer: Callable[[], float] = time.monotonic,
        shared: Shared | None = None,
        meter: LookupMeter = UNMETERED,
    ) -> None:
        self._reader = reader
        self._shared = shared
        self._meter = meter
        self._clock = clock
        budget = TASKS_REMEMBERED * _LEAST_WEIGHT
        self._fresh: TLRUCache[TaskRef, _Remembered] = TLRUCache(
            budget, ttu=lambda _, kept, now: now + kept.life, timer=timer, getsizeof=lambda kept: _weight(kept.outcome)
        )
        self._last_known: TTLCache[TaskRef, Reading] = TTLCache(
            budget, ttl=LOOKUP_WINDOW.total_seconds(), timer=timer, getsizeof=_weight
        )
        self._flights: dict[TaskRef, _Flight] = {}
        self._listener: Callable[[Reading], None] | None = None
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_closed = True
        await end(*(flight.request for flight in self._flights.values()))

    def recall(self, ref: TaskRef) -> Reading | None:
        """What is in memory and young enough to be told; None where `read` would have to say something else."""
        kept = self._fresh.get(ref)
        if kept is None or not isinstance(kept.outcome, Reading):
            return None
        self._found(ref)
        return kept.outcome

    def _found(self, ref: TaskRef) -> None:
        self._meter.answered("memory")
        log.debug("cache.hit", room=ref.room, task=ref.task)

    def last_known(self, ref: TaskRef) -> Reading | None:
        """The last answer, however old, without asking anybody."""
        return self._last_known.get(ref)

    def hand_on_to(self, listener: Callable[[Reading], None]) -> None:
        """Call this (only this) with each answer that a person's asking brings."""
        self._listener = listener

    async def read(self, ref: TaskRef, *, urgency: Urgency, fresh: bool = False) -> Reading:
        """From memory while the answer is young enough, else from the request under way, else from a new one.

        `fresh` passes the memory by, and still joins a request under way. Raises TaskReadError; a TaskUnavailable
        carries the last known answer, if there is one.
        """
        if not fresh and (kept := self._fresh.get(ref)) is not None:
            self._found(ref)
            return _told(kept.outcome)
        flight = self._flights.get(ref)
        if self._is_closed:
            raise _closing()
        if flight is None:
            log.debug("cache.passed_by" if fresh else "cache.missed", room=ref.room, task=ref.task)
            flight = self._start(ref, Urgency(urgency.priority), fresh=fresh)
        else:
            self._meter.answered("flight")
            log.debug("flight.joined", room=ref.room, task=ref.task)
            flight.urgency.raise_to(urgency.priority)
            flight.is_fresh |= fresh
        # Shielded, for the request belongs to all who wait for it and not to the one who came first.
        try:
            return await asyncio.shield(flight.request)
        except asyncio.CancelledError:
            asker = asyncio.current_task()
            if asker is None or asker.cancelling() or not flight.request.cancelled():
                raise
            raise _closing() from None

    def _start(self, ref: TaskRef, urgency: Urgency, *, fresh: bool) -> "_Flight":
        flight = _Flight(asyncio.create_task(self._fly(ref, urgency)), urgency, is_fresh=fresh)
        self._flights[ref] = flight
        flight.request.add_done_callback(lambda request: self._land(ref, request))
        return flight

    def _land(self, ref: TaskRef, request: asyncio.Task[Reading]) -> None:
        del self._flights[ref]
        if not request.cancelled():
            # Fetched, lest asyncio complain of a failure that nobody waited for any more.
            request.exception()

    async def _fly(self, ref: TaskRef, urgency: Urgency) -> Reading:
        """From the memory that is shared, if there is one and nobody wants it fresh, or from RTC."""
        flight = self._flights[ref]
        if self._shared is not None and not flight.is_fresh:
            kept = await self._shared.recall(ref)
            if kept is not None and not flight.is_fresh:
                self._meter.answered("shared")
                log.debug("cache.shared_hit", room=ref.room, task=ref.task)
                outcome, life = kept
                self._remember(ref, outcome, life)
                return _told(outcome)
        self._meter.answered("rtc")
        return await self._ask(ref, urgency)

    async def _ask(self, ref: TaskRef, urgency: Urgency) -> Reading:
        try:
            reading = await self._reader.read(ref, urgency=urgency)
        except TaskNotFound as refusal:
            await self._keep(ref, refusal, LIFE_WHEN_NOT_FOUND)
            raise
        except TaskUnavailable as failure:
            failure.last_known = self._last_known.get(ref)
            raise
        await self._keep(ref, reading, self._life_of(reading))
        if self._listener is not None and urgency.priority is Priority.PERSON:
            self._listener(reading)
        return reading

    async def _keep(self, ref: TaskRef, outcome: Reading | TaskNotFound, life: timedelta) -> None:
        """When whoever asked is told, the others have it too; a Redis that hangs costs its patience once."""
        self._remember(ref, outcome, life)
        if self._shared is not None:
            await self._shared.keep(ref, outcome, life)

    def _remember(self, ref: TaskRef, outcome: Reading | TaskNotFound, life: timedelta) -> None:
        self._fresh[ref] = _Remembered(outcome, life.total_seconds())
        if isinstance(outcome, Reading):
            self._last_known[ref] = outcome

    def _life_of(self, reading: Reading) -> timedelta:
        task = reading.task
        if task.is_over and not files_may_follow(task, now=self._clock()):
            return LIFE_WHEN_OVER
        return LIFE_WHILE_CHANGING


def _closing() -> TaskUnavailable:
    return TaskUnavailable(
        "Rectask is being stopped.",
        meaning="RTC was not asked to the end.",
        advice="Try again in a minute.",
        reason="Rectask is restarting",
    )


def _told(outcome: Reading | TaskNotFound) -> Reading:
    if isinstance(outcome, Reading):
        return outcome
    # Without the traceback of the times it was told before, which would grow with each.
    raise outcome.with_traceback(None)


def _weight(outcome: Reading | TaskNotFound) -> int:
    """Bytes in memory, roughly; the least weight is what keeps the number of tasks within TASKS_REMEMBERED."""
    size = len(outcome.raw) * _BYTES_PER_RAW_BYTE if isinstance(outcome, Reading) else 0
    return max(size, _LEAST_WEIGHT)
