"""The record of what people did, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.access.audit.record import AuditedAction, Door, NotRecorded, Outcome, Record, Search
from bot.storage.audit import SqlAudit
from bot.storage.database import open_database
from testing.stores import ANN, BOB, DAY, NOON, REF, RUNS, SECOND, Stores

WHOLE = Record(
    at=NOON,
    team_id="T1",
    user_id="U1",
    deed=AuditedAction.LINK,
    door=Door.BUTTON,
    outcome=Outcome.DONE,
    channel="C1",
    app="prod",
    room="Room1",
    task="Task1",
    file="rec/a b.mp4",
    reason="x",
    request_id="2026",
    id="one",
)


@pytest.fixture
def audit(stores: Stores) -> SqlAudit:
    return SqlAudit(stores.database)


def record(number: int, *, at: timedelta = timedelta(), user: str = "U1", room: str | None = None) -> Record:
    return Record(
        NOON + at, "T1", user, AuditedAction.LOOK_UP, Door.COMMAND, Outcome.DONE, room=room, id=f"{number:04}"
    )


async def ids(audit: SqlAudit, search: Search | None = None, *, limit: int = 100) -> list[str]:
    return [found.id for found in await audit.find(search or Search(), limit=limit)]


async def test_a_record_comes_back_as_it_was(audit: SqlAudit) -> None:
    bare = Record(NOON, "T1", "U1", AuditedAction.LIST, Door.HOME, Outcome.REFUSED, id="bare")
    await audit.write([WHOLE, bare])
    assert await audit.find(Search(), limit=9) == [WHOLE, bare]


async def test_what_no_database_takes_is_written_without_it(audit: SqlAudit) -> None:
    await audit.write(
        [Record(NOON, "T1", "U1", AuditedAction.OTHER, Door.COMMAND, Outcome.DONE, reason="a\0b\ud800", id="odd")]
    )
    (found,) = await audit.find(Search(), limit=9)
    assert found.reason == "ab?"


async def test_what_looks_like_something_else_stays_a_text(audit: SqlAudit) -> None:
    odd = replace(
        WHOLE, id="odd", channel="null", app="true", room='a"b\\\n€😀', task="0012345678901234567890", file="[1]"
    )
    await audit.write([odd])
    assert await audit.find(Search(), limit=9) == [odd]


async def test_nothing_is_written_twice(audit: SqlAudit) -> None:
    await audit.write([record(1), record(2)])
    await audit.write([record(2), record(3)])
    await audit.write([])
    assert await ids(audit) == ["0003", "0002", "0001"]


async def test_all_or_none(audit: SqlAudit) -> None:
    with pytest.raises(Exception, match=r"(?i)not.?null"):
        await audit.write([record(1), Record(None, "T1", "U1", AuditedAction.LIST, Door.HOME, Outcome.DONE)])  # type: ignore[arg-type]
    assert await ids(audit) == []


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (Search(), True),
        (Search(user_id="U1"), True),
        (Search(user_id="U2"), False),
        (Search(app="prod"), True),
        (Search(app="Prod"), False),
        (Search(room="Room1", task="Task1"), True),
        (Search(room="Room1", task="Task2"), False),
        (Search(room="Room"), False),
        (Search(deed=AuditedAction.LINK), True),
        (Search(deed=AuditedAction.SHARE), False),
        (Search(outcome=Outcome.DONE), True),
        (Search(outcome=Outcome.REFUSED), False),
        (Search(since=NOON), True),
        (Search(since=NOON + SECOND), False),
        (Search(until=NOON), False),
        (Search(until=NOON + timedelta(microseconds=1)), True),
    ],
)
async def test_searching(audit: SqlAudit, search: Search, *, found: bool) -> None:
    await audit.write([WHOLE])
    assert await ids(audit, search) == (["one"] if found else [])


async def test_the_newest_come_first_in_pages_that_leave_nothing_out(audit: SqlAudit) -> None:
    written = [record(number, at=timedelta(seconds=number // 3)) for number in range(10)]
    await audit.write(written)
    pages, before = list[list[str]](), None
    while page := await audit.find(Search(), limit=4, before=before):
        pages.append([each.id for each in page])
        before = (page[-1].at, page[-1].id)
    assert [len(page) for page in pages] == [4, 4, 2]
    assert [one for page in pages for one in page] == [each.id for each in reversed(written)]


async def test_old_ones_are_forgotten_in_batches(audit: SqlAudit) -> None:
    await audit.write([record(number, at=-number * DAY) for number in range(6)])
    forgotten = [await audit.forget(before=NOON - 2 * DAY, at_most=2) for _ in range(3)]
    assert forgotten == [2, 1, 0]
    assert await ids(audit) == ["0000", "0001", "0002"]


async def test_it_outlives_what_it_is_about(stores: Stores, audit: SqlAudit) -> None:
    """Or who is recorded could have the record deleted; it goes when it is old."""
    await stores.subscribe(ANN)
    await audit.write([record(1, user=ANN.user_id)])
    await stores.upkeep.purge_person(ANN)
    await stores.upkeep.purge_workspace(ANN.team_id)
    assert await ids(audit) == ["0001"]


async def test_a_store_that_is_gone_is_said(sqlite_url: str) -> None:
    async with (
        open_database(sqlite_url) as holder,
        open_database(sqlite_url, patience=SECOND / 5) as database,
        holder.writing(),
    ):
        with pytest.raises(NotRecorded, match="does not answer"):
            await SqlAudit(database).write([WHOLE])


async def test_where_somebody_subscribed_is_told_with_their_notice(stores: Stores) -> None:
    await stores.subscriptions.subscribe(RUNS, ANN, next_look=timedelta(), asked_in="C1")
    await stores.subscriptions.subscribe(RUNS, ANN, next_look=timedelta(), asked_in="C2")
    await stores.conclude()
    assert (await stores.claim_notice()).notice.asked_in == "C1"


async def test_who_subscribes_again_does_so_where_they_are_now(stores: Stores) -> None:
    await stores.subscriptions.subscribe(RUNS, BOB, next_look=timedelta())
    await stores.subscriptions.subscribe(RUNS, ANN, next_look=timedelta(), asked_in="C1")
    await stores.subscriptions.unsubscribe(REF, ANN)
    await stores.subscriptions.subscribe(RUNS, ANN, next_look=timedelta(), asked_in="C2")
    await stores.conclude()
    found = {delivery.notice.person: delivery.notice.asked_in for delivery in await stores.claim_notices()}
    assert found == {ANN: "C2", BOB: None}
