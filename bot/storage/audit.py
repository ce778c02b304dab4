"""The record of what people did: written, searched, and forgotten when it is old."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Executable,
    Row,
    Text,
    TypeDecorator,
    bindparam,
    cast,
    delete,
    func,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine.default import DefaultDialect

from bot.access.audit import Deed, Door, NotRecorded, Outcome, Record, Search
from bot.storage.database import Database
from bot.storage.tables import audit_records
from bot.subscriptions.store import StoreUnavailable

c = audit_records.c


class SqlAudit:
    """The protocol Records."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = _insert_of_many(database)

    async def write(self, records: Sequence[Record]) -> None:
        if not records:
            return
        rows = json.dumps([_row(record) for record in records], ensure_ascii=False)
        with _not_recorded():
            async with self._database.writing() as connection:
                await connection.execute(self._insert, {"rows": rows})

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


def _row(record: Record) -> list[Any]:
    """What the columns hold, in their order."""
    return [value if keep is None else keep(value) for keep, value in zip(_KEPT_AS, _VALUES(record), strict=True)]


def _kept_as(column: Column[Any]) -> Callable[[Any], Any] | None:
    kind = column.type
    return partial(kind.process_bind_param, dialect=_ANY_DIALECT) if isinstance(kind, TypeDecorator) else None


# The types of these columns keep everything alike, whatever the database.
_ANY_DIALECT = DefaultDialect()
_KEPT_AS = tuple(_kept_as(column) for column in audit_records.columns)


def _insert_of_many(database: Database) -> Executable:
    """One statement for any number of rows, which are its parameter `rows`: a JSON array of arrays.

    Row by row SQLite's driver lets go of the interpreter's lock and takes it again for each, and so holds up those who
    answer people.
    """
    rows, places = bindparam("rows", type_=Text()), range(len(_NAMES))
    parts: list[ColumnElement[Any]]
    if database.engine.dialect.name == "sqlite":
        row = func.json_each(rows).table_valued("value").c.value
        parts = [func.json_extract(row, literal_column(f"'$[{place}]'")) for place in places]
    else:
        row = func.json_array_elements(cast(rows, postgresql.JSON)).table_valued("value").c.value
        parts = [row.op("->>")(literal_column(str(place))) for place in places]
    typed = [cast(part, column.type) for part, column in zip(parts, audit_records.columns, strict=True)]
    # SQLite would take the ON CONFLICT of a SELECT without WHERE for that of a JOIN.
    chosen = select(*typed).where(row.is_not(None))
    return database.insert(audit_records).from_select(_NAMES, chosen).on_conflict_do_nothing(index_elements=["id"])


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
