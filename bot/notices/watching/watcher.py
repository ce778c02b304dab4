"""The watcher: looks at watched tasks when they are due, until there is something to tell."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Self

import structlog

from bot.notices.claim_loop import Rounds
from bot.notices.completion import Occasion
from bot.notices.meter import UNMETERED, WatchMeter
from bot.notices.outage import OutageDetector
from bot.notices.store import DatabaseUnavailable, Looks
from bot.notices.subscription import ClaimedTask, WatchedTask
from bot.notices.watching.judge import Close, Failed, Judgement, Tell, WatchOn, judge_failure, judge_look
from bot.notices.watching.schedule import Schedule
from bot.recording.reading import Priority, Reading, TaskReader, TaskReadError, TaskUnavailable, Urgency
from bot.recording.task_ref import TaskRef

log = structlog.get_logger()

# Enough to keep the pacer busy while answers are under way, and few enough to be asked within the lease.
AT_ONCE = 120
LEASE = timedelta(seconds=60)
# At the end nobody waits longer than so many seconds for a store that does not answer.
HASTENED_WITHIN = 1.0


class Watcher:
    """Looks for all subscribers of a task together. An async context manager; leaving it gives its claims back.

    `last_known` gives what somebody else's asking brought, without asking anybody; `on_told` is called when notices
    have been queued.
    """

    def __init__(
        self,
        looks: Looks,
        reader: TaskReader,
        *,
        last_known: Callable[[TaskRef], Reading | None],
        clock: Callable[[], datetime],
        interval: timedelta,
        on_told: Callable[[], None],
        randomness: Callable[[], float] = random.random,
        at_once: int = AT_ONCE,
        lease: timedelta = LEASE,
        meter: WatchMeter = UNMETERED,
    ) -> None:
        self._looks = looks
        self._reader = reader
        self._last_known = last_known
        self._clock = clock
        self._on_told = on_told
        self._lease = lease
        self._meter = meter
        self._schedule = Schedule(interval, randomness)
        self._outage = OutageDetector("rtc", timer=lambda: clock().timestamp())
        self._hastening: set[asyncio.Task[None]] = set()
        self.rounds = Rounds[ClaimedTask](
            "watcher",
            claim=self._claim,
            handle=self._handle,
            release=looks.release,
            at_once=at_once,
            # Half at a time: one by one, four replicas cost the database a sixth more a look than two (measured).
            refill=max(at_once // 2, 1),
            drain=lambda: 0.0,
            on_round=partial(meter.round_ended, "looks"),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._hastening:
            _, late = await asyncio.wait(self._hastening, timeout=HASTENED_WITHIN)
            for task in late:
                task.cancel()
        await self.rounds.__aexit__()

    def hear(self, reading: Reading) -> None:
        """A person's asking has brought this: where a watched task is over, nobody need wait for its next look."""
        if reading.task.is_over:
            self._begin(self._hasten(reading.task.ref))

    async def _hasten(self, ref: TaskRef) -> None:
        try:
            await self._looks.hasten(ref)
        except DatabaseUnavailable:
            return  # its own look will come
        self.rounds.wake()

    async def _claim(self, room: int) -> list[ClaimedTask]:
        return list(await self._looks.claim_due(limit=room, lease=self._lease))

    async def _handle(self, look: ClaimedTask) -> None:
        judgement = await self._judge(look.watched)
        self._meter.looked(late=self._clock() - look.watched.next_look_at)
        if not await self._write(look, judgement):
            log.info("look.superseded", watched=look.watched.id)

    async def _judge(self, watched: WatchedTask) -> Judgement:
        try:
            reading = await self._read(watched)
        except TaskReadError as failure:
            self._note(failure)
            return judge_failure(watched, failure, now=self._clock(), schedule=self._schedule)
        except Exception:
            log.exception("look.failed", watched=watched.id)
            return Failed("Something went wrong here.", self._schedule.after_failure(watched.failures + 1))
        self._note(None)
        return judge_look(watched, reading, now=self._clock(), schedule=self._schedule)

    async def _read(self, watched: WatchedTask) -> Reading:
        """Ask RTC, past the memory: what is remembered as running may have been seen to end at another replica.

        An end that is known here is not asked for again.
        """
        known = self._last_known(watched.ref)
        if known is not None and known.task.is_over and self._is_news(known, watched):
            return known
        return await self._reader.read(watched.ref, urgency=Urgency(Priority.BACKGROUND), fresh=True)

    def _is_news(self, known: Reading, watched: WatchedTask) -> bool:
        """Whether it is younger than the last look, and young enough to stand for one."""
        last = watched.seen.read_at if watched.seen is not None else watched.watched_since
        return known.read_at > last and self._clock() - known.read_at < self._schedule.interval / 2

    async def _write(self, look: ClaimedTask, judgement: Judgement) -> bool:
        match judgement:
            case WatchOn(reading, next_look, waiting_since):
                return await self._looks.note(look, reading, next_look=next_look, waiting_since=waiting_since)
            case Failed(error, next_look):
                return await self._looks.note_failure(look, error, next_look=next_look)
            case Close():
                return await self._looks.close(look)
            case Tell():
                return await self._tell(look, judgement)

    async def _tell(self, look: ClaimedTask, tell: Tell) -> bool:
        is_told = await self._looks.conclude(look, tell.completion, phase=tell.phase, next_look=tell.next_look)
        if is_told:
            if tell.completion.occasion is not Occasion.UNCLEAR:
                log.info("task.concluded", watched=look.watched.id, occasion=tell.completion.occasion.value)
            self._on_told()
        return is_told

    def _note(self, failure: TaskReadError | None) -> None:
        """Whether RTC can be asked at all; what it says of one task is no matter of that."""
        self._meter.looked_up(failure)
        if isinstance(failure, TaskUnavailable):
            self._outage.note_failure(failure.happened)
        elif self._outage.note_success():
            self._begin(self._look_again())

    async def _look_again(self) -> None:
        """RTC is back: those who have waited need not wait for the end of their pauses."""
        try:
            await self._looks.hasten_failed()
        except DatabaseUnavailable:
            return
        self.rounds.wake()

    def _begin(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._hastening.add(task)
        task.add_done_callback(self._hastening.discard)
