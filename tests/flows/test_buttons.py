"""Refresh, More and Share pressed in Slack, by whom they may be and by whom not."""

import json

import pytest

from bot.playground.slack.world import (
    C_ONCALL,
    C_OUTSIDE,
    C_SHARED,
    T_OTHER,
    U_ANA,
    U_BEN,
    U_GRID,
    U_STRANGER,
)
from bot.playground.volcengine.scenes import task
from testing.conversation import START, card_in, nothing_amiss, typed, words_of
from testing.harness import Office
from tests.flows.test_look_up import FOR_OPERATORS


async def test_refresh_replaces_the_card(office: Office) -> None:
    office.rtc.answers["mine"] = task(status=2, start=START)
    card = await typed(office, "mine Task1")
    assert "Running" in card.text
    office.rtc.answers["mine"] = task(status=3, start=START, end=START + 60_000, reason="StopByAPI")
    outcome = await office.slack.press(card, "rectask.refresh", user=U_ANA)
    assert outcome.acked
    await office.slack.wait_for(lambda: card.edited)
    assert "Ended after 1 min" in card.text
    assert nothing_amiss(office.slack)


async def test_more_opens_the_files_in_pages_and_the_raw_answer(office: Office) -> None:
    card = await typed(office, "many-files Task1")
    assert "more files" in words_of(card)
    await office.slack.press(card, "rectask.files", user=U_ANA)
    await office.slack.wait_for(lambda: office.slack.world.modals_of(U_ANA))
    view = office.slack.view_for(U_ANA)
    await office.slack.wait_for(lambda: "page 1 of 50" in json.dumps(view.content))
    await office.slack.press(view, "rectask.files.next", user=U_ANA)
    await office.slack.wait_for(lambda: "page 2 of 50" in json.dumps(view.content))
    await office.slack.press(view, "rectask.files.previous", user=U_ANA)
    await office.slack.wait_for(lambda: "page 1 of 50" in json.dumps(view.content))
    await office.slack.press(view, "rectask.raw", user=U_ANA)
    await office.slack.wait_for(lambda: "rich_text_preformatted" in json.dumps(view.content))
    assert "RequestId" in json.dumps(view.content)
    assert nothing_amiss(office.slack)


async def test_share_posts_the_card_and_says_who_shared_it(office: Office) -> None:
    card = await card_in(office, C_ONCALL)
    await office.slack.press(card, "rectask.share", user=U_ANA)
    shared = await office.slack.next_message(user=U_BEN, channel=C_ONCALL)
    assert shared.ephemeral_to is None
    assert f"Shared by <@{U_ANA}>" in words_of(shared)
    assert "rectask.share" not in words_of(shared)
    assert nothing_amiss(office.slack)


async def test_a_shared_card_is_refreshed_for_everybody(office: Office) -> None:
    office.rtc.answers["mine"] = task(status=2, start=START)
    await office.slack.press(await card_in(office, C_ONCALL, "mine Task1"), "rectask.share", user=U_ANA)
    shared = await office.slack.next_message(user=U_BEN, channel=C_ONCALL)
    office.rtc.answers["mine"] = task(status=3, start=START, end=START + 60_000, reason="StopByAPI")
    await office.slack.press(shared, "rectask.refresh", user=U_BEN)
    await office.slack.wait_for(lambda: shared.edited)
    assert "Ended after 1 min" in shared.text
    assert f"Shared by <@{U_ANA}>" in words_of(shared)
    assert nothing_amiss(office.slack)


@pytest.mark.parametrize(
    "fault",
    [
        *("reset", "LackPolicy"),
        *(
            pytest.param(each, marks=pytest.mark.slow)
            for each in ("bad-gateway", "InvalidAccessKey", "ServiceNotFound")
        ),
    ],
)
async def test_nothing_for_operators_is_posted_into_a_channel(office: Office, fault: str) -> None:
    """Share and Refresh, with and without a last known answer, in the channel and for one person alone."""
    office.rtc.answers["mine"] = task(status=2, start=START)
    card = await card_in(office, C_ONCALL, "mine Task1")
    await office.slack.press(card, "rectask.share", user=U_ANA)
    shared = await office.slack.next_message(user=U_BEN, channel=C_ONCALL)
    office.rtc.fail_with(fault)
    await office.slack.press(shared, "rectask.refresh", user=U_BEN)
    await office.slack.wait_for(lambda: shared.edited)
    await office.slack.press(card, "rectask.files", user=U_ANA)
    await card_in(office, C_ONCALL, "other Task1")
    for message in office.slack.messages:
        assert not FOR_OPERATORS.search(message.text + words_of(message))
    assert nothing_amiss(office.slack)


async def test_share_where_the_bot_is_not(office: Office) -> None:
    card = await card_in(office, C_OUTSIDE)
    await office.slack.press(card, "rectask.share", user=U_ANA)
    told = await office.slack.next_message(user=U_ANA, channel=C_OUTSIDE)
    assert "Invite me first" in words_of(told)
    assert told.ephemeral_to == U_ANA


async def test_share_with_another_organisation_asks_once_more(office: Office) -> None:
    card = await card_in(office, C_SHARED)
    await office.slack.press(card, "rectask.share", user=U_ANA)
    asked = await office.slack.next_message(user=U_ANA, channel=C_SHARED)
    assert "Share outside your organization?" in words_of(asked)
    assert asked.ephemeral_to == U_ANA
    await office.slack.press(asked, "rectask.share", user=U_ANA)
    shared = await office.slack.next_message(user=U_STRANGER, channel=C_SHARED)
    assert shared.ephemeral_to is None
    await office.slack.wait_for(lambda: asked.edited)
    assert "The card is in the channel" in words_of(asked)
    assert nothing_amiss(office.slack)


async def test_the_second_question_can_be_cancelled_and_names_nobody_by_an_id(office: Office) -> None:
    card = await card_in(office, C_SHARED)
    await office.slack.press(card, "rectask.share", user=U_ANA)
    asked = await office.slack.next_message(user=U_ANA, channel=C_SHARED)
    assert "is shared with another organization" in words_of(asked)
    assert T_OTHER not in words_of(asked)
    assert '"style": "danger"' not in words_of(asked)
    await office.slack.press(asked, "rectask.cancel", user=U_ANA)
    await office.slack.wait_for(lambda: asked.edited)
    assert "Nothing was posted" in words_of(asked)
    assert not [message for message in office.slack.messages if message.ephemeral_to is None]
    assert nothing_amiss(office.slack)


@pytest.mark.parametrize("action", ["rectask.refresh", "rectask.files"])
async def test_people_of_other_organisations_are_told_nothing(office: Office, action: str) -> None:
    card = await card_in(office, C_SHARED)
    await office.slack.press(card, "rectask.share", user=U_ANA)
    asked = await office.slack.next_message(user=U_ANA, channel=C_SHARED)
    await office.slack.press(asked, "rectask.share", user=U_ANA)
    shared = await office.slack.next_message(user=U_STRANGER, channel=C_SHARED)
    asked_rtc = len(office.rtc.received)
    outcome = await office.slack.press(shared, action, user=U_STRANGER)
    assert outcome.acked
    told = await office.slack.next_message(user=U_STRANGER, channel=C_SHARED)
    assert told.ephemeral_to == U_STRANGER
    assert "This is for another organization" in words_of(told)
    assert not shared.edited
    assert len(office.rtc.received) == asked_rtc


async def test_the_same_enterprise_is_ones_own(office: Office) -> None:
    card = await card_in(office, C_ONCALL)
    await office.slack.press(card, "rectask.share", user=U_ANA)
    shared = await office.slack.next_message(user=U_GRID, channel=C_ONCALL)
    await office.slack.press(shared, "rectask.refresh", user=U_GRID)
    await office.slack.wait_for(lambda: shared.edited)
    assert "Ended after" in shared.text


async def test_a_button_that_was_tampered_with(office: Office) -> None:
    card = await card_in(office, C_ONCALL)
    value = '{"a":"prod","r":"../..","t":"x"}'
    outcome = await office.slack.press(card, "rectask.refresh", user=U_ANA, value=value)
    assert outcome.acked
    told = await office.slack.next_message(user=U_ANA)
    assert "That button cannot be used" in words_of(told)


async def test_an_action_of_another_time(office: Office) -> None:
    card = await card_in(office, C_ONCALL)
    card.blocks[-1]["elements"][0]["action_id"] = "rectask.bygone"
    outcome = await office.slack.press(card, "rectask.bygone", user=U_ANA)
    assert outcome.acked
    assert "That button cannot be used" in words_of(await office.slack.next_message(user=U_ANA))
