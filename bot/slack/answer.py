"""From a task to the card that answers for it, whatever comes of asking."""

from collections.abc import Callable, Sequence
from datetime import datetime

from cachetools import LRUCache

from bot.recording.reading import Priority, Reading, TaskReader, TaskReadError, TaskUnavailable, Urgency
from bot.recording.task import TaskRef
from bot.slack.cards.card import Card
from bot.slack.cards.task import task_card
from bot.slack.cards.words import failure_card

CARDS_KEPT = 128


class Answerer:
    """Looks tasks up for people. `recall` gives what is in memory and young enough, without asking anybody."""

    def __init__(
        self,
        reader: TaskReader,
        *,
        recall: Callable[[TaskRef], Reading | None],
        clock: Callable[[], datetime],
        app_names: Sequence[str] = (),
    ) -> None:
        self._reader = reader
        self._recall = recall
        self._made: LRUCache[tuple[object, ...], Card] = LRUCache(CARDS_KEPT)
        self._app_names = tuple(app_names)
        self._clock = clock

    def remembered_card(self, ref: TaskRef) -> Card | None:
        """The card of what is in memory and young enough; None where RTC has to be asked."""
        reading = self._recall(ref)
        return None if reading is None else self._card_of(reading, shared_by=None)

    async def read(self, ref: TaskRef, *, fresh: bool = False) -> Reading:
        """What is known of the task; raises TaskReadError."""
        return await self._reader.read(ref, urgency=Urgency(Priority.PERSON), fresh=fresh)

    async def card(self, ref: TaskRef, *, fresh: bool = False, shared_by: str | None = None) -> Card:
        """The card for one person, or for a channel; a failure has one too, with what was known before."""
        try:
            reading = await self.read(ref, fresh=fresh)
        except TaskUnavailable as failure:
            if failure.last_known is None:
                return failure_card(failure, ref)
            return task_card(failure.last_known, now=self._clock(), shared_by=shared_by, failure=failure)
        except TaskReadError as failure:
            others = tuple(name for name in self._app_names if name != ref.app.name)
            return failure_card(failure, ref, other_apps=others)
        return self._card_of(reading, shared_by=shared_by)

    def _card_of(self, reading: Reading, *, shared_by: str | None) -> Card:
        """Made once a second at most: when something goes wrong many people ask about the same recording at once."""
        now = self._clock()
        key = (reading.task.ref, reading.read_at, shared_by, int(now.timestamp()))
        if (card := self._made.get(key)) is None:
            card = self._made[key] = task_card(reading, now=now, shared_by=shared_by)
        return card
