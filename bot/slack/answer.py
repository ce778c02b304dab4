"""From a task to the card that answers for it, whatever comes of asking."""

from collections.abc import Callable
from datetime import datetime

from bot.recording.reading import Priority, Reading, TaskReader, TaskReadError, TaskUnavailable, Urgency
from bot.recording.task import TaskRef
from bot.slack.cards.card import Card
from bot.slack.cards.task import task_card
from bot.slack.cards.words import failure_card


class Answerer:
    """Looks tasks up for people."""

    def __init__(self, reader: TaskReader, *, clock: Callable[[], datetime]) -> None:
        self._reader = reader
        self._clock = clock

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
            return failure_card(failure, ref)
        return task_card(reading, now=self._clock(), shared_by=shared_by)
