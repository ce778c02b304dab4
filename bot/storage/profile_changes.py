"""Whose profile changed of late: a row for each person, for an hour."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Executable, delete, select

from bot.storage.database import Database
from bot.storage.tables import profile_changes

# A statement has a limit of parameters in either database.
_ROWS_AT_ONCE = 500


class SqlProfileChanges:
    """The protocol ProfileChanges, of one workspace."""

    def __init__(self, database: Database, team_id: str) -> None:
        self._database = database
        self._team_id = team_id

    async def note(self, user_ids: Collection[str]) -> None:
        # In one order, so that two replicas do not wait for each other's rows.
        ordered = sorted(user_ids)
        for begin in range(0, len(ordered), _ROWS_AT_ONCE):
            async with self._database.writing() as connection:
                await connection.execute(self._noting(ordered[begin : begin + _ROWS_AT_ONCE]))

    def _noting(self, user_ids: Sequence[str]) -> Executable:
        now = self._database.now()
        rows = [{"team_id": self._team_id, "user_id": user_id, "changed_at": now} for user_id in user_ids]
        insert = self._database.insert(profile_changes).values(rows)
        keys = [profile_changes.c.team_id, profile_changes.c.user_id]
        return insert.on_conflict_do_update(index_elements=keys, set_={"changed_at": insert.excluded.changed_at})

    async def recent(self, *, within: timedelta) -> Mapping[str, datetime]:
        c = profile_changes.c
        since = select(self._database.after(-within)).scalar_subquery()
        found = select(c.user_id, c.changed_at).where(c.team_id == self._team_id, c.changed_at > since)
        async with self._database.reading() as connection:
            return {row.user_id: row.changed_at for row in await connection.execute(found)}

    async def forget(self, *, older_than: timedelta) -> None:
        before = select(self._database.after(-older_than)).scalar_subquery()
        async with self._database.writing() as connection:
            await connection.execute(delete(profile_changes).where(profile_changes.c.changed_at <= before))
