"""The memory of answers: a life by state, one request per task however many ask, the last known for bad times."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import structlog
from cachetools import TLRUCache, TTLCache

from bot.recording.reading import Priority, Reading, TaskNotFound, TaskReader, TaskUnavailable, Urgency
from bot.recording.task import KNOWN_FOR, TaskRef
from bot.recording.verdict import files_may_follow

log = structlog.get_logger()

LIFE_WHEN_OVER = timedelta(minutes=10)
LIFE_WHILE_CHANGING = timedelta(seconds=5)
LIFE_WHEN_NOT_FOUND = timedelta(seconds=10)

TASKS_REMEMBERED = 10_000
# An answer in memory took 2.5 times its JSON with 500 files, 3.1 times with one (measured); most stay below the least
# weight.
_BYTES_PER_RAW_BYTE = 3
_LEAST_WEIGHT = 16 * 1024


@dataclass(frozen=True, slots=True)
class _Remembered:
    """What came of one request, and how many seconds it may be told again."""

    outcome: Reading | TaskNotFound
    life: float


@dataclass(frozen=True, slots=True)
class _Flight:
    """A request under way, which all who ask for its task share."""

    request: asyncio.Task[Reading]
    urgency: Urgency


class CachingReader:
    """A TaskReader around another one. Failures are not kept, but "not found" is, for some seconds.

    Used as an async context manager; leaving it ends the requests under way, and whoever waits for one is told so.
    """

    def __init__(
        self, reader: TaskReader, *, clock: Callable[[], datetime], timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._reader = reader
        self._clock = clock
        budget = TASKS_REMEMBERED * _LEAST_WEIGHT
        self._fresh: TLRUCache[TaskRef, _Remembered] = TLRUCache(
            budget, ttu=lambda _, kept, now: now + kept.life, timer=timer, getsizeof=lambda kept: _weight(kept.outcome)
        )
        self._last_known: TTLCache[TaskRef, Reading] = TTLCache(
            budget, ttl=KNOWN_FOR.total_seconds(), timer=timer, getsizeof=_weight
        )
        self._flights: dict[TaskRef, _Flight] = {}
        self._listener: Callable[[Reading], None] | None = None
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_closed = True
        under_way = [flight.request for flight in self._flights.values()]
        for request in under_way:
            request.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def recall(self, ref: TaskRef) -> Reading | None:
        """What is in memory and young enough to be told; None where `read` would have to say something else."""
        kept = self._fresh.get(ref)
        if kept is None or not isinstance(kept.outcome, Reading):
            return None
        log.debug("cache.hit", room=ref.room, task=ref.task)
        return kept.outcome

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
            log.debug("cache.hit", room=ref.room, task=ref.task)
            return _told(kept.outcome)
        flight = self._flights.get(ref)
        if self._is_closed:
            raise _closing()
        if flight is None:
            log.debug("cache.passed_by" if fresh else "cache.missed", room=ref.room, task=ref.task)
            flight = self._start(ref, Urgency(urgency.priority))
        else:
            log.debug("flight.joined", room=ref.room, task=ref.task)
            flight.urgency.raise_to(urgency.priority)
        # Shielded, for the request belongs to all who wait for it and not to the one who came first.
        try:
            return await asyncio.shield(flight.request)
        except asyncio.CancelledError:
            asker = asyncio.current_task()
            if asker is None or asker.cancelling() or not flight.request.cancelled():
                raise
            raise _closing() from None

    def _start(self, ref: TaskRef, urgency: Urgency) -> "_Flight":
        flight = _Flight(asyncio.create_task(self._ask(ref, urgency)), urgency)
        self._flights[ref] = flight
        flight.request.add_done_callback(lambda request: self._land(ref, request))
        return flight

    def _land(self, ref: TaskRef, request: asyncio.Task[Reading]) -> None:
        del self._flights[ref]
        if not request.cancelled():
            # Fetched, lest asyncio complain of a failure that nobody waited for any more.
            request.exception()

    async def _ask(self, ref: TaskRef, urgency: Urgency) -> Reading:
        try:
            reading = await self._reader.read(ref, urgency=urgency)
        except TaskNotFound as refusal:
            self._fresh[ref] = _Remembered(refusal, LIFE_WHEN_NOT_FOUND.total_seconds())
            raise
        except TaskUnavailable as failure:
            failure.last_known = self._last_known.get(ref)
            raise
        self._fresh[ref] = _Remembered(reading, self._life_of(reading).total_seconds())
        self._last_known[ref] = reading
        if self._listener is not None and urgency.priority is Priority.PERSON:
            self._listener(reading)
        return reading

    def _life_of(self, reading: Reading) -> timedelta:
        task = reading.task
        if task.is_over and not files_may_follow(task, now=self._clock()):
            return LIFE_WHEN_OVER
        return LIFE_WHILE_CHANGING


def _closing() -> TaskUnavailable:
    return TaskUnavailable(
        "Rectask is being stopped.", meaning="RTC was not asked to the end.", advice="Try again in a minute."
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
