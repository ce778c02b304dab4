"""From a task to the card that answers for it, whatever comes of asking."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import structlog
from cachetools import LRUCache

from bot.notices.person import Person
from bot.notices.store import DatabaseUnavailable, Subscriptions
from bot.recording.reading import Priority, Reading, TaskReader, TaskReadError, TaskUnavailable, Urgency
from bot.recording.task import RecordTask
from bot.recording.task_ref import RtcApp, TaskRef
from bot.slack.cards.blocks import Card
from bot.slack.cards.files import NO_LINKS, CardLinks
from bot.slack.cards.messages import failure_card
from bot.slack.cards.task import Standing, task_card
from bot.slack.incident import new_incident
from bot.slack.meter import UNMETERED, SlackMeter

log = structlog.get_logger()

CARDS_KEPT = 128

Links = Callable[[Reading], Awaitable[CardLinks]]


class LookupCards:
    """Looks tasks up for people.

    Without asking anybody, `recall` gives what is in memory and young enough, `last_known` what is in memory at all.
    """

    def __init__(
        self,
        reader: TaskReader,
        subscriptions: Subscriptions,
        *,
        recall: Callable[[TaskRef], Reading | None],
        last_known: Callable[[TaskRef], Reading | None] = lambda _ref: None,
        clock: Callable[[], datetime],
        meter: SlackMeter = UNMETERED,
        new_id: Callable[[], str] = new_incident,
    ) -> None:
        self._reader = reader
        self._subscriptions = subscriptions
        self._recall = recall
        self.last_known = last_known
        self._made: LRUCache[tuple[object, ...], Card] = LRUCache(CARDS_KEPT)
        self._meter = meter
        self._new_id = new_id
        self.clock = clock

    def knows(self, ref: TaskRef) -> bool:
        """Whether RTC need not be asked."""
        return self._recall(ref) is not None

    def remembered(self, ref: TaskRef) -> Reading | None:
        """What is in memory, young enough and over; None where RTC or the store has to be asked."""
        reading = self._recall(ref)
        return None if reading is None or not reading.task.is_over else reading

    async def read(self, ref: TaskRef, *, fresh: bool = False) -> Reading:
        """What is known of the task; raises TaskReadError."""
        try:
            reading = await self._reader.read(ref, urgency=Urgency(Priority.PERSON), fresh=fresh)
        except TaskReadError as failure:
            self._meter.looked_up(failure)
            raise
        self._meter.looked_up(None)
        return reading

    async def card(
        self,
        ref: TaskRef,
        *,
        person: Person | None,
        on_result: Callable[[Reading | TaskReadError], None],
        links: Links,
        fresh: bool = False,
        shared_by: str | None = None,
        others: Sequence[RtcApp] = (),
    ) -> Card:
        """The card for one person, or for a channel; a failure has one too, with what was known before.

        `on_result` is told what the card is made of, and `links` is asked for its links. `others` are the apps that it
        may name; a channel's card names none, for not all who see it need have access to the same ones.
        """
        try:
            reading = await self.read(ref, fresh=fresh)
        except TaskReadError as failure:
            on_result(failure)
            if not isinstance(failure, TaskUnavailable) or failure.last_known is None:
                return self.failure_card(failure, ref, others=others)
            return await self._card_of_last_known(
                failure, failure.last_known, person=person, shared_by=shared_by, links=links
            )
        on_result(reading)
        standing = await self.standing(reading.task, person)
        return self.card_of(reading, shared_by=shared_by, standing=standing, links=await links(reading))

    async def _card_of_last_known(
        self, failure: TaskUnavailable, known: Reading, *, person: Person | None, shared_by: str | None, links: Links
    ) -> Card:
        standing, given = await self.standing(known.task, person), await links(known)
        return task_card(
            known,
            now=self.clock(),
            shared_by=shared_by,
            failure=failure,
            incident=self._report(failure, known.task.ref),
            standing=standing,
            links=given,
        )

    async def standing(self, task: RecordTask, person: Person | None) -> Standing | None:
        """How the person stands to the task; None where it is over, and then nobody is asked.

        For a channel (no person) everybody may subscribe.
        """
        if task.is_over:
            return None
        if person is None:
            return Standing.APART
        try:
            is_subscribed = await self._subscriptions.is_subscribed(task, person)
        except DatabaseUnavailable:
            return Standing.UNKNOWN
        return Standing.SUBSCRIBED if is_subscribed else Standing.APART

    def failure_card(
        self, failure: TaskReadError, ref: TaskRef, *, note: str | None = None, others: Sequence[RtcApp] = ()
    ) -> Card:
        """What is shown if the task could not be read; `others` are the apps in which its reader may look for it."""
        return failure_card(failure, ref, other_apps=others, note=note, incident=self._report(failure, ref))

    def failure_words(self, failure: TaskReadError, ref: TaskRef) -> str:
        """The same in two sentences, where there is no room for a card."""
        incident = self._report(failure, ref)
        return f"{failure.reason}. {failure.for_reader}" + (f" ID: {incident}." if incident else "")

    def _report(self, failure: TaskReadError, ref: TaskRef) -> str | None:
        """Log what the person who runs Rectask needs, under an id that cards name; None for the asker's own slip."""
        if failure.is_askers:
            return None
        incident = self._new_id()
        log.warning(
            "lookup.failed",
            incident=incident,
            room=ref.room,
            task=ref.task,
            app=ref.app.name,
            happened=failure.happened,
            meaning=failure.meaning,
            advice=failure.advice,
            code=failure.code,
            request_id=failure.request_id,
            log_id=failure.log_id,
        )
        return incident

    def card_of(
        self,
        reading: Reading,
        *,
        shared_by: str | None = None,
        standing: Standing | None = None,
        links: CardLinks = NO_LINKS,
    ) -> Card:
        """Made once a second at most: when something goes wrong many people ask about the same recording at once.

        A card with links is one person's, and kept nowhere.
        """
        now = self.clock()
        if links.by_number:
            return task_card(reading, now=now, shared_by=shared_by, standing=standing, links=links)
        key = (reading.task.ref, reading.read_at, shared_by, standing, links.can_be_asked_for, int(now.timestamp()))
        if (card := self._made.get(key)) is None:
            card = self._made[key] = task_card(reading, now=now, shared_by=shared_by, standing=standing, links=links)
        return card
