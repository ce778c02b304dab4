"""What people do."""

from datetime import timedelta

import pytest

from bot.notices.completion import Completion, Occasion
from bot.notices.notice import NoticeState
from bot.notices.subscription import Entry, Phase, Subscribed
from bot.recording.reading import Reading
from bot.recording.task import ENDED, FAILED, NOT_STARTED
from bot.recording.task_ref import RtcApp, TaskRef
from bot.slack.cards.subscription_list import list_card
from bot.storage.tables import watched_tasks
from testing.stores import (
    ANN,
    APP,
    BOB,
    CAT,
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

NEW = Subscribed(is_new=True)
THERE = Subscribed(is_new=False)
LOST = (Occasion.REPLACED, Occasion.GONE, Occasion.FORGOTTEN)


async def test_a_subscription_is_new_once(stores: Stores) -> None:
    assert await stores.subscribe() == NEW
    stores.clock.move(MINUTE)
    assert await stores.subscribe() == THERE
    entry = await stores.entry()
    assert (entry.subscribed_at, entry.completion, entry.notice_state, entry.reason) == (NOON, None, None, None)


async def test_what_is_listed_looks_like_the_entries(stores: Stores) -> None:
    await stores.subscribe(ANN, reading(files=HAS_FILES.task.files))
    for look in await stores.looks.claim_due(limit=9, lease=LEASE):
        await stores.conclude(look=look)
    await stores.subscribe(ANN, reading(ref=OTHER_REF))
    entries, listed = [await ask(ANN, limit=9) for ask in (stores.subscriptions.entries, stores.subscriptions.listed)]
    assert list_card(entries, now=NOON) == list_card(listed, now=NOON)
    assert [entry.completion is None for entry in entries] == [entry.completion is None for entry in listed]
    assert await stores.subscriptions.listed(ANN, limit=1) == listed[:1]
    assert await stores.subscriptions.listed(CAT, limit=9) == []


async def test_the_running_ones_are_counted(stores: Stores) -> None:
    assert await stores.subscriptions.count_running(ANN) == 0
    await stores.subscribe()
    await stores.subscribe()
    await stores.subscriptions.subscribe(reading(ref=OTHER_REF), ANN, next_look=INTERVAL)
    await stores.subscriptions.subscribe(reading(ref=OTHER_REF), BOB, next_look=INTERVAL)
    assert await stores.subscriptions.count_running(ANN) == 2
    await stores.subscriptions.unsubscribe(OTHER_REF, ANN)
    assert await stores.subscriptions.count_running(ANN) == 1
    assert await stores.subscriptions.count_running(CAT) == 0


async def test_what_is_watched_is_the_task_that_was_read(stores: Stores) -> None:
    await stores.subscriptions.subscribe(RUNS, ANN, next_look=INTERVAL)
    watched = await stores.watched()
    assert (watched.ref, watched.started_at, watched.phase) == (REF, START, Phase.WATCHING)
    assert (watched.watched_since, watched.next_look_at, watched.seen) == (NOON, NOON + INTERVAL, RUNS)
    assert (watched.failures, watched.last_error, watched.waiting_since) == (0, None, None)


async def test_all_subscribers_share_one_look(stores: Stores) -> None:
    await stores.subscriptions.subscribe(RUNS, ANN, next_look=INTERVAL)
    await stores.subscriptions.subscribe(RUNS, BOB, next_look=2 * INTERVAL)
    assert await stores.watched(ANN) == await stores.watched(BOB)
    assert (await stores.watched()).next_look_at == NOON + INTERVAL


@pytest.mark.parametrize(
    "other", [OTHER_REF, TaskRef(APP, "Room2", "Task1"), TaskRef(RtcApp("prod", "6" * 24), "Room1", "Task1")]
)
async def test_other_ids_are_another_task(stores: Stores, other: TaskRef) -> None:
    await stores.subscribe()
    assert await stores.subscribe(about=reading(ref=other)) == NEW
    assert len(await stores.looks.claim_due(limit=9, lease=LEASE)) == 2


async def test_an_app_may_be_renamed(stores: Stores) -> None:
    await stores.subscribe()
    assert await stores.subscribe(about=reading(ref=TaskRef(RtcApp("main", APP.app_id), "Room1", "Task1"))) == THERE


async def test_another_start_is_another_task(stores: Stores) -> None:
    await stores.subscribe()
    assert await stores.subscribe(about=reading(start=LATER_START)) == NEW
    assert len(await stores.looks.claim_due(limit=9, lease=LEASE)) == 2


@pytest.mark.parametrize("by", [timedelta(milliseconds=1), timedelta(milliseconds=-640), SECOND])
async def test_a_start_within_a_second_is_the_same_task(stores: Stores, by: timedelta) -> None:
    """RTC may round it."""
    await stores.subscribe(ANN)
    again = reading(start=START + by)
    assert await stores.subscriptions.is_subscribed(again.task, ANN)
    assert await stores.subscribe(ANN, again) == THERE
    assert await stores.subscribe(BOB, again) == NEW
    assert len(await stores.looks.claim_due(limit=9, lease=LEASE)) == 1


class TestTheStart:
    async def test_is_filled_in_when_somebody_subscribes(self, stores: Stores) -> None:
        await stores.subscribe(ANN, NOT_BEGUN)
        assert (await stores.watched(ANN)).started_at is None
        await stores.subscribe(BOB, RUNS)
        assert (await stores.watched(ANN)).started_at == START
        assert await stores.watched(ANN) == await stores.watched(BOB)

    async def test_is_not_filled_in_twice(self, stores: Stores) -> None:
        await stores.subscribe(ANN, NOT_BEGUN)
        await stores.subscribe(ANN, RUNS)
        assert await stores.subscribe(ANN, reading(start=LATER_START)) == NEW
        assert len(await stores.subscriptions.entries(ANN, limit=9)) == 2

    async def test_is_not_what_a_task_says_that_has_not_begun(self, stores: Stores) -> None:
        await stores.subscribe(about=reading(NOT_STARTED, start=START))
        assert (await stores.watched()).started_at is None

    async def test_without_one_the_newest_watched_task_is_meant(self, stores: Stores) -> None:
        await stores.subscribe(ANN, RUNS)
        await stores.subscribe(ANN, reading(start=LATER_START))
        assert await stores.subscribe(BOB, reading(start=None)) == NEW
        assert (await stores.watched(BOB)).started_at == LATER_START

    async def test_of_what_has_begun_is_none_of_what_is_read_later_and_has_not(self, stores: Stores) -> None:
        """A recording does not go back to its beginning: this is a newer one of the same ids."""
        await stores.subscribe(ANN, RUNS)
        newer = reading(NOT_STARTED, start=START, read_at=NOON + SECOND)
        assert not await stores.subscriptions.is_subscribed(newer.task, ANN)
        assert await stores.subscribe(ANN, newer) == NEW
        assert await stores.subscribe(ANN, newer) == THERE
        assert await stores.subscribe(BOB, newer) == NEW
        entries = await stores.subscriptions.entries(ANN, limit=9)
        assert [entry.watched.started_at for entry in entries] == [None, START]
        assert (await stores.watched(BOB)).id == entries[0].watched.id
        assert await stores.subscriptions.is_subscribed(newer.task, ANN)

    async def test_of_a_newer_one_is_filled_in_beside_the_older(self, stores: Stores) -> None:
        await stores.subscribe(ANN, RUNS)
        await stores.subscribe(BOB, reading(NOT_STARTED, start=None, read_at=NOON + SECOND))
        begun = reading(start=LATER_START, read_at=NOON + MINUTE)
        assert await stores.subscribe(BOB, begun) == THERE
        assert (await stores.watched(BOB)).started_at == LATER_START
        assert (await stores.watched(ANN)).started_at == START

    async def test_is_not_unlearnt_by_what_was_read_before(self, stores: Stores) -> None:
        await stores.subscribe(ANN, RUNS)
        assert await stores.subscribe(BOB, reading(NOT_STARTED, start=None, read_at=NOON - SECOND)) == NEW
        assert await stores.watched(BOB) == await stores.watched(ANN)

    async def test_without_one_nobody_joins_what_is_told_already(self, stores: Stores) -> None:
        await stores.subscribe(ANN, RUNS)
        await stores.conclude(phase=Phase.AWAITING_FILES)
        assert await stores.subscribe(ANN, NOT_BEGUN) == NEW
        assert len(await stores.subscriptions.entries(ANN, limit=9)) == 2

    async def test_of_a_told_task_is_not_filled_into_another(self, stores: Stores) -> None:
        await stores.subscribe(ANN, RUNS)
        told = await stores.conclude()
        await stores.subscribe(ANN, NOT_BEGUN)
        assert await stores.subscribe(BOB, RUNS) == Subscribed(is_new=False, completion=told)
        assert (await stores.subscriptions.entries(ANN, limit=1))[0].watched.started_at is None

    async def test_is_left_alone_where_another_watched_task_has_it(self, stores: Stores) -> None:
        """Which subscribing alone does not bring about."""
        await stores.subscribe(ANN, RUNS)
        await stores.subscribe(BOB, reading(start=LATER_START))
        async with stores.database.writing() as connection:
            later = watched_tasks.c.started == LATER_START
            await connection.execute(watched_tasks.update().where(later).values(started=None))
        for look in await stores.looks.claim_due(limit=9, lease=LEASE):
            assert await stores.looks.note(look, RUNS, next_look=INTERVAL, waiting_since=None)
        assert [(await stores.watched(person)).started_at for person in (ANN, BOB)] == [START, None]


class TestATaskThatIsOver:
    async def test_is_told_at_once(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        told = await stores.conclude()
        assert await stores.subscribe(BOB) == Subscribed(is_new=False, completion=told)
        assert await stores.subscriptions.entries(BOB, limit=9) == []

    async def test_is_told_while_its_files_are_awaited(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        told = await stores.conclude(phase=Phase.AWAITING_FILES)
        assert await stores.subscribe(BOB) == Subscribed(is_new=False, completion=told)

    async def test_is_told_to_those_who_were_told(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        told = await stores.conclude()
        assert await stores.subscribe(ANN) == Subscribed(is_new=False, completion=told)

    async def test_is_told_with_its_files(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.conclude(phase=Phase.AWAITING_FILES)
        told = await stores.conclude(Occasion.FILES, about=HAS_FILES)
        assert await stores.subscribe(BOB) == Subscribed(is_new=False, completion=told)

    @pytest.mark.parametrize("occasion", LOST)
    async def test_is_told_by_what_was_noticed_last(self, stores: Stores, occasion: Occasion) -> None:
        await stores.subscribe(ANN)
        await stores.conclude(Occasion.UNCLEAR, phase=Phase.WATCHING, about=RUNS)
        newer = reading(start=LATER_START) if occasion is Occasion.REPLACED else None
        told = await stores.conclude(occasion, about=RUNS, newer=newer)
        assert await stores.subscribe(BOB) == Subscribed(is_new=False, completion=told)

    async def test_may_have_been_lost_without_a_reading(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        told = await stores.conclude(Occasion.GONE, about=None)
        assert await stores.subscribe(BOB) == Subscribed(is_new=False, completion=told)
        assert (await stores.watched(ANN)).seen == RUNS

    @pytest.mark.parametrize("occasion", LOST)
    async def test_may_come_back_when_it_was_lost(self, stores: Stores, occasion: Occasion) -> None:
        await stores.subscribe(ANN)
        await stores.conclude(occasion, about=RUNS)
        await stores.deliver()
        assert await stores.subscribe(ANN, reading(read_at=NOON + SECOND)) == NEW
        assert await stores.subscribe(BOB, reading(read_at=NOON + SECOND)) == NEW
        ended = await stores.conclude()
        assert [each.notice.person for each in await stores.claim_notices()] == [ANN, BOB]
        assert await stores.subscribe(CAT) == Subscribed(is_new=False, completion=ended)

    async def test_does_not_come_back_over(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        told = await stores.conclude(Occasion.GONE)
        over = reading(ENDED, read_at=NOON + SECOND)
        assert await stores.subscribe(ANN, over) == Subscribed(is_new=False, completion=told)

    @pytest.mark.parametrize("phase", [Phase.CLOSED, Phase.AWAITING_FILES])
    async def test_does_not_go_on_after_its_end(self, stores: Stores, phase: Phase) -> None:
        await stores.subscribe(ANN)
        told = await stores.conclude(phase=phase)
        late = reading(read_at=NOON + SECOND)
        assert await stores.subscribe(BOB, late) == Subscribed(is_new=False, completion=told)

    @pytest.mark.parametrize("phase", [Phase.CLOSED, Phase.AWAITING_FILES])
    async def test_without_a_start_may_be_followed_by_another(self, stores: Stores, phase: Phase) -> None:
        await stores.subscribe(ANN, NOT_BEGUN)
        told = await stores.conclude(about=reading(FAILED, start=None), phase=phase)
        assert await stores.subscribe(BOB, NOT_BEGUN) == Subscribed(is_new=False, completion=told)
        stores.clock.move(SECOND)
        again = reading(NOT_STARTED, start=None, read_at=NOON + SECOND)
        assert await stores.subscribe(BOB, again) == NEW
        assert await stores.subscribe(ANN, again) == NEW

    async def test_nobody_knew_of_is_watched(self, stores: Stores) -> None:
        """The caller shows what it has read; if it subscribes all the same, the next look tells."""
        assert await stores.subscribe(ANN, IS_OVER) == NEW
        assert (await stores.claim_look()).watched.seen == IS_OVER

    async def test_that_was_only_unclear_is_watched_on(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.conclude(Occasion.UNCLEAR, phase=Phase.WATCHING, about=RUNS)
        assert await stores.subscribe(BOB) == NEW
        assert await stores.watched(ANN) == await stores.watched(BOB)

    async def test_that_everybody_left_is_watched_anew(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.conclude(Occasion.UNCLEAR, phase=Phase.WATCHING, about=RUNS)
        assert await stores.notices.close_person(ANN, "left") == 1
        assert await stores.subscribe(ANN) == NEW
        assert (await stores.claim_look()).watched.phase == Phase.WATCHING


class TestUnsubscribing:
    async def test_ends_the_waiting(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.subscribe(BOB)
        assert await stores.subscriptions.unsubscribe(REF, ANN)
        await stores.conclude()
        assert [each.notice.person for each in await stores.claim_notices()] == [BOB]
        assert await stores.subscriptions.entries(ANN, limit=9) == []

    async def test_finds_nothing_a_second_time(self, stores: Stores) -> None:
        await stores.subscribe()
        assert await stores.subscriptions.unsubscribe(REF, ANN)
        assert not await stores.subscriptions.unsubscribe(REF, ANN)
        assert not await stores.subscriptions.unsubscribe(OTHER_REF, ANN)

    async def test_is_nobody_elses_business(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        assert not await stores.subscriptions.unsubscribe(REF, BOB)
        assert not await stores.subscriptions.unsubscribe(REF, CAT)
        assert (await stores.entry(ANN)).watched.phase == Phase.WATCHING

    async def test_ends_all_tasks_of_the_ids(self, stores: Stores) -> None:
        await stores.subscribe(ANN, RUNS)
        await stores.subscribe(ANN, reading(start=LATER_START))
        await stores.subscribe(ANN, reading(ref=OTHER_REF))
        assert await stores.subscriptions.unsubscribe(REF, ANN)
        assert (await stores.watched(ANN)).ref == OTHER_REF

    async def test_ends_the_looks_that_nobody_waits_for(self, stores: Stores) -> None:
        await stores.subscribe()
        look = await stores.claim_look()
        await stores.subscriptions.unsubscribe(REF, ANN)
        stores.clock.move(MINUTE)
        assert await stores.looks.claim_due(limit=9, lease=LEASE) == []
        assert not await stores.looks.note(look, RUNS, next_look=INTERVAL, waiting_since=None)

    async def test_takes_an_undelivered_notice_with_it(self, stores: Stores) -> None:
        await stores.subscribe()
        await stores.conclude()
        delivery = await stores.begin()
        assert await stores.subscriptions.unsubscribe(REF, ANN)
        assert not await stores.notices.mark_delivered(delivery, PLACE)
        assert await stores.subscriptions.entries(ANN, limit=9) == []

    @pytest.mark.parametrize("is_delivered", [True, False])
    async def test_leaves_what_is_settled_in_the_list(self, stores: Stores, is_delivered: bool) -> None:
        await stores.subscribe()
        await stores.conclude()
        delivery = await stores.begin()
        if is_delivered:
            assert await stores.notices.mark_delivered(delivery, PLACE)
        else:
            assert await stores.notices.give_up(delivery, "no")
        before = await stores.entry()
        assert not await stores.subscriptions.unsubscribe(REF, ANN)
        assert await stores.entry() == before

    async def test_waives_late_files(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.subscribe(BOB)
        await stores.conclude(phase=Phase.AWAITING_FILES)
        for delivery in await stores.claim_notices():
            assert await stores.notices.begin(delivery, lease=LEASE)
            assert await stores.notices.mark_delivered(delivery, PLACE)
        assert await stores.subscriptions.unsubscribe(REF, ANN)
        assert (await stores.entry(ANN)).notice_state == NoticeState.DELIVERED
        await stores.conclude(Occasion.FILES, about=HAS_FILES)
        assert (await stores.claim_notice()).notice.person == BOB

    async def test_waives_late_files_that_are_about_to_be_told(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.conclude(phase=Phase.AWAITING_FILES)
        await stores.deliver()
        await stores.conclude(Occasion.FILES, about=HAS_FILES)
        assert await stores.subscriptions.unsubscribe(REF, ANN)
        assert await stores.claim_notices() == []
        entry = await stores.entry(ANN)
        assert entry.completion is not None
        assert (entry.completion.occasion, entry.notice_state) == (Occasion.ENDED, NoticeState.DELIVERED)

    async def test_when_the_last_one_waives_late_files_nobody_looks_for_them(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.conclude(phase=Phase.AWAITING_FILES)
        await stores.deliver()
        assert await stores.subscriptions.unsubscribe(REF, ANN)
        assert await stores.looks.claim_due(limit=9, lease=LEASE) == []
        assert (await stores.watched(ANN)).phase == Phase.CLOSED

    async def test_late_files_that_others_wait_for_are_no_matter_of_who_has_left(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.subscribe(BOB)
        await stores.conclude(phase=Phase.AWAITING_FILES)
        for delivery in await stores.claim_notices():
            assert await stores.notices.begin(delivery, lease=LEASE)
            assert await stores.notices.mark_delivered(delivery, PLACE)
        assert await stores.subscriptions.unsubscribe(REF, ANN)
        entries = [await stores.entry(person) for person in (ANN, BOB)]
        assert [(entry.has_left, entry.watched.phase) for entry in entries] == [
            (True, Phase.AWAITING_FILES),
            (False, Phase.AWAITING_FILES),
        ]

    async def test_keeps_what_was_ended_for_a_reason(self, stores: Stores) -> None:
        await stores.subscribe(ANN, RUNS)
        await stores.subscribe(BOB, RUNS)
        await stores.notices.close_person(ANN, "left")
        await stores.subscribe(ANN, reading(start=LATER_START))
        assert await stores.subscriptions.unsubscribe(REF, ANN)
        assert (await stores.entry(ANN)).reason == "left"

    async def test_can_be_undone(self, stores: Stores) -> None:
        await stores.subscribe()
        await stores.subscriptions.unsubscribe(REF, ANN)
        assert await stores.subscribe() == NEW
        await stores.conclude()
        await stores.deliver()


async def test_whoever_was_closed_may_subscribe_again(stores: Stores) -> None:
    await stores.subscribe(ANN)
    await stores.subscribe(BOB)
    await stores.notices.close_person(ANN, "left")
    stores.clock.move(SECOND)
    assert await stores.subscribe(ANN) == NEW
    entry = await stores.entry(ANN)
    assert (entry.subscribed_at, entry.reason) == (NOON + SECOND, None)
    await stores.conclude()
    assert [each.notice.person for each in await stores.claim_notices()] == [ANN, BOB]


class TestIsSubscribed:
    async def test_until_the_end_is_delivered(self, stores: Stores) -> None:
        assert not await stores.subscriptions.is_subscribed(RUNS.task, ANN)
        await stores.subscribe(ANN)
        assert await stores.subscriptions.is_subscribed(RUNS.task, ANN)
        await stores.conclude()
        assert await stores.subscriptions.is_subscribed(RUNS.task, ANN)
        await stores.deliver()
        assert not await stores.subscriptions.is_subscribed(RUNS.task, ANN)

    async def test_until_unsubscribed(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.subscriptions.unsubscribe(REF, ANN)
        assert not await stores.subscriptions.is_subscribed(RUNS.task, ANN)

    async def test_to_this_very_task(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        for other in (reading(start=LATER_START), reading(ref=OTHER_REF)):
            assert not await stores.subscriptions.is_subscribed(other.task, ANN)
        for other_person in (BOB, CAT):
            assert not await stores.subscriptions.is_subscribed(RUNS.task, other_person)

    @pytest.mark.parametrize(
        ("subscribed", "shown"), [(NOT_BEGUN, RUNS), (RUNS, reading(start=None)), (NOT_BEGUN, NOT_BEGUN)]
    )
    async def test_to_what_subscribing_would_join(self, stores: Stores, subscribed: Reading, shown: Reading) -> None:
        await stores.subscribe(ANN, subscribed)
        assert await stores.subscriptions.is_subscribed(shown.task, ANN)
        assert await stores.subscribe(ANN, shown) == THERE


class TestTheList:
    async def test_begins_with_what_is_looked_at_then_the_newest(self, stores: Stores) -> None:
        refs = [TaskRef(APP, "Room1", f"Task{number}") for number in range(5)]
        for ref in refs:
            stores.clock.move(SECOND)
            await stores.subscribe(about=reading(ref=ref))
        looks = await stores.looks.claim_due(limit=5, lease=LEASE)
        await stores.conclude(look=looks[3])
        await stores.conclude(look=looks[1])
        await stores.conclude(look=looks[2], phase=Phase.AWAITING_FILES)
        entries = await stores.subscriptions.entries(ANN, limit=9)
        assert [refs.index(entry.watched.ref) for entry in entries] == [4, 2, 0, 3, 1]
        assert await stores.subscriptions.entries(ANN, limit=2) == entries[:2]

    async def test_is_the_persons_own(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        assert await stores.subscriptions.entries(BOB, limit=9) == []
        assert await stores.subscriptions.entries(CAT, limit=9) == []

    async def test_tells_how_the_notice_fares(self, stores: Stores) -> None:
        await stores.subscribe()
        told = await stores.conclude()

        async def entry() -> tuple[Completion | None, NoticeState | None, str | None, object]:
            found: Entry = await stores.entry()
            return found.completion, found.notice_state, found.reason, found.settled_at

        assert await entry() == (told, NoticeState.PENDING, None, None)
        delivery = await stores.begin()
        assert await entry() == (told, NoticeState.SENDING, None, None)
        await stores.notices.put_off(delivery, after=timedelta(), reason="busy", is_doubtful=False)
        assert await entry() == (told, NoticeState.PENDING, "busy", None)
        await stores.deliver()
        assert await entry() == (told, NoticeState.DELIVERED, None, NOON)

    async def test_tells_of_the_newest_notice(self, stores: Stores) -> None:
        await stores.subscribe()
        await stores.conclude(Occasion.UNCLEAR, phase=Phase.WATCHING, about=RUNS)
        await stores.deliver()
        told = await stores.conclude()
        entry = await stores.entry()
        assert (entry.completion, entry.notice_state) == (told, NoticeState.PENDING)

    async def test_tells_why_a_subscription_ended_without_a_notice(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.notices.close_person(ANN, "the account is deactivated")
        entry = await stores.entry(ANN)
        assert (entry.reason, entry.completion, entry.settled_at) == ("the account is deactivated", None, None)
        assert entry.watched.phase == Phase.CLOSED

    async def test_puts_what_has_ended_behind_what_is_looked_at(self, stores: Stores) -> None:
        await stores.subscriptions.subscribe(RUNS, ANN, next_look=MINUTE)
        stores.clock.move(SECOND)
        await stores.subscribe(ANN, reading(ref=OTHER_REF))
        await stores.conclude(phase=Phase.AWAITING_FILES)
        await stores.deliver()
        assert [entry.watched.ref for entry in await stores.subscriptions.entries(ANN, limit=9)] == [OTHER_REF, REF]
        await stores.subscriptions.unsubscribe(OTHER_REF, ANN)
        assert [entry.watched.ref for entry in await stores.subscriptions.entries(ANN, limit=9)] == [REF, OTHER_REF]


async def test_clearing_deletes_what_is_done_of_this_person_alone(stores: Stores) -> None:
    for person in (ANN, BOB):
        await stores.subscribe(person)
    await stores.conclude()
    for delivery in await stores.claim_notices():
        assert await stores.notices.begin(delivery, lease=LEASE)
        assert await stores.notices.mark_delivered(delivery, PLACE)
    assert await stores.subscriptions.clear(ANN) == 1
    assert not await stores.subscriptions.entries(ANN, limit=100)
    assert (await stores.entry(BOB)).notice_state is NoticeState.DELIVERED
    assert await stores.subscriptions.clear(ANN) == 0
    assert await stores.subscriptions.clear(BOB) == 1
    assert not any(
        rows for name, rows in (await stores.rows()).items() if name in ("watched_tasks", "subscriptions", "notices")
    )


@pytest.mark.parametrize("stage", ["watched", "queued", "sending", "awaiting files"])
async def test_clearing_leaves_what_something_is_still_to_come_of(stores: Stores, stage: str) -> None:
    await stores.subscribe()
    if stage != "watched":
        await stores.conclude(phase=Phase.AWAITING_FILES if stage == "awaiting files" else Phase.CLOSED)
    if stage == "sending":
        await stores.begin()
    if stage == "awaiting files":
        await stores.deliver()
    before = await stores.rows()
    assert await stores.subscriptions.clear(ANN) == 0
    assert await stores.rows() == before


async def test_what_was_given_up_can_be_cleared(stores: Stores) -> None:
    await stores.subscribe()
    await stores.conclude()
    assert await stores.notices.give_up(await stores.begin(), "The account is closed")
    assert await stores.subscriptions.clear(ANN) == 1
