"""What the watcher does."""

from datetime import timedelta

import pytest

from bot.notices.completion import Completion, Occasion
from bot.notices.notice import NoticeState
from bot.notices.subscription import ClaimedTask, Phase
from bot.recording.task import Status
from bot.recording.task_ref import RtcApp, TaskRef
from testing.stores import (
    ANN,
    APP,
    BOB,
    CAT,
    FILE,
    HAS_FILES,
    INTERVAL,
    IS_OVER,
    LATER_START,
    LEASE,
    MINUTE,
    NOON,
    NOT_BEGUN,
    OTHER_REF,
    PLACE,
    REF,
    RUNS,
    SECOND,
    START,
    Stores,
    reading,
)

LATER = reading(read_at=NOON + SECOND)
ENDED = Completion(Occasion.ENDED, NOON, IS_OVER)


async def note(stores: Stores, look: ClaimedTask, *, next_look: timedelta = INTERVAL) -> bool:
    return await stores.looks.note(look, LATER, next_look=next_look, waiting_since=None)


class TestClaiming:
    async def test_what_is_due_and_only_that(self, stores: Stores) -> None:
        await stores.subscriptions.subscribe(RUNS, ANN, next_look=INTERVAL)
        assert await stores.looks.claim_due(limit=9, lease=LEASE) == []
        stores.clock.move(INTERVAL)
        look = await stores.claim_look()
        assert look.watched == await stores.watched()
        assert look.watched.seen == RUNS

    async def test_what_is_due_longest_first(self, stores: Stores) -> None:
        dues = [3, 1, 4, 0, 2]
        for due in dues:
            about = reading(ref=TaskRef(APP, "Room1", f"Task{due}"))
            await stores.subscriptions.subscribe(about, ANN, next_look=due * SECOND)
        stores.clock.move(MINUTE)
        looks = await stores.looks.claim_due(limit=3, lease=LEASE)
        assert [look.watched.ref.task for look in looks] == ["Task0", "Task1", "Task2"]
        rest = await stores.looks.claim_due(limit=3, lease=LEASE)
        assert [look.watched.ref.task for look in rest] == ["Task3", "Task4"]

    async def test_what_nobody_holds(self, stores: Stores) -> None:
        await stores.subscribe()
        look = await stores.claim_look()
        stores.clock.move(LEASE - SECOND)
        assert await stores.looks.claim_due(limit=9, lease=LEASE) == []
        stores.clock.move(SECOND)
        again = await stores.claim_look()
        assert again.token > look.token
        assert again.watched == look.watched

    async def test_while_files_are_awaited_too_but_not_once_closed(self, stores: Stores) -> None:
        await stores.subscribe()
        await stores.conclude(phase=Phase.AWAITING_FILES)
        look = await stores.claim_look()
        assert look.watched.phase == Phase.AWAITING_FILES
        await stores.conclude(Occasion.FILES, about=HAS_FILES, look=look)
        assert await stores.looks.claim_due(limit=9, lease=LEASE) == []

    async def test_by_names_that_people_know(self, stores: Stores) -> None:
        odd = TaskRef(RtcApp("prod \ud800\0", APP.app_id), "Room1", "Task1")
        await stores.subscribe(about=reading(ref=odd))
        assert (await stores.claim_look()).watched.ref.app.name == "prod ?"


class TestAGoodLook:
    async def test_is_remembered(self, stores: Stores) -> None:
        await stores.subscribe()
        look = await stores.claim_look()
        waiting_since = NOON - SECOND
        assert await stores.looks.note(look, LATER, next_look=INTERVAL, waiting_since=waiting_since)
        watched = await stores.watched()
        assert (watched.seen, watched.next_look_at, watched.waiting_since) == (LATER, NOON + INTERVAL, waiting_since)
        assert watched.phase == Phase.WATCHING

    async def test_clears_what_failed_before(self, stores: Stores) -> None:
        await stores.subscribe()
        await stores.looks.note_failure(await stores.claim_look(), "no answer", next_look=timedelta())
        await note(stores, await stores.claim_look())
        watched = await stores.watched()
        assert (watched.failures, watched.last_error) == (0, None)

    async def test_clears_what_was_waited_out_before(self, stores: Stores) -> None:
        await stores.subscribe()
        await stores.looks.note(await stores.claim_look(), RUNS, next_look=timedelta(), waiting_since=NOON)
        await note(stores, await stores.claim_look())
        assert (await stores.watched()).waiting_since is None

    async def test_fills_in_the_start(self, stores: Stores) -> None:
        await stores.subscribe(about=NOT_BEGUN)
        await stores.looks.note(await stores.claim_look(), NOT_BEGUN, next_look=timedelta(), waiting_since=None)
        assert (await stores.watched()).started_at is None
        await stores.looks.note(await stores.claim_look(), RUNS, next_look=timedelta(), waiting_since=None)
        assert (await stores.watched()).started_at == START

    async def test_never_changes_the_start(self, stores: Stores) -> None:
        await stores.subscribe()
        other = reading(start=LATER_START)
        await stores.looks.note(await stores.claim_look(), other, next_look=timedelta(), waiting_since=None)
        assert (await stores.watched()).started_at == START

    async def test_ends_the_claim(self, stores: Stores) -> None:
        await stores.subscribe()
        look = await stores.claim_look()
        assert await note(stores, look, next_look=timedelta())
        assert not await note(stores, look)
        await stores.claim_look()

    async def test_keeps_what_no_database_takes(self, stores: Stores) -> None:
        odd = reading(Status.from_code("\ud800 \0 odd"))
        await stores.subscribe(about=odd)
        assert (await stores.watched()).seen == odd


class TestAFailedLook:
    async def test_is_counted(self, stores: Stores) -> None:
        await stores.subscribe()
        for _ in range(2):
            assert await stores.looks.note_failure(await stores.claim_look(), "no answer", next_look=timedelta())
        look = await stores.claim_look()
        assert (look.watched.failures, look.watched.last_error, look.watched.seen) == (2, "no answer", RUNS)

    async def test_is_repeated_later(self, stores: Stores) -> None:
        await stores.subscribe()
        assert await stores.looks.note_failure(await stores.claim_look(), "no answer", next_look=INTERVAL)
        assert (await stores.watched()).next_look_at == NOON + INTERVAL

    async def test_ends_the_claim(self, stores: Stores) -> None:
        await stores.subscribe()
        look = await stores.claim_look()
        assert await stores.looks.note_failure(look, "no answer", next_look=timedelta())
        assert not await stores.looks.note_failure(look, "no answer", next_look=timedelta())

    async def test_keeps_what_no_database_takes_out_of_the_error(self, stores: Stores) -> None:
        await stores.subscribe()
        assert await stores.looks.note_failure(await stores.claim_look(), "odd \ud800\0", next_look=timedelta())
        assert (await stores.watched()).last_error == "odd ?"


class TestConcluding:
    async def test_queues_a_notice_for_each_subscriber(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        stores.clock.move(SECOND)
        await stores.subscribe(BOB)
        told = await stores.conclude()
        deliveries = await stores.claim_notices()
        assert [each.notice.person for each in deliveries] == [ANN, BOB]
        assert [each.notice.subscribed_at for each in deliveries] == [NOON, NOON + SECOND]
        for each in deliveries:
            assert (each.notice.completion, each.notice.attempts, each.is_doubtful) == (told, 0, False)
            assert (each.notice.queued_at, each.notice.original) == (NOON + SECOND, None)
        assert len({each.notice.key for each in deliveries}) == 2

    async def test_is_remembered(self, stores: Stores) -> None:
        await stores.subscribe()
        await stores.looks.note(await stores.claim_look(), RUNS, next_look=timedelta(), waiting_since=NOON)
        look = await stores.claim_look()
        assert await stores.looks.conclude(look, ENDED, phase=Phase.AWAITING_FILES, next_look=INTERVAL)
        watched = await stores.watched()
        assert (watched.phase, watched.seen, watched.next_look_at) == (Phase.AWAITING_FILES, IS_OVER, NOON + INTERVAL)
        assert watched.waiting_since == NOON

    async def test_clears_what_failed_before(self, stores: Stores) -> None:
        await stores.subscribe()
        await stores.looks.note_failure(await stores.claim_look(), "no answer", next_look=timedelta())
        await stores.conclude()
        watched = await stores.watched()
        assert (watched.failures, watched.last_error) == (0, None)

    async def test_fills_in_the_start(self, stores: Stores) -> None:
        await stores.subscribe(about=NOT_BEGUN)
        told = await stores.conclude()
        assert (await stores.watched()).started_at == START
        assert (await stores.subscribe(BOB)).completion == told

    async def test_tells_an_occasion_once(self, stores: Stores) -> None:
        await stores.subscribe()
        first = await stores.conclude(Occasion.UNCLEAR, phase=Phase.WATCHING, about=RUNS)
        stores.clock.move(SECOND)
        await stores.conclude(Occasion.UNCLEAR, phase=Phase.WATCHING, about=LATER)
        assert (await stores.claim_notice()).notice.completion == first

    async def test_tells_newcomers_an_occasion_that_others_know(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        first = await stores.conclude(Occasion.UNCLEAR, phase=Phase.WATCHING, about=RUNS)
        await stores.deliver()
        await stores.subscribe(BOB)
        await stores.conclude(Occasion.UNCLEAR, phase=Phase.WATCHING, about=LATER)
        notice = (await stores.claim_notice()).notice
        assert (notice.person, notice.completion) == (BOB, first)

    async def test_tells_one_occasion_after_another(self, stores: Stores) -> None:
        await stores.subscribe()
        unclear = await stores.conclude(Occasion.UNCLEAR, phase=Phase.WATCHING, about=RUNS)
        assert (await stores.deliver()).notice.completion == unclear
        assert (await stores.watched()).phase == Phase.WATCHING
        ended = await stores.conclude()
        assert (await stores.deliver()).notice.completion == ended

    async def test_tells_of_the_task_that_took_the_ids(self, stores: Stores) -> None:
        await stores.subscribe()
        newer = reading(start=LATER_START)
        told = await stores.conclude(Occasion.REPLACED, about=RUNS, newer=newer)
        completion = (await stores.claim_notice()).notice.completion
        assert (completion, completion.newer) == (told, newer)
        assert (await stores.watched()).seen == RUNS

    async def test_tells_nobody_who_has_left(self, stores: Stores) -> None:
        for person in (ANN, BOB, CAT):
            await stores.subscribe(person)
        await stores.notices.close_person(BOB, "left")
        await stores.subscriptions.unsubscribe(REF, CAT)
        await stores.conclude()
        assert (await stores.claim_notice()).notice.person == ANN

    async def test_ends_the_claim(self, stores: Stores) -> None:
        await stores.subscribe()
        look = await stores.claim_look()
        await stores.conclude(look=look, phase=Phase.AWAITING_FILES)
        before = await stores.rows()
        assert not await stores.looks.conclude(look, ENDED, phase=Phase.CLOSED, next_look=timedelta())
        assert await stores.rows() == before


class TestLateFiles:
    async def test_are_told_to_those_who_were_told_of_the_end(self, stores: Stores) -> None:
        await stores.subscribe()
        await stores.conclude(phase=Phase.AWAITING_FILES)
        await stores.deliver()
        told = await stores.conclude(Occasion.FILES, about=HAS_FILES)
        notice = (await stores.claim_notice()).notice
        assert (notice.completion, notice.original) == (told, PLACE)

    async def test_are_shown_with_an_end_that_is_not_told_yet(self, stores: Stores) -> None:
        await stores.subscribe()
        ended = await stores.conclude(phase=Phase.AWAITING_FILES)
        stores.clock.move(SECOND)
        await stores.conclude(Occasion.FILES, about=HAS_FILES)
        shown = (await stores.claim_notice()).notice.completion
        assert (shown.occasion, shown.noticed_at) == (Occasion.ENDED, ended.noticed_at)
        assert shown.reading is not None
        assert shown.reading.task.files == (FILE,)

    async def test_are_not_told_before_the_end_is(self, stores: Stores) -> None:
        await stores.subscribe()
        await stores.conclude(phase=Phase.AWAITING_FILES)
        await stores.conclude(Occasion.FILES, about=HAS_FILES)
        end = await stores.begin()
        assert end.notice.completion.occasion == Occasion.ENDED
        assert await stores.claim_notices() == []
        await stores.notices.put_off(end, after=MINUTE, reason=None, is_doubtful=True)
        assert await stores.claim_notices() == []
        stores.clock.move(MINUTE)
        await stores.deliver()
        assert (await stores.claim_notice()).notice.completion.occasion == Occasion.FILES

    async def test_are_not_told_to_whom_the_end_could_not_be(self, stores: Stores) -> None:
        await stores.subscribe()
        await stores.conclude(phase=Phase.AWAITING_FILES)
        assert await stores.notices.give_up(await stores.begin(), "refused")
        before = await stores.entry()
        await stores.conclude(Occasion.FILES, about=HAS_FILES)
        assert await stores.claim_notices() == []
        after = await stores.entry()
        assert (after.notice_state, after.reason, after.settled_at) == (NoticeState.DEAD, "refused", before.settled_at)
        assert after.completion is not None
        assert after.completion.occasion == Occasion.ENDED

    async def test_are_given_up_with_the_end(self, stores: Stores) -> None:
        await stores.subscribe()
        await stores.conclude(phase=Phase.AWAITING_FILES)
        told = await stores.conclude(Occasion.FILES, about=HAS_FILES)
        assert await stores.notices.give_up(await stores.begin(), "refused")
        assert await stores.claim_notices() == []
        entry = await stores.entry()
        assert (entry.completion, entry.notice_state, entry.reason) == (told, NoticeState.DEAD, "refused")
        assert entry.settled_at == NOON

    async def test_are_told_once(self, stores: Stores) -> None:
        await stores.subscribe()
        await stores.conclude(phase=Phase.AWAITING_FILES)
        await stores.conclude(Occasion.FILES, about=HAS_FILES, phase=Phase.AWAITING_FILES)
        await stores.conclude(Occasion.FILES, about=HAS_FILES)
        await stores.deliver()
        await stores.deliver()
        assert await stores.claim_notices() == []

    async def test_that_nobody_waits_for_are_stored(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.conclude(Occasion.ENDED, phase=Phase.AWAITING_FILES)
        look = await stores.claim_look()
        assert await stores.notices.give_up(await stores.begin(), "no")
        told = await stores.conclude(Occasion.FILES, about=HAS_FILES, look=look)
        assert (await stores.subscribe(BOB)).completion == told


class TestClosing:
    async def test_tells_nobody(self, stores: Stores) -> None:
        await stores.subscribe()
        await stores.conclude(phase=Phase.AWAITING_FILES)
        await stores.deliver()
        look = await stores.claim_look()
        assert await stores.looks.close(look)
        assert (await stores.watched()).phase == Phase.CLOSED
        assert await stores.claim_notices() == []
        assert await stores.looks.claim_due(limit=9, lease=LEASE) == []

    async def test_ends_the_claim(self, stores: Stores) -> None:
        await stores.subscribe()
        look = await stores.claim_look()
        assert await stores.looks.close(look)
        assert not await stores.looks.close(look)


class TestReleasing:
    async def test_makes_due_as_before(self, stores: Stores) -> None:
        await stores.subscribe()
        look = await stores.claim_look()
        await stores.looks.release([look])
        again = await stores.claim_look()
        assert again.watched == look.watched
        assert again.token > look.token

    async def test_proves_nothing_any_more(self, stores: Stores) -> None:
        await stores.subscribe()
        look = await stores.claim_look()
        await stores.looks.release([look])
        assert not await note(stores, look)

    async def test_leaves_the_claims_of_others(self, stores: Stores) -> None:
        await stores.subscribe()
        stale = await stores.claim_look()
        stores.clock.move(LEASE)
        await stores.claim_look()
        await stores.looks.release([stale])
        assert await stores.looks.claim_due(limit=9, lease=LEASE) == []

    async def test_may_be_of_many_or_none(self, stores: Stores) -> None:
        for number in range(3):
            await stores.subscribe(about=reading(ref=TaskRef(APP, "Room1", f"Task{number}")))
        looks = await stores.looks.claim_due(limit=9, lease=LEASE)
        await stores.looks.release([])
        await stores.looks.release(looks[:2])
        again = await stores.looks.claim_due(limit=9, lease=LEASE)
        assert [look.watched for look in again] == [look.watched for look in looks[:2]]


class TestAStaleHolder:
    """Its lease ran out, and somebody else has claimed since."""

    @pytest.fixture
    async def stale(self, stores: Stores) -> ClaimedTask:
        await stores.subscribe()
        look = await stores.claim_look()
        stores.clock.move(LEASE)
        await stores.claim_look()
        return look

    async def test_changes_nothing(self, stores: Stores, stale: ClaimedTask) -> None:
        before = await stores.rows()
        assert not await note(stores, stale)
        assert not await stores.looks.note_failure(stale, "no", next_look=INTERVAL)
        assert not await stores.looks.conclude(stale, ENDED, phase=Phase.CLOSED, next_look=INTERVAL)
        assert not await stores.looks.close(stale)
        await stores.looks.release([stale])
        assert await stores.rows() == before

    async def test_changes_nothing_of_a_task_that_is_forgotten(self, stores: Stores, stale: ClaimedTask) -> None:
        await stores.upkeep.purge_person(ANN)
        await stores.subscribe()
        before = await stores.rows()
        assert not await note(stores, stale)
        assert await stores.rows() == before


async def test_a_holder_whose_lease_ran_out_unnoticed_may_still_write(stores: Stores) -> None:
    await stores.subscribe()
    look = await stores.claim_look()
    stores.clock.move(2 * LEASE)
    assert await note(stores, look)


class TestHastening:
    async def test_makes_tasks_of_these_ids_due(self, stores: Stores) -> None:
        stores.clock.move(SECOND)
        for about in (RUNS, reading(start=LATER_START), reading(ref=OTHER_REF)):
            await stores.subscriptions.subscribe(about, ANN, next_look=INTERVAL)
        await stores.looks.hasten(REF)
        looks = await stores.looks.claim_due(limit=9, lease=LEASE)
        assert [look.watched.started_at for look in looks] == [START, LATER_START]
        assert {look.watched.next_look_at for look in looks} == {NOON + SECOND}

    async def test_reaches_those_whose_files_are_awaited(self, stores: Stores) -> None:
        await stores.subscribe()
        look = await stores.claim_look()
        assert await stores.looks.conclude(look, ENDED, phase=Phase.AWAITING_FILES, next_look=INTERVAL)
        await stores.looks.hasten(REF)
        await stores.claim_look()

    async def test_leaves_closed_ones_closed(self, stores: Stores) -> None:
        await stores.subscribe()
        await stores.conclude()
        await stores.looks.hasten(REF)
        assert await stores.looks.claim_due(limit=9, lease=LEASE) == []

    async def test_does_not_put_back_what_is_due_already(self, stores: Stores) -> None:
        await stores.subscribe()
        stores.clock.move(MINUTE)
        await stores.looks.hasten(REF)
        assert (await stores.claim_look()).watched.next_look_at == NOON

    async def test_during_a_look_makes_another_one_due(self, stores: Stores) -> None:
        """What the look saw may be older than the news."""
        await stores.subscribe()
        look = await stores.claim_look()
        stores.clock.move(SECOND)
        await stores.looks.hasten(REF)
        assert await stores.looks.claim_due(limit=9, lease=LEASE) == []
        assert await note(stores, look)
        await stores.claim_look()

    async def test_reaches_all_whose_last_look_failed(self, stores: Stores) -> None:
        for ref in (REF, OTHER_REF):
            await stores.subscribe(about=reading(ref=ref))
        failed, good = await stores.looks.claim_due(limit=9, lease=LEASE)
        await stores.looks.note_failure(failed, "no answer", next_look=MINUTE)
        await note(stores, good)
        await stores.looks.hasten_failed()
        assert (await stores.claim_look()).watched.ref == failed.watched.ref
