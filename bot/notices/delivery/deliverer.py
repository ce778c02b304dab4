"""The deliverer: brings notices to people, at least once and almost always once."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Self

import structlog

from bot.notices.claim_loop import Rounds
from bot.notices.delivery.message_rate import Pace
from bot.notices.delivery.retries import RetryState
from bot.notices.messenger import (
    AppNotAuthorized,
    DeliveryError,
    Messenger,
    OutcomeUnknown,
    RecipientGone,
    SlackUnavailable,
    Undeliverable,
    Unexpected,
)
from bot.notices.meter import UNMETERED, WatchMeter
from bot.notices.notice import ClaimedNotice, MessageRef
from bot.notices.outage import OutageDetector
from bot.notices.person import Person
from bot.notices.store import DatabaseUnavailable, Notices

log = structlog.get_logger()

AT_ONCE = 16
# Longer than all that an attempt may wait for: turn, person, conversation, post, each with the messenger's own limit.
LEASE = timedelta(seconds=90)
# An attempt with an unknown end may still be carried out for a while; looking sooner would prove nothing.
DOUBT_LASTS = timedelta(seconds=20)
BACK_OFF = timedelta(seconds=2)
BACK_OFF_AT_MOST = timedelta(minutes=1)
CREDENTIALS_ARE_TRIED_EVERY = timedelta(minutes=1)
# What fails for a reason that nobody foresaw is tried for so long.
GIVE_UP_AFTER = timedelta(days=3)
UNFORESEEN_IS_TRIED_EVERY = timedelta(hours=1)


class CutShort(Exception):
    """The process ends while a notice is being posted: nobody knows whether it was."""


class Deliverer:
    """Delivers what is queued. An async context manager; leaving it lets what is being sent come to its end.

    `on_settled` is told whose notice was delivered or given up.
    """

    def __init__(
        self,
        notices: Notices,
        messenger: Messenger,
        *,
        clock: Callable[[], datetime],
        on_settled: Callable[[Person], None],
        pace: Pace | None = None,
        timer: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        at_once: int = AT_ONCE,
        lease: timedelta = LEASE,
        drain: Callable[[], float] = lambda: 10.0,
        meter: WatchMeter = UNMETERED,
    ) -> None:
        self._notices = notices
        self._messenger = messenger
        self._clock = clock
        self._on_settled = on_settled
        self._timer = timer
        self._pace = pace or Pace(timer=timer)
        self._sleep = sleep
        self._lease = lease
        self._meter = meter
        self._outage = OutageDetector("slack", timer=timer)
        self._troubles = RetryState(timer=timer)
        self._resume_at = timer()
        self._failures = 0
        self.rounds = Rounds[ClaimedNotice](
            "deliverer",
            claim=self._claim,
            handle=self._handle,
            release=notices.release,
            at_once=at_once,
            drain=drain,
            on_round=partial(meter.round_ended, "notices"),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.rounds.__aexit__()

    async def _claim(self, room: int) -> list[ClaimedNotice]:
        if self._timer() < self._resume_at:
            return []
        limit = min(room, self._pace.turns_near)
        return list(await self._notices.claim_due(limit=limit, lease=self._lease)) if limit else []

    async def _handle(self, delivery: ClaimedNotice) -> None:
        if not await self._wait_for_turn(delivery):
            return
        try:
            place = await self._deliver(delivery)
        except DatabaseUnavailable:
            raise
        except CutShort:
            # Its lease runs out, and whoever claims it then looks for it before posting.
            log.warning("notice.cut_short", key=delivery.notice.key)
            self._meter.settled("in_doubt")
        except DeliveryError as failure:
            await self._note_failure(delivery, failure)
        except Exception:
            log.exception("notice.failed", key=delivery.notice.key)
            await self._try_on(delivery, Unexpected("Something went wrong here"), is_doubtful=True)
        else:
            self._note_success()
            if place is not None:
                await self._note_delivered(delivery, place)

    def _note_success(self) -> None:
        self._failures = 0
        self._troubles.note_reached()
        self._outage.note_success()

    async def _wait_for_turn(self, delivery: ClaimedNotice) -> bool:
        """False where its turn is far off: it is put back until then, so that nobody else waits behind it."""
        person = delivery.notice.person
        if (wait := self._pace.take_turn(person)) is not None:
            await self._sleep(wait)
            return True
        after = timedelta(seconds=self._pace.defer(person))
        await self._notices.put_off(delivery, after=after, reason=None, is_doubtful=delivery.is_doubtful)
        return False

    async def _deliver(self, delivery: ClaimedNotice) -> MessageRef | None:
        """Where it stands; None where it is not this holder's to deliver any more. Raises DeliveryError."""
        notice = delivery.notice
        await self._messenger.check(notice)
        if delivery.is_doubtful and (place := await self._messenger.find(notice)) is not None:
            return place
        # The last look. What comes between it and the socket is named in docs/reliability.md.
        if not await self._notices.begin(delivery, lease=self._lease):
            log.info("notice.superseded", key=notice.key)
            self._meter.settled("superseded")
            return None
        try:
            return await self._messenger.post(notice)
        except asyncio.CancelledError as end:
            raise CutShort from end

    async def _note_delivered(self, delivery: ClaimedNotice, place: MessageRef) -> None:
        notice = delivery.notice
        self._troubles.forget(notice.key)
        if await self._notices.mark_delivered(delivery, place):
            self._meter.settled("delivered")
            age = self._clock() - notice.queued_at
            log.info(
                "notice.delivered",
                key=notice.key,
                occasion=notice.completion.occasion.value,
                seconds=round(age.total_seconds(), 1),
            )
        else:
            self._meter.settled("superseded")
            log.warning("notice.sent_by_stale_holder", key=notice.key)
        self._on_settled(notice.person)

    async def _note_failure(self, delivery: ClaimedNotice, failure: DeliveryError) -> None:
        match failure:
            case RecipientGone():
                await self._give_up(delivery, failure)
                await self._notices.close_person(delivery.notice.person, failure.reason)
            case Undeliverable():
                await self._give_up(delivery, failure)
            case Unexpected():
                await self._try_on(delivery, failure, is_doubtful=delivery.is_doubtful)
            case OutcomeUnknown():
                self._outage.note_failure(failure.reason)
                await self._put_off(delivery, failure, is_doubtful=True)
            case _:
                self._hold_back(delivery.notice.person, failure)
                await self._put_off(delivery, failure, is_doubtful=delivery.is_doubtful)

    def _hold_back(self, person: Person, failure: DeliveryError) -> None:
        """Where nobody can be written to at the moment, nothing is claimed for a while."""
        is_dead = isinstance(failure, AppNotAuthorized)
        if isinstance(failure, SlackUnavailable):
            self._outage.note_failure(failure.reason)
        if not is_dead and not (isinstance(failure, SlackUnavailable) and self._troubles.note_unreached(person)):
            return
        self._failures += 1
        pause = CREDENTIALS_ARE_TRIED_EVERY if is_dead else _backed_off(self._failures)
        self._resume_at = self._timer() + max(failure.after or pause, pause).total_seconds()

    async def _try_on(self, delivery: ClaimedNotice, failure: Unexpected, *, is_doubtful: bool) -> None:
        """For long, but not for ever: what nobody foresaw may never pass."""
        trouble = self._troubles.note(delivery.notice.key, failure)
        if self._timer() - trouble.since > GIVE_UP_AFTER.total_seconds():
            await self._give_up(delivery, failure)
            return
        pause = failure.after or _backed_off(trouble.times, at_most=UNFORESEEN_IS_TRIED_EVERY)
        await self._put_back(delivery, failure, after=pause, is_doubtful=is_doubtful)

    async def _put_off(self, delivery: ClaimedNotice, failure: DeliveryError, *, is_doubtful: bool) -> None:
        pause = failure.after or _backed_off(self._troubles.note(delivery.notice.key, failure).times)
        if isinstance(failure, OutcomeUnknown):
            pause = max(pause, DOUBT_LASTS)
            if not delivery.is_doubtful:
                log.warning("notice.doubtful", key=delivery.notice.key, reason=failure.reason)
        await self._put_back(delivery, failure, after=pause, is_doubtful=is_doubtful)

    async def _put_back(
        self, delivery: ClaimedNotice, failure: DeliveryError, *, after: timedelta, is_doubtful: bool
    ) -> None:
        await self._notices.put_off(delivery, after=after, reason=failure.reason, is_doubtful=is_doubtful)
        self._meter.settled("in_doubt" if is_doubtful else "put_off")

    async def _give_up(self, delivery: ClaimedNotice, failure: DeliveryError) -> None:
        self._troubles.forget(delivery.notice.key)
        if await self._notices.give_up(delivery, failure.reason):
            self._meter.settled("dead")
            log.warning("notice.given_up", key=delivery.notice.key, reason=failure.reason)
        self._on_settled(delivery.notice.person)


def _backed_off(failures: int, *, at_most: timedelta = BACK_OFF_AT_MOST) -> timedelta:
    doublings = min(failures - 1, 20)
    return min(BACK_OFF * (1 << doublings), at_most)
