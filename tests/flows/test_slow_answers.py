"""While RTC or Slack takes its time: what people see meanwhile, and that it is one answer in the end."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.playground.slack.world import C_ONCALL, U_ANA, U_BEN, Message
from bot.playground.volcengine.rtc import FakeRtc
from bot.playground.volcengine.scenes import task
from bot.slack.limits import URL_USES, Limits
from testing.conversation import nothing_amiss, words_of
from testing.fragile_office import Bureau, open_bureau

BRISK = Limits(first_sign=0.15, call=1.0, tell=0.5, pauses=(0.01, 0.02), silent_pause=0.2)
START = 1_795_000_000_000


@pytest.fixture
async def bureau(fake_rtc: FakeRtc, tmp_path: Path) -> AsyncIterator[Bureau]:
    async with open_bureau(fake_rtc, tmp_path, limits=BRISK) as opened:
        yield opened


async def answer_to(bureau: Bureau, text: str) -> Message:
    """Whatever signs come before it on a machine that is slow itself."""
    message = await look_up(bureau, text)
    while " … " in message.text:
        message = await bureau.slack.next_message(user=U_ANA)
    return message


async def look_up(bureau: Bureau, text: str) -> Message:
    await bureau.slack.command(text, user=U_ANA, channel=C_ONCALL)
    return await bureau.slack.next_message(user=U_ANA)


async def test_a_command_says_at_once_what_it_waits_for(bureau: Bureau) -> None:
    await answer_to(bureau, "help")
    sign = await look_up(bureau, "slow Task1")
    assert sign.text == "Asking RTC about room slow, task Task1 … The answer follows here."
    answer = await bureau.slack.next_message(user=U_ANA)
    assert "rectask.refresh" in words_of(answer)
    assert nothing_amiss(bureau.slack)


async def test_a_refreshed_card_says_that_it_is_asked_about_and_keeps_what_was_known(bureau: Bureau) -> None:
    bureau.rtc.answers["mine"] = task(status=2, start=START)
    card = await answer_to(bureau, "mine Task1")
    bureau.rtc.delay = 0.4
    await bureau.slack.press(card, "rectask.refresh", user=U_ANA)
    await bureau.slack.wait_for(lambda: card.edited == 1)
    assert "Asking RTC about `mine` / `Task1` …" in words_of(card)
    assert "Running" in words_of(card)
    await bureau.slack.wait_for(lambda: card.edited == 2)
    assert "Asking RTC" not in words_of(card)
    assert nothing_amiss(bureau.slack)


async def test_an_answer_that_never_gets_through_uses_the_address_no_more_than_five_times(bureau: Bureau) -> None:
    bureau.slack.fault("response_url", "reset_after", times=None)
    await look_up(bureau, "slow Task1")
    await bureau.slack.wait_for(lambda: any(call.method == "chat.postEphemeral" for call in bureau.slack.calls))
    seen = [message for message in bureau.slack.visible_to(U_ANA) if "rectask.refresh" in words_of(message)]
    assert 1 <= len(seen) <= URL_USES
    assert nothing_amiss(bureau.slack)


@pytest.mark.parametrize("seconds", [0.1, 0.4])
@pytest.mark.parametrize("method", ["conversations.info", "chat.postMessage"])
async def test_share_keeps_to_the_pause_that_slack_asks_for(bureau: Bureau, method: str, seconds: float) -> None:
    card = await answer_to(bureau, "Room1 Task1")
    bureau.slack.fault(method, "ratelimited", retry_after=seconds)
    pressed = time.monotonic()
    await bureau.slack.press(card, "rectask.share", user=U_ANA)
    shared = await bureau.slack.next_message(user=U_BEN)
    assert time.monotonic() - pressed >= seconds
    assert shared.ephemeral_to is None
    told = [message.text for message in bureau.slack.visible_to(U_ANA) if "Slack asks Rectask to wait" in message.text]
    assert len(told) == (seconds > BRISK.silent_pause)


async def test_a_pause_that_the_end_cuts_short_is_told(fake_rtc: FakeRtc, tmp_path: Path) -> None:
    async with open_bureau(fake_rtc, tmp_path, limits=BRISK) as bureau:
        card = await answer_to(bureau, "Room1 Task1")
        bureau.slack.fault("chat.postMessage", "ratelimited", retry_after=600)
        await bureau.slack.press(card, "rectask.share", user=U_ANA)
        assert "Slack asks Rectask to wait 10 min" in (await bureau.slack.next_message(user=U_ANA)).text
        async with bureau.desk.work:
            pass
        assert "Rectask is restarting" in (await bureau.slack.next_message(user=U_ANA)).text


async def test_a_post_that_slack_did_not_confirm_is_told_as_that(bureau: Bureau) -> None:
    card = await answer_to(bureau, "Room1 Task1")
    bureau.slack.fault("chat.postMessage", "reset_after")
    await bureau.slack.press(card, "rectask.share", user=U_ANA)
    await bureau.slack.wait_for(lambda: "did not confirm" in bureau.slack.message_for(U_ANA).text)
    told = bureau.slack.message_for(U_ANA)
    assert told.text.startswith("Slack did not confirm the post. Look in the channel before you share again")
    assert len([message for message in bureau.slack.messages if message.ephemeral_to is None]) == 1


async def test_a_modal_that_was_closed_meanwhile_harms_nothing(bureau: Bureau) -> None:
    card = await answer_to(bureau, "many-files Task1")
    bureau.slack.fault("views.update", "not_found")
    await bureau.slack.press(card, "rectask.files", user=U_ANA)
    async with asyncio.timeout(2):
        while len(bureau.desk.work):  # noqa: ASYNC110  # nothing tells when it is done
            await asyncio.sleep(0.01)
    assert bureau.slack.message_for(U_ANA) is card
