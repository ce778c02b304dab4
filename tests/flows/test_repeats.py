"""What Slack, or somebody who recorded it, sends again: it is acknowledged, and nothing happens a second time."""

from collections import Counter
from contextlib import AsyncExitStack

import pytest

from bot.playground.slack.server import FakeSlack
from bot.playground.slack.world import C_ONCALL, U_ANA, U_BEN, Message
from bot.playground.volcengine.scenes import task
from testing.conversation import is_sign, next_answer, until_ready
from testing.file_links_harness import open_linked_office
from testing.harness import BRIEF, Office, open_office, serving, settings_for

START = 1_795_000_000_000


async def card_of(office: Office, text: str) -> Message:
    await office.slack.command(text, user=U_ANA, channel=C_ONCALL)
    return await next_answer(office.slack, user=U_ANA, channel=C_ONCALL)


async def posted_after(office: Office, card: Message, action: str) -> list[Message]:
    """What is new once the press, and its two repetitions, are over and done with."""
    before = len(office.slack.messages)
    office.slack.repeats = 2
    assert (await office.slack.press(card, action, user=U_ANA)).acked
    assert [outcome.acked for outcome in office.slack.repeated] == [True, True]
    await office.end()
    return [message for message in office.slack.messages[before:] if not is_sign(message)]


async def test_a_share_is_posted_once(office: Office) -> None:
    (shared,) = await posted_after(office, await card_of(office, "Room1 Task1"), "rectask.share")
    assert shared.ephemeral_to is None


async def test_another_press_of_the_same_button_is_another_request(office: Office) -> None:
    card = await card_of(office, "Room1 Task1")
    for _ in range(2):
        await office.slack.press(card, "rectask.share", user=U_ANA)
        assert (await office.slack.next_message(user=U_BEN, channel=C_ONCALL)).ephemeral_to is None


async def test_a_subscription_is_answered_once(office: Office) -> None:
    office.rtc.answers["mine"] = task(status=2, start=START)
    card = await card_of(office, "mine Task1")
    await office.slack.press(card, "rectask.share", user=U_ANA)
    shared = await office.slack.next_message(user=U_BEN, channel=C_ONCALL)
    (answer,) = await posted_after(office, shared, "rectask.subscribe")
    assert answer.ephemeral_to == U_ANA


@pytest.mark.parametrize("text", ["watch running Task1", "unwatch running Task1"])
async def test_a_command_that_changes_something_is_answered_once(office: Office, text: str) -> None:
    office.slack.repeats = 2
    first = await office.slack.command(text, user=U_ANA, channel=C_ONCALL)
    assert first.body
    assert [(outcome.acked, outcome.body) for outcome in office.slack.repeated] == [(True, None)] * 2


@pytest.mark.parametrize("text", ["Room1 Task1", "help", "list"])
async def test_a_look_up_is_answered_each_time_for_only_its_asker_sees_it(office: Office, text: str) -> None:
    office.slack.repeats = 1
    assert (await office.slack.command(text, user=U_ANA, channel=C_ONCALL)).body
    assert office.slack.repeated[0].body


async def test_a_shared_card_is_refreshed_once(office: Office) -> None:
    await office.slack.press(await card_of(office, "running Task1"), "rectask.share", user=U_ANA)
    shared = await office.slack.next_message(user=U_BEN, channel=C_ONCALL)
    asked = len(office.rtc.received)
    await posted_after(office, shared, "rectask.refresh")
    assert len(office.rtc.received) == asked + 1


async def test_more_opens_once(office: Office) -> None:
    card = await card_of(office, "many-files Task1")
    assert await posted_after(office, card, "rectask.files") == []
    assert Counter(call.method for call in office.slack.calls)["views.open"] == 1


async def test_any_replica_knows_what_another_one_has_done() -> None:
    slack = FakeSlack()
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(open_office(door="http", slack=slack))
        settings = settings_for(one.rtc, slack, door="http", folder=one.folder)
        two = await stack.enter_async_context(serving(settings, one.rtc, slack, BRIEF, one.folder))
        for office in (one, two):
            await until_ready(office)
        slack.balance([f"{each.url}/slack/events" for each in (one, two)])
        card = await card_of(one, "Room1 Task1")
        before = len(slack.messages)
        slack.repeats = 5
        await slack.press(card, "rectask.share", user=U_ANA)
        await one.end()
        await two.end()
        assert len(slack.messages) == before + 1


async def test_links_are_given_once() -> None:
    async with open_linked_office() as linked:
        shared = await linked.shared("stopped-by-api Task1")
        (links,) = await posted_after(linked.office, shared, "rectask.links")
        assert links.ephemeral_to == U_ANA
