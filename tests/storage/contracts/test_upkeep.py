"""What keeps the store in order."""

from datetime import timedelta

import pytest

from bot.notices.completion import Occasion
from bot.notices.notice import NoticeState
from bot.notices.store import StoreStats
from bot.notices.subscription import Phase
from bot.recording.task_ref import TaskRef
from testing.stores import (
    ANN,
    APP,
    BOB,
    CAT,
    DAY,
    HAS_FILES,
    LEASE,
    MINUTE,
    OTHER_REF,
    PLACE,
    REF,
    RUNS,
    SECOND,
    Stores,
    reading,
)

MONTH = 30 * DAY
TABLES = ("watched_tasks", "subscriptions", "completions", "notices", "homes")


async def forget(stores: Stores, *, at_most: int = 9) -> int:
    return await stores.upkeep.forget(older_than=MONTH, at_most=at_most)


async def counts(stores: Stores) -> dict[str, int]:
    rows = await stores.rows()
    return {name: len(rows[name]) for name in TABLES if rows[name]}


async def test_a_store_that_is_there_answers(stores: Stores) -> None:
    await stores.upkeep.ping()


class TestForgetting:
    async def test_comes_so_long_after_the_last_notice(self, stores: Stores) -> None:
        await stores.subscribe()
        await stores.conclude()
        stores.clock.move(DAY)
        await stores.deliver()
        stores.clock.move(MONTH - SECOND)
        assert await forget(stores) == 0
        stores.clock.move(SECOND)
        assert await forget(stores) == 1
        assert await counts(stores) == {}

    async def test_takes_all_that_is_the_tasks(self, stores: Stores) -> None:
        await stores.subscribe()
        await stores.conclude(phase=Phase.AWAITING_FILES)
        await stores.conclude(Occasion.FILES, about=HAS_FILES)
        await stores.deliver()
        await stores.deliver()
        stores.clock.move(MONTH)
        assert await forget(stores) == 1
        assert await counts(stores) == {}

    async def test_spares_what_is_not_delivered(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.subscribe(BOB)
        await stores.conclude()
        for_ann, _ = await stores.claim_notices()
        assert await stores.notices.begin(for_ann, lease=LEASE)
        assert await stores.notices.give_up(for_ann, "no")
        stores.clock.move(2 * MONTH)
        assert await forget(stores) == 0

    async def test_spares_what_is_looked_at(self, stores: Stores) -> None:
        await stores.subscribe()
        stores.clock.move(2 * MONTH)
        assert await forget(stores) == 0
        await stores.conclude(phase=Phase.AWAITING_FILES)
        await stores.deliver()
        stores.clock.move(2 * MONTH)
        assert await forget(stores) == 0

    async def test_needs_no_notice(self, stores: Stores) -> None:
        await stores.subscribe()
        await stores.notices.close_person(ANN, "left")
        stores.clock.move(MONTH)
        assert await forget(stores) == 1
        assert await counts(stores) == {}

    async def test_goes_in_batches(self, stores: Stores) -> None:
        for number in range(5):
            await stores.subscribe(about=reading(ref=TaskRef(APP, "Room1", f"Task{number}")))
        for look in await stores.looks.claim_due(limit=9, lease=LEASE):
            await stores.looks.close(look)
        stores.clock.move(MONTH)
        assert [await forget(stores, at_most=2) for _ in range(4)] == [2, 2, 1, 0]


class TestTheCensus:
    async def test_of_an_empty_store(self, stores: Stores) -> None:
        assert await stores.upkeep.census() == StoreStats(0, 0, dict.fromkeys(NoticeState, 0), None)

    async def test_counts_what_is_looked_at_and_what_is_overdue(self, stores: Stores) -> None:
        await stores.subscribe()
        await stores.subscribe(about=reading(ref=OTHER_REF))
        await stores.subscribe(about=reading(ref=TaskRef(APP, "Room1", "Task3")))
        closed, later, _ = await stores.looks.claim_due(limit=9, lease=LEASE)
        await stores.looks.close(closed)
        await stores.looks.note(later, RUNS, next_look=SECOND, waiting_since=None)
        stores.clock.move(MINUTE)
        assert await watched_and_overdue(stores) == (2, 1)
        stores.clock.move(SECOND)
        assert await watched_and_overdue(stores) == (2, 2)

    async def test_says_for_how_long_the_look_has_been_due_that_waits_longest(self, stores: Stores) -> None:
        assert await oldest_looks(stores) == {0 * SECOND}
        await stores.subscribe()
        await stores.subscribe(about=reading(ref=OTHER_REF))
        later, closed = await stores.looks.claim_due(limit=9, lease=LEASE)
        await stores.looks.note(later, RUNS, next_look=MINUTE, waiting_since=None)
        stores.clock.move(3 * MINUTE)
        assert await oldest_looks(stores) == {3 * MINUTE}
        await stores.looks.close(closed)
        assert await oldest_looks(stores) == {2 * MINUTE}
        stores.clock.move(-DAY)
        assert await oldest_looks(stores) == {0 * SECOND}

    async def test_counts_notices_by_state_and_finds_the_oldest_that_waits(self, stores: Stores) -> None:
        for person in (ANN, BOB, CAT):
            await stores.subscribe(person)
        await stores.conclude()
        stores.clock.move(MINUTE)
        for_ann, for_bob, _ = await stores.claim_notices()
        assert await stores.notices.begin(for_ann, lease=LEASE)
        assert await stores.notices.begin(for_bob, lease=LEASE)
        assert await stores.notices.mark_delivered(for_bob, PLACE)
        census = await stores.upkeep.census()
        assert census.notices == {
            NoticeState.PENDING: 1,
            NoticeState.SENDING: 1,
            NoticeState.DELIVERED: 1,
            NoticeState.DEAD: 0,
        }
        assert census.oldest_waiting == MINUTE

    async def test_what_is_settled_waits_no_more(self, stores: Stores) -> None:
        await stores.subscribe()
        await stores.conclude()
        await stores.notices.close_person(ANN, "left")
        census = await stores.upkeep.census()
        assert (census.notices[NoticeState.DEAD], census.oldest_waiting) == (1, None)


async def oldest_looks(stores: Stores) -> set[timedelta]:
    return {await stores.upkeep.oldest_look(), (await stores.upkeep.census()).oldest_look}


async def watched_and_overdue(stores: Stores) -> tuple[int, int]:
    census = await stores.upkeep.census()
    return census.watched, census.overdue


class TestPurging:
    async def test_a_person_takes_every_row(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.subscribe(ANN, reading(ref=OTHER_REF))
        await stores.conclude(look=(await stores.looks.claim_due(limit=1, lease=LEASE))[0])
        await stores.upkeep.note_home(ANN)
        assert await stores.upkeep.purge_person(ANN) == 2
        assert await counts(stores) == {}
        assert await stores.upkeep.purge_person(ANN) == 0

    async def test_takes_what_is_long_done_and_what_has_ended(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.conclude(phase=Phase.AWAITING_FILES)
        await stores.conclude(Occasion.FILES, about=HAS_FILES)
        await stores.deliver()
        await stores.deliver()
        await stores.subscribe(ANN, reading(ref=OTHER_REF))
        await stores.notices.close_person(ANN, "left")
        assert await stores.upkeep.purge_person(ANN) == 2
        assert await counts(stores) == {}

    async def test_leaves_what_others_have(self, stores: Stores) -> None:
        for person in (ANN, BOB, CAT):
            await stores.subscribe(person)
            await stores.upkeep.note_home(person)
        await stores.conclude()
        assert await stores.upkeep.purge_person(ANN) == 1
        assert [each.notice.person for each in await stores.claim_notices()] == [BOB, CAT]
        assert [await stores.upkeep.has_home(person) for person in (ANN, BOB, CAT)] == [False, True, True]

    async def test_a_workspace_takes_all_its_people(self, stores: Stores) -> None:
        for person in (ANN, BOB, CAT):
            await stores.subscribe(person)
            await stores.upkeep.note_home(person)
        assert await stores.upkeep.purge_workspace("T1") == 2
        await stores.conclude()
        assert (await stores.claim_notice()).notice.person == CAT
        assert [await stores.upkeep.has_home(person) for person in (ANN, BOB, CAT)] == [False, False, True]

    async def test_ends_the_looks_that_nobody_waits_for(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.subscribe(CAT)
        look = await stores.claim_look()
        await stores.notices.close_person(CAT, "left")
        await stores.upkeep.purge_person(ANN)
        stores.clock.move(MINUTE)
        assert await stores.looks.claim_due(limit=9, lease=LEASE) == []
        assert not await stores.looks.note(look, RUNS, next_look=timedelta(), waiting_since=None)
        assert (await stores.entry(CAT)).watched.phase == Phase.CLOSED

    async def test_goes_by_the_workspaces_where_somebody_is_known(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.subscribe(ANN, reading(ref=OTHER_REF))
        await stores.upkeep.note_home(ANN)
        await stores.upkeep.note_home(CAT)
        assert await stores.upkeep.workspaces_of("U1") == ["T1", "T2"]
        await stores.upkeep.purge_person(CAT)
        assert await stores.upkeep.workspaces_of("U1") == ["T1"]
        assert await stores.upkeep.workspaces_of("U9") == []

    async def test_of_nobody_is_nothing(self, stores: Stores) -> None:
        assert await stores.upkeep.purge_workspace("T9") == 0


@pytest.mark.parametrize("times", [0, 1, 2])
async def test_a_home_is_remembered(stores: Stores, times: int) -> None:
    for _ in range(times):
        await stores.upkeep.note_home(ANN)
    assert await stores.upkeep.has_home(ANN) == (times > 0)
    assert not await stores.upkeep.has_home(BOB)
    assert not await stores.upkeep.has_home(CAT)


async def test_unsubscribing_leaves_no_row_behind(stores: Stores) -> None:
    await stores.subscribe()
    await stores.conclude(Occasion.UNCLEAR, phase=Phase.WATCHING, about=RUNS)
    await stores.deliver()
    await stores.subscriptions.unsubscribe(REF, ANN)
    assert await counts(stores) == {}
