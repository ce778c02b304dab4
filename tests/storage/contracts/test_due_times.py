"""What a clock that was wrong has set too far ahead comes back within what it may be; the rest stays as it is."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot.app.wiring.notices import LoopConfig
from bot.notices.completion import Completion, Occasion
from bot.notices.store import Farthest
from bot.notices.subscription import Phase
from bot.slack.errors import pause_of
from bot.storage.tables import notices, watched_tasks
from testing.databases import empty
from testing.stores import BOB, DAY, IS_OVER, LEASE, MINUTE, Stores

HOUR = timedelta(hours=1)
FARTHEST = Farthest(look=5 * MINUTE, notice=HOUR, lease=LEASE)


async def test_the_stores_clock_is_told(stores: Stores) -> None:
    assert await stores.due_times.moment() == stores.clock()


@pytest.mark.parametrize("ahead", [10 * MINUTE, HOUR, 200 * DAY])
async def test_a_look_that_was_set_by_a_clock_ahead_is_due(stores: Stores, ahead: timedelta) -> None:
    stores.clock.move(ahead)
    await stores.subscribe()
    look = await stores.claim_look()
    await stores.looks.note_failure(look, "RTC is away.", next_look=MINUTE)
    stores.clock.move(-ahead)
    assert await stores.looks.claim_due(limit=9, lease=LEASE) == []
    assert await stores.due_times.pull_in(FARTHEST) == 1
    await stores.claim_look()


async def test_a_claim_that_a_clock_ahead_has_made_ends(stores: Stores) -> None:
    stores.clock.move(HOUR)
    await stores.subscribe()
    look = await stores.claim_look()
    stores.clock.move(-HOUR)
    assert await stores.due_times.pull_in(FARTHEST) == 2  # what is due, and the lease
    assert await stores.due_times.pull_in(FARTHEST) == 0
    stores.clock.move(LEASE)
    again = await stores.claim_look()
    assert again.token > look.token


async def test_a_notice_that_was_queued_in_the_future_is_due(stores: Stores) -> None:
    stores.clock.move(10 * MINUTE)
    await stores.subscribe()
    await stores.conclude()
    stores.clock.move(-10 * MINUTE)
    assert await stores.claim_notices() == []
    assert await stores.due_times.pull_in(FARTHEST) == 1
    await stores.deliver()


async def test_a_notice_that_is_being_sent_stays_with_its_holder_for_a_lease(stores: Stores) -> None:
    stores.clock.move(HOUR)
    await stores.subscribe()
    await stores.conclude()
    await stores.begin()
    stores.clock.move(-HOUR)
    for _ in range(2):
        await stores.due_times.pull_in(FARTHEST)
    assert await stores.claim_notices() == []
    stores.clock.move(LEASE)
    assert (await stores.claim_notice()).is_doubtful


async def test_what_slack_asks_to_wait_is_kept_to(stores: Stores) -> None:
    await stores.subscribe()
    await stores.conclude()
    delivery = await stores.claim_notice()
    pause = pause_of({"Retry-After": "999999999"})
    assert pause is not None
    await stores.notices.put_off(delivery, after=pause, reason="Slack asks for a pause", is_doubtful=False)
    assert await stores.due_times.pull_in(LoopConfig(MINUTE, DAY).farthest) == 0


async def test_what_is_due_in_time_is_left_alone(stores: Stores) -> None:
    await stores.subscribe()
    await stores.subscribe(BOB)
    look = await stores.claim_look()
    assert await stores.looks.note_failure(look, "RTC is away.", next_look=4 * MINUTE)
    before = await stores.rows()
    assert await stores.due_times.pull_in(FARTHEST) == 0
    assert await stores.rows() == before
    stores.clock.move(4 * MINUTE)
    await stores.conclude()
    delivery, _ = await stores.claim_notices()
    await stores.notices.put_off(delivery, after=50 * MINUTE, reason="Slack is away.", is_doubtful=False)
    before = await stores.rows()
    assert await stores.due_times.pull_in(FARTHEST) == 0
    assert await stores.rows() == before


LOOKS, DELIVERIES = ["look", "fail", "conclude"], ["claim", "begin", "put_off"]
STEPS = st.lists(
    st.tuples(st.sampled_from(LOOKS + DELIVERIES), st.timedeltas(-300 * DAY, 300 * DAY)),
    max_size=8,
)


@settings(
    max_examples=max(1, settings().max_examples // 8), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STEPS)
async def test_wherever_the_clock_jumps_nothing_is_held_up_for_long(
    stores: Stores, steps: list[tuple[str, timedelta]]
) -> None:
    await empty(stores, stores.clock)
    await stores.subscribe()
    for step, jump in steps:
        await (_look(stores, step) if step in LOOKS else _deliver(stores, step))
        stores.clock.move(jump)
    for _ in range(3):  # each may show what the one before has brought near
        await stores.due_times.pull_in(FARTHEST)
    for table, due_at in ((watched_tasks, "next_look_at"), (notices, "due_at")):
        async with stores.database.reading() as connection:
            rows = (await connection.execute(select(table.c[due_at], table.c.lease_until))).all()
        for due, lease_until in rows:
            assert due <= stores.clock() + HOUR
            assert due > stores.clock() or lease_until <= stores.clock() + 2 * LEASE


async def _look(stores: Stores, step: str) -> None:
    for look in await stores.looks.claim_due(limit=9, lease=LEASE):
        if step == "fail":
            await stores.looks.note_failure(look, "RTC is away.", next_look=MINUTE)
        elif step == "conclude":
            completion = Completion(Occasion.ENDED, stores.clock(), IS_OVER)
            await stores.looks.conclude(look, completion, phase=Phase.AWAITING_FILES, next_look=MINUTE)


async def _deliver(stores: Stores, step: str) -> None:
    for delivery in await stores.claim_notices():
        if step == "begin":
            await stores.notices.begin(delivery, lease=LEASE)
        elif step == "put_off":
            await stores.notices.put_off(delivery, after=MINUTE, reason="Later.", is_doubtful=True)
