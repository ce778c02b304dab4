"""The pacer: lets one request go at a time, the most urgent first, each in a slot of its own.

Limiters that are exact by their own clock let the server see 88 to 170 requests in its worst second where 60 are
allowed, because granted requests bunch on their way. Spacing them holds (measured; see docs/performance.md). Where
the slots come from is another matter: this process's own clock (own_slots), or one that replicas share (shared_slots).
"""

import asyncio
import heapq
import itertools
import time
from collections import Counter
from collections.abc import Callable
from typing import Protocol, Self

import structlog

from bot.lookup.cancel import end
from bot.lookup.meter import UNMETERED, LookupMeter
from bot.lookup.under_way import Sent, UnderWay
from bot.recording.reading import Priority, Urgency

log = structlog.get_logger()

# After "too many requests": half the rate at once, then a twentieth of the limit more each second; ten seconds in all.
SLOWED_TO = 0.5
CLIMB_PER_SECOND = 0.05


class PacerClosed(Exception):
    """No more turns are granted."""


class Queue(Protocol):
    """Who waits, as those see it who find the slots."""

    def count(self, priority: Priority) -> int:
        """How many of that priority wait now."""
        ...

    def under_way(self) -> int:
        """How many requests of this process may still reach the server within the second that ends now, or later."""
        ...

    async def change(self, *, within: float) -> None:
        """Return when somebody came who is more urgent than all others, or after so many seconds."""
        ...


class Slots(Protocol):
    """Where the moments come from at which one request may go out."""

    async def come(self, queue: Queue, /) -> None:
        """Return when one may go; somebody waits all the while."""
        ...

    def take(self) -> None:
        """One went, just now."""
        ...

    def slow_down(self) -> None:
        """Too many requests went: halve the rate for everybody and climb back."""
        ...


class _Place:
    """Somebody who waits; without a priority once that is over."""

    def __init__(self, turn: asyncio.Future[Sent], arrival: int) -> None:
        self.turn = turn
        self.arrival = arrival
        self.priority: Priority | None = None


class _Waiting:
    """Those who wait, by priority and then by arrival; one who was raised stands in the heap twice."""

    def __init__(self, meter: LookupMeter, sent: UnderWay) -> None:
        self._meter = meter
        self._sent = sent
        self._heap: list[tuple[Priority, int, _Place]] = []
        self._arrivals = itertools.count()
        self._counts = Counter[Priority]()
        self._changed = asyncio.Event()

    def __bool__(self) -> bool:
        """Whether anybody waits; who gave up is forgotten."""
        while self._heap and self._heap[0][2].turn.done():
            heapq.heappop(self._heap)
        return bool(self._heap)

    def __len__(self) -> int:
        return self._counts.total()

    def count(self, priority: Priority) -> int:
        return self._counts[priority]

    def under_way(self) -> int:
        return self._sent.count()

    async def change(self, *, within: float) -> None:
        try:
            async with asyncio.timeout(within):
                await self._changed.wait()
        except TimeoutError:
            pass
        # Not before: whoever came while the slots were asked for is not overlooked.
        self._changed.clear()

    def enter(self, priority: Priority) -> _Place:
        place = _Place(asyncio.get_running_loop().create_future(), next(self._arrivals))
        self.stand(place, priority)
        return place

    def stand(self, place: _Place, priority: Priority) -> None:
        """Wait with this priority from now on."""
        self.leave(place)
        place.priority = priority
        self._note(priority, 1)
        if not self or priority < self._heap[0][0]:
            self._changed.set()
        heapq.heappush(self._heap, (priority, place.arrival, place))

    def leave(self, place: _Place) -> None:
        """Wait no longer; once is enough."""
        if place.priority is not None:
            self._note(place.priority, -1)
            place.priority = None

    def _note(self, priority: Priority, by: int) -> None:
        self._counts[priority] += by
        self._meter.queued(priority, by)

    def let_one_go(self) -> bool:
        """Grant the turn of the most urgent one, if there is one."""
        if not self:
            return False
        _, _, place = heapq.heappop(self._heap)
        self.leave(place)
        place.turn.set_result(self._sent.begin())
        return True

    def fail(self, failure: BaseException) -> None:
        for _, _, place in self._heap:
            if not place.turn.done():
                place.turn.set_exception(failure)
        self._heap.clear()


class Pacer:
    """Grants turns; as many askers as want to may wait.

    Used as an async context manager; leaving it ends the waiting of those who still do, with PacerClosed.
    """

    def __init__(
        self, slots: Slots, *, timer: Callable[[], float] = time.monotonic, meter: LookupMeter = UNMETERED
    ) -> None:
        self._slots = slots
        self._timer = timer
        self._meter = meter
        self._waiting = _Waiting(self._meter, UnderWay(clock=timer))
        self._dispatcher: asyncio.Task[None] | None = None
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_closed = True
        if self._dispatcher is not None:
            await end(self._dispatcher)
        self._waiting.fail(PacerClosed())

    async def turn(self, urgency: Urgency) -> Sent:
        """Wait for the right to send one request, and say afterwards what became of it. Raises PacerClosed."""
        if self._is_closed:
            raise PacerClosed
        came = self._timer()
        place = self._waiting.enter(urgency.priority)
        urgency.watch(lambda: self._waiting.stand(place, urgency.priority))
        log.debug("turn.awaited", waiting=len(self._waiting), priority=urgency.priority.name)
        if self._dispatcher is None or self._dispatcher.done():
            self._begin_dispatching()
        try:
            sent = await place.turn
        except asyncio.CancelledError:
            if place.turn.done() and not place.turn.cancelled() and place.turn.exception() is None:
                place.turn.result().never_left()
            raise
        finally:
            urgency.watch(None)
            self._waiting.leave(place)
        self._meter.waited(urgency.priority, self._timer() - came)
        return sent

    def slow_down(self) -> None:
        """Halve the rate for everybody and climb back."""
        self._slots.slow_down()

    def _begin_dispatching(self) -> None:
        self._dispatcher = asyncio.create_task(self._dispatch_or_fail(), name="pacer")
        self._dispatcher.add_done_callback(self._go_on)

    def _go_on(self, _ended: asyncio.Task[None]) -> None:
        """Should it have been cancelled, those who wait for their turn do not do so in vain."""
        if self._waiting and not self._is_closed:
            self._begin_dispatching()

    async def _dispatch_or_fail(self) -> None:
        try:
            await self._dispatch()
        except Exception as failure:
            # Nobody waits for the dispatcher; those who wait for their turn must not do so in vain.
            log.exception("pacer.failed")
            self._waiting.fail(failure)

    async def _dispatch(self) -> None:
        while self._waiting:
            await self._slots.come(self._waiting)
            # Chosen at the last moment, so that somebody more urgent who came during the wait goes first.
            if self._waiting.let_one_go():
                self._slots.take()
