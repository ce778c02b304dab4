"""Whatever Slack answers: nothing is lost, one message each, or closed with the reason shown in the list."""

import asyncio
import collections
import itertools
from datetime import timedelta
from typing import Any

import pytest
from structlog.typing import EventDict

from bot.notices.person import Person
from bot.playground.slack.world import T_HOME, U_ANA, U_BEN
from bot.slack.cards.subscription_list import list_card
from testing.lifetimes import INTERVAL, PAST_ALL_LEASES, Works

ROOM = "answers"
DELIVERED = (1, "delivered", None)


@pytest.fixture
def url(sqlite_url: str) -> str:
    """What Slack answers has nothing to do with the kind of database."""
    return sqlite_url


async def ended(works: Works, room: str = ROOM) -> None:
    """Subscribed to, and at its end."""
    works.runs(room)
    await works.subscribe(room)
    works.ends(room)
    works.clock.move(INTERVAL)


async def outcome(works: Works, room: str = ROOM) -> tuple[int, str | None, str | None]:
    """How many messages there are, the state of the notice, and its reason."""
    (entry,) = [entry for entry in await works.entries() if entry.watched.ref.room == room]
    return len(works.messages(room)), entry.notice_state, entry.reason


def slow(*rows: tuple[str, ...]) -> list[Any]:
    """Not every day: the same ways as the others' (`bot/slack/errors.py`), under other names."""
    return [pytest.param(*row, marks=pytest.mark.slow) for row in rows]


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("users.info", "ratelimited"),
        ("users.info", "token_revoked"),
        ("users.info", "reset_after"),
        ("chat.postMessage", "ratelimited"),
        ("chat.postMessage", "500_after"),
        ("chat.postMessage", "reset_before"),
        ("chat.postMessage", "internal_error"),
        ("chat.postMessage", "a_code_of_tomorrow"),
        *slow(
            ("users.info", "500_before"),
            ("users.info", "timeout_after"),
            ("users.info", "fatal_error"),
            ("users.info", "a_code_of_tomorrow"),
            ("users.info", "missing_scope"),
            ("chat.postMessage", "500_before"),
            ("chat.postMessage", "503_before"),
            ("chat.postMessage", "reset_after"),
            ("chat.postMessage", "timeout_after"),
            ("chat.postMessage", "timeout_before"),
            ("chat.postMessage", "fatal_error"),
            ("chat.postMessage", "request_timeout"),
            ("chat.postMessage", "service_unavailable"),
            ("chat.postMessage", "missing_scope"),
            ("chat.postMessage", "token_revoked"),
        ),
    ],
)
async def test_what_passes_is_waited_out(works: Works, method: str, kind: str) -> None:
    await ended(works)
    works.slack.fault(method, kind, times=2, retry_after=7, seconds=3.0)
    await works.until_quiet()
    assert await outcome(works) == DELIVERED


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("users.info", "lacking:user"),
        ("chat.postMessage", "lacking:ts"),
        ("conversations.open", "null:channel.id"),
        ("conversations.history", "odd:has_more"),
        *slow(
            ("users.info", "null:user.deleted"),
            ("users.info", "odd:user.is_restricted"),
            ("chat.postMessage", "null:channel"),
            ("conversations.open", "lacking:channel"),
            ("conversations.history", "lacking:messages"),
            ("conversations.history", "null:messages"),
        ),
    ],
)
async def test_an_answer_that_lacks_something_ends_nothing(
    works: Works, method: str, kind: str, logged: list[EventDict]
) -> None:
    """Whatever is looked for is looked for because a first post is in doubt."""
    works.runs("another")
    await works.subscribe("another")
    await ended(works)
    if method.startswith("conversations."):
        works.slack.fault("chat.postMessage", "reset_after")
    works.slack.fault(method, kind)
    await works.until_quiet()
    assert await outcome(works) == DELIVERED
    (other,) = [entry for entry in await works.entries() if entry.watched.ref.room == "another"]
    assert (other.reason, other.has_left, other.notice_state) == (None, False, None)
    assert len([event for event in logged if event["event"] == "slack_answer.refused"]) == 1


async def test_slack_decides_how_long_to_wait_and_nobody_sleeps_for_it(works: Works) -> None:
    await ended(works)
    works.slack.fault("chat.postMessage", "ratelimited", retry_after=100)
    async with works.life() as life:
        await life.go_round()
        assert await outcome(works) == (0, "pending", "Slack asks for a pause")
        works.clock.move(INTERVAL * 3)
        await life.go_round()
        assert (await outcome(works))[0] == 0
        works.clock.move(INTERVAL)
        await life.go_round()
    assert await outcome(works) == DELIVERED


@pytest.mark.parametrize("error", ["invalid_blocks", *slow(("msg_blocks_too_long",), ("metadata_too_large",))])
async def test_a_card_that_is_refused_is_sent_in_words(works: Works, error: str) -> None:
    await ended(works)
    works.slack.fault("chat.postMessage", error)
    await works.until_quiet()
    assert await outcome(works) == DELIVERED
    (message,) = works.messages(ROOM)
    assert message.blocks == []
    assert ": Ended after 10 min" in message.text


async def test_words_that_are_refused_too_are_given_up_with_the_reason(works: Works) -> None:
    await ended(works)
    works.slack.fault("chat.postMessage", "invalid_blocks", times=2)
    await works.until_quiet()
    messages, state, reason = await outcome(works)
    assert (messages, state) == (0, "dead")
    assert reason == "Slack refuses the message (invalid_blocks)"
    listed = str(list_card(await works.entries(), now=works.clock()).blocks)
    assert "Slack refuses the message (invalid_blocks)" in listed


async def test_a_token_that_is_revoked_and_then_healed(works: Works, logged: list[EventDict]) -> None:
    await ended(works)
    works.slack.revoke_token()
    await works.until_quiet()
    assert (await outcome(works))[:2] == (0, "pending")
    was_well = works.health.is_well
    works.slack.restore_token()
    await works.until_quiet()
    assert await outcome(works) == DELIVERED
    assert (was_well, works.health.is_well) == (False, True)
    said = [entry["event"] for entry in logged if entry["event"].startswith("slack_token.")]
    assert said == ["slack_token.refused", "slack_token.recovered"]


async def test_somebody_who_was_deactivated(works: Works) -> None:
    await ended(works)
    works.runs("other")
    await works.subscribe("other")
    works.slack.people[U_ANA].deleted = True
    await works.until_quiet()
    assert await outcome(works) == (0, "dead", "This person's account is deactivated")
    assert await outcome(works, "other") == (0, None, "This person's account is deactivated")


async def test_what_nobody_foresaw_is_given_up_after_three_days_with_the_reason(works: Works) -> None:
    await ended(works)
    works.slack.fault("chat.postMessage", "a_code_of_tomorrow", times=None)
    async with works.life() as life:
        for _ in range(40):
            await life.go_round()
            works.clock.move(timedelta(hours=2))
    messages, state, reason = await outcome(works)
    assert (messages, state) == (0, "dead")
    assert "a_code_of_tomorrow" in (reason or "")
    assert sum(call.method == "chat.postMessage" for call in works.slack.calls) < 100


async def test_whatever_has_kept_it_for_days_a_pause_that_slack_asks_for_is_waited_out(works: Works) -> None:
    await ended(works)
    works.clock.move(timedelta(days=4))
    works.slack.fault("chat.postMessage", "a_code_of_tomorrow")
    works.slack.fault("chat.postMessage", "ratelimited", retry_after=7)
    await works.until_quiet()
    assert await outcome(works) == DELIVERED


async def test_one_person_whom_slack_can_not_tell_of_holds_nobody_up(works: Works, logged: list[EventDict]) -> None:
    works.runs("bad")
    await works.subscribe("bad", Person(T_HOME, U_BEN))
    works.ends("bad")
    works.clock.move(INTERVAL)
    works.slack.fault("users.info", "500_before", times=5)
    async with works.life() as life:
        await life.go_round()
        await ended(works)
        await life.watcher.rounds.round()
        works.slack.heal()
        await life.deliverer.rounds.round()
    assert (await outcome(works))[1] == "delivered"
    assert not [entry for entry in logged if entry["event"] == "outage.began"]


async def test_a_deploy_in_the_middle_of_a_post_leaves_it_to_its_lease(works: Works) -> None:
    await ended(works)
    works.slack.fault("chat.postMessage", "slow_after", seconds=0.5)
    async with works.life() as life:
        await life.watcher.rounds.round()
        posting = asyncio.create_task(life.deliverer.rounds.round())
        await works.slack.wait_for(lambda: works.messages(ROOM))
        await life.deliverer.rounds.cut_short()
        await posting
        assert await life.stores.notices.claim_due(limit=9, lease=INTERVAL) == []
    works.clock.move(PAST_ALL_LEASES)
    await works.until_quiet()
    assert await outcome(works) == DELIVERED


async def test_an_hour_of_errors_is_told_in_few_lines(works: Works, logged: list[EventDict]) -> None:
    rooms = [f"r{number}" for number in range(3)]
    for room in rooms:
        await ended(works, room)
    works.slack.fault("chat.postMessage", "500_before", times=None)
    async with works.life() as life:
        for _ in range(20):
            await life.go_round()
            works.clock.move(INTERVAL * 6)
        works.slack.heal()
        for _ in range(6):
            await life.go_round()
            works.clock.move(INTERVAL)
    assert [await outcome(works, room) for room in rooms] == [DELIVERED] * 3
    said = collections.Counter(entry["event"] for entry in logged)
    assert (said["notice.doubtful"], said["outage.began"], said["outage.ended"]) == (3, 1, 1)


async def test_an_inactive_account_is_the_persons_where_the_bots_own_is_well(works: Works) -> None:
    await ended(works)
    works.slack.fault("chat.postMessage", "account_inactive")
    await works.until_quiet()
    messages, state, reason = await outcome(works)
    assert (messages, state) == (0, "dead")
    assert reason == "This person's account is deactivated (account_inactive)"
    assert works.health.is_well


async def test_slack_out_of_reach_is_one_line_in_the_log_and_everything_comes_afterwards(
    works: Works, logged: list[EventDict]
) -> None:
    rooms = [f"r{number}" for number in range(5)]
    for room in rooms:
        await ended(works, room)
    await works.slack.close_door()
    async with works.life() as life:
        for _ in range(20):
            await life.go_round()
            works.clock.move(INTERVAL)
        await works.slack.open_door()
        for _ in range(10):
            await life.go_round()
            works.clock.move(INTERVAL)
    assert [await outcome(works, room) for room in rooms] == [DELIVERED] * 5
    said = [entry["event"] for entry in logged if entry["event"].startswith("outage.")]
    assert said == ["outage.began", "outage.ended"]


async def test_a_holder_that_stood_still_changes_nothing_and_sends_nothing(works: Works) -> None:
    await ended(works)
    async with works.life() as stale, works.life() as other:
        await stale.watcher.rounds.round()
        (delivery,) = await stale.stores.notices.claim_due(limit=9, lease=INTERVAL)
        works.clock.move(PAST_ALL_LEASES)
        await other.go_round()
        assert await outcome(works) == DELIVERED
        await stale.deliverer._handle(delivery)  # noqa: SLF001  # it goes on where it stood
        assert not await stale.stores.notices.put_off(delivery, after=INTERVAL, reason="stale", is_doubtful=True)
        assert not await stale.stores.notices.give_up(delivery, "stale")
    assert await outcome(works) == DELIVERED


async def test_many_notices_to_one_person_come_one_by_one(works: Works) -> None:
    rooms = [f"r{number}" for number in range(4)]
    for room in rooms:
        await ended(works, room)
    works.slack.limits = True
    async with works.life() as life:
        for _ in range(30):
            await life.go_round()
            works.clock.move(INTERVAL / 60)
    assert [await outcome(works, room) for room in rooms] == [DELIVERED] * 4
    answers = [call.answer for call in works.slack.calls if call.method == "chat.postMessage"]
    assert len(answers) == 4
    times = sorted(float(message.ts) for room in rooms for message in works.messages(room))
    assert all(later - earlier > 0.99 for earlier, later in itertools.pairwise(times))
