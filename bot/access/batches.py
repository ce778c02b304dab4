"""The audit log at work: many records written at once, those that must not be lost before anything else is done."""

import asyncio
import contextlib
from collections import deque
from typing import Self

import structlog

from bot.access.audit import NotRecorded, Record, Sink

log = structlog.get_logger()

# A crash loses what was noted within this time, at most.
FLUSHED_EVERY = 1.0
ROWS_A_FLUSH = 500
# While a sink does not take them; what does not fit is lost there, and the log says how much.
ROWS_KEPT = 20_000
# Somebody waits for a link.
KEPT_WITHIN = 5.0
DRAINED_WITHIN = 10.0


class BatchingAuditLog:
    """The protocol AuditLog over any number of sinks. An async context manager; leaving it writes what is left."""

    def __init__(self, *sinks: Sink, every: float = FLUSHED_EVERY, rows_kept: int = ROWS_KEPT) -> None:
        self._queues = [_Queue(sink, rows_kept) for sink in sinks]
        self._every = every
        self._is_anything, self._is_urgent = asyncio.Event(), asyncio.Event()
        self._is_closing = False
        self._flushing: asyncio.Task[None] | None = None

    def note(self, record: Record) -> None:
        for queue in self._queues:
            queue.add(record)
            if len(queue) >= ROWS_A_FLUSH:
                self._is_urgent.set()
        self._is_anything.set()

    async def keep(self, *records: Record) -> None:
        try:
            async with asyncio.timeout(KEPT_WITHIN):
                for queue in self._queues:
                    await queue.sink.write(records)
        except TimeoutError as failure:
            raise NotRecorded(f"It took longer than {KEPT_WITHIN:g} s") from failure

    async def __aenter__(self) -> Self:
        self._flushing = asyncio.create_task(self._go_on_flushing())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is cancelled that is being written, for it would be written twice."""
        assert self._flushing is not None
        self._is_closing = True
        self._is_anything.set()
        self._is_urgent.set()
        await asyncio.wait([self._flushing], timeout=DRAINED_WITHIN)
        self._flushing.cancel()
        await asyncio.wait([self._flushing])
        for queue in self._queues:
            queue.say_what_is_left()

    async def _go_on_flushing(self) -> None:
        is_last = False
        while not is_last:
            await self._is_anything.wait()
            await self._pause()
            self._is_anything.clear()
            self._is_urgent.clear()
            is_last = self._is_closing  # then all that there will be is in the queues
            await asyncio.gather(*(queue.flush() for queue in self._queues))
            if any(self._queues):
                self._is_anything.set()  # a sink is gone, and is tried again after the pause

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._every):
                await self._is_urgent.wait()


class _Queue:
    """What one sink has not taken yet, the oldest first."""

    def __init__(self, sink: Sink, rows_kept: int) -> None:
        self.sink = sink
        self._waiting: deque[Record] = deque()
        self._rows_kept = rows_kept
        self._lost = 0
        self._is_well = True

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, record: Record) -> None:
        self._waiting.append(record)
        self._trim()

    async def flush(self) -> None:
        """All that waits now, or until the sink takes nothing.

        What comes meanwhile waits for the next time: or a busy process would write without a pause, a few at a time.
        """
        left = len(self._waiting)
        while left > 0 and self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(ROWS_A_FLUSH, left, len(self._waiting)))]
            left -= len(batch)
            try:
                await self.sink.write(batch)
            except NotRecorded as failure:
                self._waiting.extendleft(reversed(batch))
                self._trim()
                self._note_failure(failure)
                return
            except Exception:  # these rows can not be written; the next ones may
                self._lost += len(batch)
                log.exception("audit.failed", sink=self._name)
            self._note_success()

    def say_what_is_left(self) -> None:
        if self._waiting or self._lost:
            log.error("audit.lost", sink=self._name, records=len(self._waiting) + self._lost)

    def _trim(self) -> None:
        while len(self._waiting) > self._rows_kept:
            self._waiting.popleft()
            self._lost += 1

    def _note_failure(self, failure: NotRecorded) -> None:
        if self._is_well:
            log.error("audit.not_written", sink=self._name, error=str(failure))
        self._is_well = False

    def _note_success(self) -> None:
        if not self._is_well or self._lost:
            log.warning("audit.written_again", sink=self._name, lost=self._lost)
        self._is_well, self._lost = True, 0

    @property
    def _name(self) -> str:
        return type(self.sink).__name__
