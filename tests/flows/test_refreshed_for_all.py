"""Refresh on a card that everybody sees posts it anew, which takes what Share takes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from bot.playground.slack.world import C_ONCALL, U_ANA, U_BEN, Message
from bot.playground.volcengine.rtc import FakeRtc
from bot.playground.volcengine.scenes import task
from testing.conversation import START, card_in, nothing_amiss, words_of
from testing.harness import Office, open_office

BEN_LOOKS_UP = f"""
[[allow]]
rights = ["look_up", "share"]
users = ["{U_ANA}"]
[[allow]]
rights = ["look_up"]
users = ["{U_BEN}"]
"""


@asynccontextmanager
async def with_shared_card(config: str = "") -> AsyncIterator[tuple[Office, Message]]:
    """A card that Ana shared while it ran; it has ended since."""
    async with open_office(door="socket", config=config) as office:
        await office.slack.wait_for_socket()
        office.rtc.answers["mine"] = task(status=2, start=START)
        await office.slack.press(await card_in(office, C_ONCALL, "mine Task1"), "rectask.share", user=U_ANA)
        shared = await office.slack.next_message(user=U_BEN, channel=C_ONCALL)
        office.rtc.answers["mine"] = task(status=3, start=START, end=START + 60_000, reason="StopByAPI")
        yield office, shared


async def is_answered_alone(office: Office, shared: Message) -> bool:
    await office.slack.press(shared, "rectask.refresh", user=U_BEN)
    told = await office.slack.next_message(user=U_BEN, channel=C_ONCALL)
    assert "Ended after 1 min" in told.text
    return told.ephemeral_to == U_BEN and "Only you can see this" in words_of(told) and not shared.edited


async def test_whoever_can_only_look_up_refreshes_it_for_themselves() -> None:
    async with with_shared_card(BEN_LOOKS_UP) as (office, shared):
        assert await is_answered_alone(office, shared)
        await office.slack.press(shared, "rectask.refresh", user=U_ANA)
        await office.slack.wait_for(lambda: shared.edited)
        assert nothing_amiss(office.slack)


def shared_outside(office: Office) -> None:
    office.slack.channels[C_ONCALL].is_ext_shared = True


def invited(office: Office) -> None:
    office.slack.channels[C_ONCALL].is_pending_ext_shared = True


def not_told(office: Office) -> None:
    office.slack.fault("conversations.info", "lacking:channel.is_ext_shared", times=2)


def refused(office: Office) -> None:
    office.slack.fault("conversations.info", "channel_not_found")


@pytest.mark.parametrize("meanwhile", [shared_outside, invited, not_told, refused])
async def test_a_channel_that_others_see_by_now(meanwhile: Callable[[Office], None]) -> None:
    async with with_shared_card() as (office, shared):
        meanwhile(office)
        assert await is_answered_alone(office, shared)
        assert nothing_amiss(office.slack)


async def until_asked(rtc: FakeRtc, *, more_than: int) -> None:
    async with asyncio.timeout(5):
        while len(rtc.received) <= more_than:  # noqa: ASYNC110  # what no event tells
            await asyncio.sleep(0.01)


async def test_a_channel_that_others_come_to_see_while_rtc_is_asked() -> None:
    async with with_shared_card() as (office, shared):
        office.rtc.delay, before = 0.2, len(office.rtc.received)
        await office.slack.press(shared, "rectask.refresh", user=U_BEN)
        await until_asked(office.rtc, more_than=before)
        shared_outside(office)
        told = await office.slack.next_message(user=U_BEN, channel=C_ONCALL)
        assert (told.ephemeral_to, shared.edited) == (U_BEN, 0)
        assert "Only you can see this" in words_of(told)
        assert nothing_amiss(office.slack)
