"""The record of what people did: written, searched, and forgotten when it is old."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, select, tuple_

from bot.access.audit import Deed, Door, NotRecorded, Outcome, Record, Search
from bot.storage.database import Database
from bot.storage.tables import audit_records
from bot.subscriptions.store import StoreUnavailable

c = audit_records.c


class SqlAudit:
    """The protocol Records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, records: Sequence[Record]) -> None:
        if not records:
            return
        insert = self._database.insert(audit_records).on_conflict_do_nothing(index_elements=["id"])
        with _not_recorded():
            async with self._database.writing() as connection:
                await connection.execute(insert, [_row(record) for record in records])

    async def find(self, search: Search, *, limit: int, before: tuple[datetime, str] | None = None) -> Sequence[Record]:
        found = select(audit_records).where(*_conditions(search)).order_by(c.at.desc(), c.id.desc()).limit(limit)
        if before is not None:
            found = found.where(tuple_(c.at, c.id) < tuple_(*before, types=[c.at.type, c.id.type]))
        with _not_recorded():
            async with self._database.reading() as connection:
                return [_record(row) for row in await connection.execute(found)]

    async def forget(self, *, before: datetime, at_most: int) -> int:
        old = (
            select(c.id).where(c.at < before).order_by(c.at).limit(at_most).with_for_update(skip_locked=True).cte("old")
        )
        forgotten = delete(audit_records).where(c.id.in_(select(old.c.id))).returning(c.id)
        with _not_recorded():
            async with self._database.writing() as connection:
                return len((await connection.execute(forgotten)).all())


@contextmanager
def _not_recorded() -> Iterator[None]:
    try:
        yield
    except StoreUnavailable as failure:
        raise NotRecorded(str(failure)) from failure


_NAMES = tuple(column.name for column in audit_records.columns)
_VALUES = attrgetter(*_NAMES)


def _row(record: Record) -> dict[str, Any]:
    return dict(zip(_NAMES, _VALUES(record), strict=True))


def _record(row: Row[Any]) -> Record:
    parts = {**row._mapping, "deed": Deed(row.deed), "door": Door(row.door), "outcome": Outcome(row.outcome)}  # noqa: SLF001  # its name in SQLAlchemy's documentation
    return Record(**parts)


def _conditions(search: Search) -> Iterator[ColumnElement[bool]]:
    wanted = {"user_id": search.user_id, "app": search.app, "room": search.room, "task": search.task}
    wanted |= {"deed": search.deed, "outcome": search.outcome}
    for name, value in wanted.items():
        if value is not None:
            yield c[name] == value
    if search.since is not None:
        yield c.at >= search.since
    if search.until is not None:
        yield c.at < search.until
