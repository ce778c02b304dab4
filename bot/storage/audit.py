"""The record of what people did: written, searched, and forgotten when it is old."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Executable,
    Row,
    Select,
    Text,
    TypeDecorator,
    bindparam,
    cast,
    delete,
    func,
    literal_column,
    select,
    tuple_,
    type_coerce,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine.default import DefaultDialect

from bot.access.audit.record import AuditedAction, Door, NotRecorded, Outcome, Record, Search
from bot.notices.store import DatabaseUnavailable
from bot.storage.columns import Moment
from bot.storage.database import Database
from bot.storage.rows import AppNames
from bot.storage.tables import audit_records

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
        """As the protocol says. A record that cannot be decoded is left out, and `left_out` counts it."""
        last = None if before is None else _Place(Moment().process_bind_param(before[0], _ANY_DIALECT), before[1])
        records: list[Record] = []
        with _not_recorded():
            async with self._database.reading() as connection:
                while wanted := limit - len(records):
                    rows = (await connection.execute(_page(search, after=last).limit(wanted))).all()
                    records += self._database.decoder.decode(rows, _record, of=audit_records.name)
                    if len(rows) < wanted:
                        break
                    last = _Place(rows[-1].place, rows[-1].id)
        return records

    @property
    def left_out(self) -> int:
        """How many records could not be decoded so far."""
        return self._database.decoder.left_out

    async def forget(self, *, before: datetime, at_most: int) -> int:
        old = (
            select(c.id).where(c.at < before).order_by(c.at).limit(at_most).with_for_update(skip_locked=True).cte("old")
        )
        forgotten = delete(audit_records).where(c.id.in_(select(old.c.id))).returning(c.id)
        with _not_recorded():
            async with self._database.writing() as connection:
                return len((await connection.execute(forgotten)).all())


class _Place(NamedTuple):
    """Where a page ends: the time as the number that is stored, which need not be one."""

    at: Any
    id: str


def _page(search: Search, *, after: _Place | None) -> Select[Any]:
    place = type_coerce(c.at, BigInteger())
    found = select(audit_records, place.label("place")).where(*_conditions(search)).order_by(c.at.desc(), c.id.desc())
    if after is None:
        return found
    return found.where(tuple_(place, c.id) < tuple_(*after, types=[BigInteger(), c.id.type]))


@contextmanager
def _not_recorded() -> Iterator[None]:
    try:
        yield
    except DatabaseUnavailable as failure:
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


def _record(row: Row[Any], _names: AppNames) -> Record:
    parts = {name: getattr(row, name) for name in _NAMES}
    return Record(**parts | {"deed": AuditedAction(row.deed), "door": Door(row.door), "outcome": Outcome(row.outcome)})


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
