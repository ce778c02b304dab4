"""What people in the playground are subscribed to and how far their notices have come, for its stage."""

import contextlib
import time
from collections.abc import Iterable

from bot.notices.person import Person
from bot.notices.store import DatabaseUnavailable
from bot.notices.subscription import Entry
from bot.storage.database import Database
from bot.storage.subscriptions import SqlSubscriptions

Row = dict[str, str | None]
_ENTRIES_A_PERSON = 20
_READ_EVERY = 0.5


class NoticesShown:
    """Reads the bot's own database, at most twice a second."""

    def __init__(self, database: Database, people: Iterable[Person]) -> None:
        self._subscriptions = SqlSubscriptions(database)
        self._people = list(people)
        self._rows: list[Row] = []
        self._read_at = 0.0

    async def __call__(self) -> list[Row]:
        """A row for each subscription; what was read last where the database does not answer."""
        if time.monotonic() - self._read_at < _READ_EVERY:
            return self._rows
        self._read_at = time.monotonic()
        with contextlib.suppress(DatabaseUnavailable):  # the bot says so
            self._rows = [row for person in self._people for row in await self._of(person)]
        return self._rows

    async def _of(self, person: Person) -> list[Row]:
        entries = await self._subscriptions.entries(person, limit=_ENTRIES_A_PERSON)
        return [_row(person, entry) for entry in entries]


def _row(person: Person, entry: Entry) -> Row:
    return {
        "person": person.user_id,
        "room": entry.watched.ref.room,
        "task": entry.watched.ref.task,
        "phase": entry.watched.phase.value,
        "notice": entry.notice_state.value if entry.notice_state else None,
        "reason": entry.reason,
    }
