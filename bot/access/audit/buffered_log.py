"""The audit log at work: many records written at once, those that must not be lost before anything else is done."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Self

import structlog

from bot.access.audit.record import NotRecorded, Record, Sink
from bot.runtime.supervision import Supervised, Supervisor

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

    def __init__(
        self,
        *sinks: Sink,
        every: float = FLUSHED_EVERY,
        rows_kept: int = ROWS_KEPT,
        supervisor: Supervisor | None = None,
        drain: Callable[[], float] = lambda: DRAINED_WITHIN,
    ) -> None:
        self._queues = [_Queue(sink, rows_kept) for sink in sinks]
        self._every = every
        self._supervisor = supervisor or Supervisor()
        self._drain = drain
        self._is_closing = False
        self._flushing: list[Supervised] = []

    def note(self, record: Record) -> None:
        for queue in self._queues:
            queue.add(record)

    async def keep(self, *records: Record) -> None:
        try:
            async with asyncio.timeout(KEPT_WITHIN):
                for queue in self._queues:
                    await queue.sink.write(records)
        except TimeoutError as failure:
            raise NotRecorded(f"It took longer than {KEPT_WITHIN:g} s") from failure

    async def __aenter__(self) -> Self:
        self._flushing = [
            self._supervisor.start(f"audit_{queue.name}", partial(self._go_on_flushing, queue))
            for queue in self._queues
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is cancelled that is being written, for it would be written twice."""
        self._is_closing = True
        for queue in self._queues:
            queue.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._drain()):
                await asyncio.gather(*(queue.is_closed.wait() for queue in self._queues))
        await asyncio.gather(*(flushing.end() for flushing in self._flushing))
        for queue in self._queues:
            queue.say_what_is_left()

    async def _go_on_flushing(self, queue: "_Queue") -> None:
        """One sink that hangs does not keep the others waiting."""
        while not queue.is_closed.is_set():
            await queue.is_anything.wait()
            await self._pause(queue)
            queue.is_anything.clear()
            queue.is_urgent.clear()
            is_last = self._is_closing  # then all that there will be is in the queue
            await queue.flush()
            if queue:
                queue.is_anything.set()  # the sink is gone, and is tried again after the pause
            if is_last:
                queue.is_closed.set()
        await asyncio.Event().wait()  # for the end

    async def _pause(self, queue: "_Queue") -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._every):
                await queue.is_urgent.wait()


class _Queue:
    """What one sink has not taken yet, the oldest first."""

    def __init__(self, sink: Sink, rows_kept: int) -> None:
        self.sink = sink
        self._waiting: deque[Record] = deque()
        self._rows_kept = rows_kept
        self._lost = 0
        self._is_well = True
        self.is_anything, self.is_urgent, self.is_closed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, record: Record) -> None:
        self._waiting.append(record)
        self._trim()
        self.is_anything.set()
        if len(self) >= ROWS_A_FLUSH:
            self.is_urgent.set()

    def close(self) -> None:
        """Write what is left without a pause."""
        self.is_anything.set()
        self.is_urgent.set()

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
            except asyncio.CancelledError:
                self._waiting.extendleft(reversed(batch))  # a record that was written already is passed over
                raise
            except Exception:  # these rows cannot be written; the next ones may
                self._lost += len(batch)
                log.exception("audit.failed", sink=self.name)
            self._note_success()

    def say_what_is_left(self) -> None:
        if self._waiting or self._lost:
            log.error("audit.lost", sink=self.name, records=len(self._waiting) + self._lost)

    def _trim(self) -> None:
        while len(self._waiting) > self._rows_kept:
            self._waiting.popleft()
            self._lost += 1

    def _note_failure(self, failure: NotRecorded) -> None:
        if self._is_well:
            log.error("audit.not_written", sink=self.name, error=str(failure))
        self._is_well = False

    def _note_success(self) -> None:
        if not self._is_well or self._lost:
            log.warning("audit.written_again", sink=self.name, lost=self._lost)
        self._is_well, self._lost = True, 0

    @property
    def name(self) -> str:
        """As the log calls it."""
        return type(self.sink).__name__
