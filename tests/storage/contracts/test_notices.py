"""What the deliverer does."""

from datetime import timedelta

import pytest

from bot.notices.completion import Completion, Occasion
from bot.notices.notice import ClaimedNotice, NoticeState
from bot.notices.person import Person
from bot.notices.subscription import Phase
from bot.recording.task_ref import TaskRef
from testing.stores import (
    ANN,
    APP,
    BOB,
    CAT,
    HAS_FILES,
    IS_OVER,
    LEASE,
    MINUTE,
    NOON,
    OTHER_REF,
    PLACE,
    REF,
    RUNS,
    SECOND,
    Stores,
    reading,
)


@pytest.fixture
async def told(stores: Stores) -> Completion:
    """Ann's notice is queued."""
    await stores.subscribe(ANN)
    return await stores.conclude()


class TestClaiming:
    async def test_what_nobody_holds(self, stores: Stores, told: Completion) -> None:
        first = await stores.claim_notice()
        assert first.notice.completion == told
        stores.clock.move(LEASE - SECOND)
        assert await stores.claim_notices() == []
        stores.clock.move(SECOND)
        again = await stores.claim_notice()
        assert again.token > first.token
        assert again.notice == first.notice

    async def test_says_whether_the_task_is_looked_at_still(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.conclude(phase=Phase.AWAITING_FILES)
        assert (await stores.claim_notice()).notice.goes_on
        await stores.looks.close(await stores.claim_look())
        stores.clock.move(LEASE)
        assert not (await stores.claim_notice()).notice.goes_on

    async def test_what_is_due_longest_first(self, stores: Stores) -> None:
        for number in range(5):
            await stores.subscribe(Person("T1", f"U{number}"), reading(ref=TaskRef(APP, "Room1", f"Task{number}")))
        looks = await stores.looks.claim_due(limit=9, lease=LEASE)
        for number in (3, 1, 4, 0, 2):
            about = reading(ref=looks[number].watched.ref)
            await stores.conclude(look=looks[number], about=about)
            stores.clock.move(SECOND)

        async def claim() -> list[str]:
            deliveries = await stores.notices.claim_due(limit=3, lease=LEASE)
            readings = [delivery.notice.completion.reading for delivery in deliveries]
            return [each.task.ref.task for each in readings if each is not None]

        assert await claim() == ["Task3", "Task1", "Task4"]
        assert await claim() == ["Task0", "Task2"]

    async def test_does_not_begin_an_attempt(self, stores: Stores, told: Completion) -> None:
        del told
        await stores.claim_notice()
        assert (await stores.entry()).notice_state == NoticeState.PENDING
        stores.clock.move(LEASE)
        again = await stores.claim_notice()
        assert (again.is_doubtful, again.notice.attempts) == (False, 0)

    async def test_what_was_begun_is_doubtful(self, stores: Stores, told: Completion) -> None:
        del told
        await stores.begin()
        stores.clock.move(LEASE)
        again = await stores.claim_notice()
        assert (again.is_doubtful, again.notice.attempts) == (True, 1)

    async def test_not_what_is_settled(self, stores: Stores, told: Completion) -> None:
        del told
        await stores.deliver()
        stores.clock.move(MINUTE)
        assert await stores.claim_notices() == []


class TestOnePersonsNotices:
    """Are claimed one at a time, so that however many there are, nobody else waits behind them."""

    async def queue(self, stores: Stores, *, for_ann: int) -> None:
        """Ann's first, then Bob's and that of Ann's namesake in another workspace."""
        for number in range(for_ann):
            await stores.subscribe(ANN, reading(ref=TaskRef(APP, "Room1", f"Task{number}")))
        await stores.subscribe(BOB, reading(ref=TaskRef(APP, "Room2", "Task1")))
        await stores.subscribe(CAT, reading(ref=TaskRef(APP, "Room2", "Task2")))
        for look in await stores.looks.claim_due(limit=99, lease=LEASE):
            stores.clock.move(SECOND)
            await stores.conclude(look=look)

    async def test_leave_room_for_others(self, stores: Stores) -> None:
        await self.queue(stores, for_ann=20)
        deliveries = await stores.notices.claim_due(limit=3, lease=LEASE)
        assert [each.notice.person for each in deliveries] == [ANN, BOB, CAT]

    async def test_wait_for_the_one_that_is_held(self, stores: Stores) -> None:
        await self.queue(stores, for_ann=2)
        held, *_ = await stores.claim_notices()
        assert await stores.claim_notices() == []
        assert await stores.notices.begin(held, lease=LEASE)
        assert await stores.claim_notices() == []
        assert await stores.notices.mark_delivered(held, PLACE)
        assert (await stores.claim_notice()).notice.person == ANN

    async def test_do_not_wait_for_one_that_is_put_off(self, stores: Stores) -> None:
        await self.queue(stores, for_ann=2)
        first, *_ = await stores.claim_notices()
        await stores.notices.put_off(first, after=LEASE, reason="busy", is_doubtful=False)
        second = await stores.claim_notice()
        assert second.notice.person == ANN
        assert second.notice.key != first.notice.key

    async def test_come_one_after_the_other(self, stores: Stores) -> None:
        await self.queue(stores, for_ann=3)
        tasks = []
        for _ in range(3):
            delivery, *_ = await stores.claim_notices()
            assert delivery.notice.completion.reading is not None
            tasks.append(delivery.notice.completion.noticed_at)
            await stores.notices.give_up(delivery, "no")
        assert tasks == sorted(tasks)
        assert len(set(tasks)) == 3

    async def test_whose_lease_has_run_out_are_due_again(self, stores: Stores) -> None:
        await self.queue(stores, for_ann=2)
        first, *_ = await stores.claim_notices()
        stores.clock.move(LEASE)
        again, *_ = await stores.claim_notices()
        assert (again.notice.key, again.token) == (first.notice.key, first.token + 1)


class TestBeginning:
    async def test_counts_and_renews_the_lease(self, stores: Stores, told: Completion) -> None:
        del told
        delivery = await stores.claim_notice()
        stores.clock.move(LEASE - SECOND)
        assert await stores.notices.begin(delivery, lease=LEASE)
        assert (await stores.entry()).notice_state == NoticeState.SENDING
        stores.clock.move(LEASE - SECOND)
        assert await stores.claim_notices() == []
        stores.clock.move(SECOND)
        assert (await stores.claim_notice()).notice.attempts == 1

    async def test_a_second_time_is_a_second_attempt(self, stores: Stores, told: Completion) -> None:
        """As for a card that was refused and is posted as words."""
        del told
        delivery = await stores.begin()
        assert await stores.notices.begin(delivery, lease=LEASE)
        stores.clock.move(LEASE)
        assert (await stores.claim_notice()).notice.attempts == 2

    async def test_is_refused_once_the_lease_has_run_out(self, stores: Stores, told: Completion) -> None:
        del told
        delivery = await stores.claim_notice()
        stores.clock.move(LEASE)
        before = await stores.rows()
        assert not await stores.notices.begin(delivery, lease=LEASE)
        assert await stores.rows() == before

    async def test_is_refused_once_somebody_else_has_claimed(self, stores: Stores, told: Completion) -> None:
        del told
        delivery = await stores.claim_notice()
        stores.clock.move(LEASE)
        await stores.claim_notice()
        assert not await stores.notices.begin(delivery, lease=LEASE)

    async def test_is_refused_once_unsubscribed(self, stores: Stores, told: Completion) -> None:
        del told
        delivery = await stores.claim_notice()
        await stores.subscriptions.unsubscribe(REF, ANN)
        assert not await stores.notices.begin(delivery, lease=LEASE)

    async def test_is_refused_once_the_person_is_closed(self, stores: Stores, told: Completion) -> None:
        del told
        delivery = await stores.claim_notice()
        await stores.notices.close_person(ANN, "left")
        assert not await stores.notices.begin(delivery, lease=LEASE)

    @pytest.mark.parametrize("is_person", [True, False])
    async def test_is_refused_once_purged(self, stores: Stores, told: Completion, is_person: bool) -> None:
        del told
        delivery = await stores.claim_notice()
        await (stores.upkeep.purge_person(ANN) if is_person else stores.upkeep.purge_workspace(ANN.team_id))
        assert not await stores.notices.begin(delivery, lease=LEASE)

    async def test_is_refused_once_settled(self, stores: Stores, told: Completion) -> None:
        del told
        delivery = await stores.deliver()
        assert not await stores.notices.begin(delivery, lease=LEASE)


class TestDelivered:
    async def test_is_settled(self, stores: Stores, told: Completion) -> None:
        del told
        delivery = await stores.begin()
        stores.clock.move(SECOND)
        assert await stores.notices.mark_delivered(delivery, PLACE)
        entry = await stores.entry()
        assert (entry.notice_state, entry.settled_at) == (NoticeState.DELIVERED, NOON + SECOND)

    async def test_also_when_it_was_found_to_stand_there(self, stores: Stores, told: Completion) -> None:
        del told
        await stores.begin()
        stores.clock.move(LEASE)
        assert await stores.notices.mark_delivered(await stores.claim_notice(), PLACE)

    async def test_also_when_the_lease_ran_out_unnoticed(self, stores: Stores, told: Completion) -> None:
        del told
        delivery = await stores.begin()
        stores.clock.move(LEASE)
        assert await stores.notices.mark_delivered(delivery, PLACE)

    async def test_once(self, stores: Stores, told: Completion) -> None:
        del told
        delivery = await stores.deliver()
        assert not await stores.notices.mark_delivered(delivery, PLACE)
        assert not await stores.notices.give_up(delivery, "no")


class TestPuttingOff:
    @pytest.mark.parametrize("is_doubtful", [True, False])
    async def test_comes_again_later(self, stores: Stores, told: Completion, is_doubtful: bool) -> None:
        del told
        delivery = await stores.begin()
        assert await stores.notices.put_off(delivery, after=MINUTE, reason="busy", is_doubtful=is_doubtful)
        assert (await stores.entry()).reason == "busy"
        stores.clock.move(MINUTE - SECOND)
        assert await stores.claim_notices() == []
        stores.clock.move(SECOND)
        again = await stores.claim_notice()
        assert (again.is_doubtful, again.notice.attempts) == (is_doubtful, 1)

    async def test_stays_doubtful_from_attempt_to_attempt(self, stores: Stores, told: Completion) -> None:
        del told
        await stores.notices.put_off(await stores.begin(), after=timedelta(), reason=None, is_doubtful=True)
        await stores.notices.put_off(await stores.claim_notice(), after=timedelta(), reason=None, is_doubtful=True)
        assert (await stores.claim_notice()).is_doubtful

    async def test_ends_the_claim(self, stores: Stores, told: Completion) -> None:
        del told
        delivery = await stores.begin()
        assert await stores.notices.put_off(delivery, after=timedelta(), reason=None, is_doubtful=True)
        assert not await stores.notices.put_off(delivery, after=timedelta(), reason=None, is_doubtful=True)
        assert not await stores.notices.begin(delivery, lease=LEASE)


class TestGivingUp:
    async def test_is_settled_with_the_reason(self, stores: Stores, told: Completion) -> None:
        del told
        assert await stores.notices.give_up(await stores.begin(), "refused \ud800\0")
        entry = await stores.entry()
        assert (entry.notice_state, entry.reason, entry.settled_at) == (NoticeState.DEAD, "refused ?", NOON)
        stores.clock.move(MINUTE)
        assert await stores.claim_notices() == []


class TestReleasing:
    async def test_makes_due_as_before(self, stores: Stores, told: Completion) -> None:
        del told
        delivery = await stores.claim_notice()
        await stores.notices.release([delivery])
        again = await stores.claim_notice()
        assert (again.notice, again.is_doubtful) == (delivery.notice, False)
        assert again.token > delivery.token

    async def test_leaves_the_claims_of_others(self, stores: Stores, told: Completion) -> None:
        del told
        stale = await stores.claim_notice()
        stores.clock.move(LEASE)
        await stores.claim_notice()
        await stores.notices.release([stale])
        assert await stores.claim_notices() == []

    async def test_may_be_of_many_or_none(self, stores: Stores) -> None:
        for person in (ANN, BOB, CAT):
            await stores.subscribe(person)
        await stores.conclude()
        deliveries = await stores.claim_notices()
        await stores.notices.release([])
        await stores.notices.release(deliveries[:2])
        assert [each.notice.person for each in await stores.claim_notices()] == [ANN, BOB]

    async def test_is_not_of_what_was_begun(self, stores: Stores, told: Completion) -> None:
        """Its end is not known yet, and looking for it at once would prove nothing."""
        del told
        delivery = await stores.begin()
        before = await stores.rows()
        await stores.notices.release([delivery])
        assert await stores.rows() == before
        assert await stores.notices.mark_delivered(delivery, PLACE)

    async def test_of_a_doubtful_one_leaves_it_doubtful(self, stores: Stores, told: Completion) -> None:
        del told
        await stores.begin()
        stores.clock.move(LEASE)
        await stores.notices.release([await stores.claim_notice()])
        assert (await stores.claim_notice()).is_doubtful


class TestAStaleHolder:
    """Its lease ran out, and somebody else has claimed since."""

    @pytest.fixture
    async def stale(self, stores: Stores, told: Completion) -> ClaimedNotice:
        del told
        delivery = await stores.begin()
        stores.clock.move(LEASE)
        await stores.claim_notice()
        return delivery

    async def test_changes_nothing(self, stores: Stores, stale: ClaimedNotice) -> None:
        before = await stores.rows()
        assert not await stores.notices.begin(stale, lease=LEASE)
        assert not await stores.notices.mark_delivered(stale, PLACE)
        assert not await stores.notices.put_off(stale, after=MINUTE, reason=None, is_doubtful=False)
        assert not await stores.notices.give_up(stale, "no")
        await stores.notices.release([stale])
        assert await stores.rows() == before


class TestClosingAPerson:
    async def test_gives_up_all_that_is_queued(self, stores: Stores) -> None:
        for ref in (REF, OTHER_REF):
            await stores.subscribe(ANN, reading(ref=ref))
        await stores.subscribe(BOB)
        for look in await stores.looks.claim_due(limit=9, lease=LEASE):
            await stores.conclude(look=look)
        assert await stores.notices.close_person(ANN, "left") == 2
        assert (await stores.claim_notice()).notice.person == BOB
        entries = await stores.subscriptions.entries(ANN, limit=9)
        assert [(entry.notice_state, entry.reason) for entry in entries] == [(NoticeState.DEAD, "left")] * 2

    async def test_gives_up_what_is_on_its_way(self, stores: Stores, told: Completion) -> None:
        del told
        delivery = await stores.begin()
        assert await stores.notices.close_person(ANN, "left") == 1
        assert not await stores.notices.mark_delivered(delivery, PLACE)

    async def test_gives_up_late_files_with_their_end(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.conclude(phase=Phase.AWAITING_FILES)
        await stores.conclude(Occasion.FILES, about=HAS_FILES)
        assert await stores.notices.close_person(ANN, "left") == 1
        assert await stores.claim_notices() == []
        assert (await stores.entry(ANN)).notice_state == NoticeState.DEAD

    async def test_ends_subscriptions(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.subscribe(BOB)
        assert await stores.notices.close_person(ANN, "left") == 1
        assert not await stores.subscriptions.is_subscribed(RUNS.task, ANN)
        await stores.conclude()
        assert (await stores.claim_notice()).notice.person == BOB
        assert await stores.notices.close_person(ANN, "left") == 0

    async def test_ends_the_looks_that_nobody_waits_for(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        look = await stores.claim_look()
        await stores.notices.close_person(ANN, "left")
        stores.clock.move(MINUTE)
        assert await stores.looks.claim_due(limit=9, lease=LEASE) == []
        ended = Completion(Occasion.ENDED, NOON, IS_OVER)
        assert not await stores.looks.conclude(look, ended, phase=Phase.CLOSED, next_look=timedelta())

    async def test_leaves_what_is_done(self, stores: Stores, told: Completion) -> None:
        del told
        await stores.deliver()
        assert await stores.notices.close_person(ANN, "left") == 0
        entry = await stores.entry(ANN)
        assert (entry.notice_state, entry.reason) == (NoticeState.DELIVERED, None)

    async def test_waives_late_files_after_a_delivered_end(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.conclude(phase=Phase.AWAITING_FILES)
        await stores.deliver()
        assert await stores.notices.close_person(ANN, "left") == 1
        assert await stores.looks.claim_due(limit=9, lease=LEASE) == []
        assert (await stores.entry(ANN)).notice_state == NoticeState.DELIVERED

    async def test_is_about_one_workspace(self, stores: Stores) -> None:
        await stores.subscribe(ANN)
        await stores.subscribe(CAT)
        assert await stores.notices.close_person(ANN, "left") == 1
        assert await stores.subscriptions.is_subscribed(RUNS.task, CAT)
