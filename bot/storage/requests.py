"""What Slack has sent already, for all who share the database."""

from datetime import timedelta

from sqlalchemy import delete, select

from bot.storage.database import Database
from bot.storage.tables import requests


class SqlRequests:
    """The protocol Requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def is_first(self, key: str) -> bool:
        seen = self._database.insert(requests).values(key=key, seen_at=self._database.now())
        async with self._database.writing() as connection:
            added = await connection.execute(seen.on_conflict_do_nothing().returning(requests.c.key))
            return added.first() is not None

    async def forget(self, *, older_than: timedelta, at_most: int) -> int:
        before = select(self._database.after(-older_than)).scalar_subquery()
        old = select(requests.c.key).where(requests.c.seen_at <= before).order_by(requests.c.seen_at).limit(at_most)
        async with self._database.writing() as connection:
            forgotten = await connection.execute(
                delete(requests).where(requests.c.key.in_(old)).returning(requests.c.key)
            )
            return len(forgotten.all())
