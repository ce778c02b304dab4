"""A row that holds what it should not stands in nobody else's way, whatever it is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Table, Text, exc, text

from bot.access.audit.record import AuditedAction, Door, Outcome, Record, Search
from bot.app.wiring.notices import LoopConfig
from bot.notices.store import DatabaseUnavailable
from bot.recording.task import RUNNING
from bot.storage.audit import SqlAudit
from bot.storage.tables import audit_records, completions, notices, subscriptions, watched_tasks
from testing.databases import empty
from testing.stores import ANN, BOB, LEASE, NOON, OTHER_REF, REF, SECOND, Stores, reading

OTHER = reading(ref=OTHER_REF)
HOUR = timedelta(hours=1)
OUT_OF_RANGE = [2**63 - 1, -(2**63), 253_402_300_800_000_000]
Events = list[structlog.typing.EventDict]


async def damage(stores: Stores, table: Table, column: str, value: Any) -> bool:
    """In the row that was made first; whether the database took it."""
    async with stores.database.reading() as connection:
        first = (await connection.exec_driver_sql(f"SELECT min(id) FROM {table.name}")).scalar_one()  # noqa: S608  # names from the tables
    change = text(f"UPDATE {table.name} SET {column} = :value WHERE id = :first")  # noqa: S608  # as above
    try:
        async with stores.database.writing() as connection:
            await connection.execute(change, {"value": value, "first": first})
    except exc.DBAPIError:
        return False
    return True


async def two_watched(stores: Stores) -> None:
    await stores.subscribe(ANN)
    await stores.subscribe(BOB, OTHER)


async def two_told(stores: Stores) -> None:
    await two_watched(stores)
    for look in await stores.looks.claim_due(limit=2, lease=LEASE):
        await stores.conclude(look=look)


async def two_recorded(stores: Stores) -> None:
    record = Record(NOON, "T1", "U1", AuditedAction.SHARE, Door.COMMAND, Outcome.DONE, room="Room1", id="1")
    await SqlAudit(stores.database).write([record, replace(record, id="2")])


async def looked_at(stores: Stores) -> list[object]:
    return [look.watched.ref for look in await stores.looks.claim_due(limit=9, lease=LEASE)]


async def told(stores: Stores) -> list[object]:
    return [each.notice.person for each in await stores.claim_notices()]


class TestATimeOutOfRange:
    @pytest.mark.parametrize("value", OUT_OF_RANGE)
    @pytest.mark.parametrize("column", ["watched_since", "started", "waiting_since"])
    async def test_stops_nobody_elses_looks(self, stores: Stores, column: str, value: int, logged: Events) -> None:
        await two_watched(stores)
        assert await damage(stores, watched_tasks, column, value)
        assert await looked_at(stores) == [OTHER_REF]
        stores.clock.move(2 * HOUR)
        assert await looked_at(stores) == [OTHER_REF]
        assert [(event["event"], event["table"]) for event in logged] == [("row.not_decoded", "watched_tasks")]
        assert column in logged[0]["flaw"]

    @pytest.mark.parametrize("table", [notices, subscriptions, completions])
    async def test_stops_nobody_elses_notices(self, stores: Stores, table: Table) -> None:
        column = {"notices": "queued_at", "subscriptions": "subscribed_at", "completions": "noticed_at"}[table.name]
        await two_told(stores)
        assert await damage(stores, table, column, OUT_OF_RANGE[0])
        assert await told(stores) == [BOB]

    async def test_holds_back_no_other_notice_of_the_same_person(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.subscribe(ANN, OTHER)
        for look in await stores.looks.claim_due(limit=2, lease=LEASE):
            await stores.conclude(look=look)
        assert await damage(stores, notices, "queued_at", OUT_OF_RANGE[0])
        assert [await told(stores), await told(stores)] == [[], [ANN]]

    async def test_is_not_brought_near_for_a_clock_that_was_wrong(self, stores: Stores) -> None:
        await two_told(stores)
        await stores.subscribe(ANN, reading(ref=replace(REF, room="Room3")))
        await damage(stores, notices, "queued_at", OUT_OF_RANGE[1])
        await damage(stores, watched_tasks, "watched_since", OUT_OF_RANGE[0])
        async with stores.database.writing() as connection:
            await connection.execute(text("UPDATE watched_tasks SET watched_since = -1 WHERE room = 'Room3'"))
        assert (await looked_at(stores), await told(stores)) == ([], [BOB])
        assert await stores.due_times.pull_in(LoopConfig(5 * SECOND, HOUR).farthest) == 0

    async def test_leaves_the_rest_of_a_list(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.subscribe(ANN, OTHER)
        assert await damage(stores, subscriptions, "subscribed_at", OUT_OF_RANGE[0])
        assert (await stores.watched()).ref == OTHER_REF

    async def test_stops_no_count(self, stores: Stores) -> None:
        await two_told(stores)
        assert await damage(stores, notices, "queued_at", OUT_OF_RANGE[0])
        stores.clock.move(SECOND)
        assert (await stores.upkeep.census()).oldest_waiting == SECOND

    async def test_promises_nothing_in_vain(self, stores: Stores) -> None:
        """Nobody looks at the damaged row, and it takes the place of another one."""
        await two_watched(stores)
        assert await damage(stores, watched_tasks, "watched_since", OUT_OF_RANGE[0])
        with pytest.raises(DatabaseUnavailable, match="cannot be read: watched_tasks, id"):
            await stores.subscribe(BOB)
        assert not await stores.subscriptions.is_subscribed(reading(RUNNING).task, BOB)
        assert await stores.subscriptions.unsubscribe(REF, ANN)
        assert (await stores.subscribe(BOB)).is_new

    @pytest.mark.parametrize("value", OUT_OF_RANGE)
    async def test_leaves_the_other_records(self, stores: Stores, value: int) -> None:
        await two_recorded(stores)
        assert await damage(stores, audit_records, "at", value)
        audit = SqlAudit(stores.database)
        assert [record.id for record in await audit.find(Search(), limit=1)] == ["2"]
        assert [record.id for record in await audit.find(Search(), limit=9)] == ["2"]


async def test_a_deed_of_a_newer_release_leaves_the_other_records(stores: Stores) -> None:
    await two_recorded(stores)
    assert await damage(stores, audit_records, "deed", "'hear'")
    assert [record.id for record in await SqlAudit(stores.database).find(Search(), limit=9)] == ["2"]


async def test_text_that_is_no_utf8_leaves_the_other_rows(stores: Stores) -> None:
    if stores.database.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL stores no such text")
    await two_watched(stores)
    async with stores.database.writing() as connection:
        await connection.exec_driver_sql("UPDATE watched_tasks SET last_error = CAST(x'ff' AS TEXT)")
    assert await looked_at(stores) == [REF, OTHER_REF]


# What a database may be made to hold. A column refuses some of it, and then keeps what it had.
numbers = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([*OUT_OF_RANGE, 0, -1])
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
readings = st.sampled_from(['{"v":1}', "[]", '{"v":1,"app":[1,2],"room":3,"task":4,"read":1e99}', '{"v":9}'])
anything = numbers | words | readings | st.floats() | st.binary(max_size=9) | st.none()
KEPT = {"id", "lease_until", "lease_token"}
Fill = Callable[[Stores], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Damage:
    """What is written where: what the column's kind allows, or on SQLite, which allows all, `odd`."""

    table: Table
    column: str
    number: int
    small: int
    words: str
    odd: Any

    def value(self, dialect: str) -> Any:
        if dialect == "sqlite":
            return self.odd
        kind = self.table.columns[self.column].type
        kind = getattr(kind, "impl", kind)
        return self.words if isinstance(kind, Text) else self.number if isinstance(kind, BigInteger) else self.small


def damages(*tables: Table) -> st.SearchStrategy[list[Damage]]:
    columns = [(table, column.name) for table in tables for column in table.columns if column.name not in KEPT]
    small = st.integers(-(2**31), 2**31 - 1)
    one = st.builds(
        lambda place, *values: Damage(*place, *values),
        st.sampled_from(columns),
        numbers,
        small,
        words | readings,
        anything,
    )
    return st.lists(one, min_size=1, max_size=4)


# With a profile as many as anybody likes.
a_few = settings(
    max_examples=max(1, settings().max_examples // 8), suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class TestAnything:
    """In any columns of one row. What the other rows say is found all the same, and no loop's round fails."""

    @a_few
    @given(damages(watched_tasks, subscriptions))
    async def test_in_what_is_watched(self, stores: Stores, done: list[Damage]) -> None:
        await self.arrange(stores, two_watched, done)
        assert OTHER_REF in await looked_at(stores)
        await self.read_all(stores)

    @a_few
    @given(damages(watched_tasks, subscriptions, completions, notices))
    async def test_in_what_is_to_be_told(self, stores: Stores, done: list[Damage]) -> None:
        await self.arrange(stores, two_told, done)
        assert BOB in await told(stores)
        await self.read_all(stores)

    @a_few
    @given(damages(audit_records))
    async def test_in_what_was_recorded(self, stores: Stores, done: list[Damage]) -> None:
        await self.arrange(stores, two_recorded, done)
        assert "2" in [record.id for record in await SqlAudit(stores.database).find(Search(), limit=9)]

    async def arrange(self, stores: Stores, fill: Fill, done: list[Damage]) -> None:
        await empty(stores, stores.clock)
        await fill(stores)
        for each in done:
            await damage(stores, each.table, each.column, each.value(stores.database.engine.dialect.name))

    async def read_all(self, stores: Stores) -> None:
        (entry,) = [each for each in await stores.subscriptions.entries(BOB, limit=9) if each.watched.ref == OTHER_REF]
        assert entry.subscribed_at == NOON
        await stores.upkeep.census()
        await stores.subscriptions.is_subscribed(OTHER.task, BOB)
        await stores.subscriptions.unsubscribe(REF, ANN)
        await stores.upkeep.purge_person(ANN)
