"""How often the Web API may be called: by the stand-in's clock, and only where a test wants it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.limits import Limits, Rate
from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.slack.world import C_ONCALL, C_SHARED, U_ANA, U_BEN, U_GUEST
from testing.small_bot import HOME, Clock, refusal_of


@pytest.fixture
async def loose(clock: Clock) -> AsyncIterator[FakeSlack]:
    """Posting at all is limited to 4 a minute, other things to 6 and 9."""
    limits = Limits(workspace=Rate(4, 60), tier_3=Rate(6, 60), tier_4=Rate(9, 60))
    async with open_fake_slack(FakeSlack(clock=clock, limits=limits)) as opened:
        yield opened


def client_of(fake: FakeSlack) -> AsyncWebClient:
    return AsyncWebClient(token=fake.bot_token, base_url=fake.api_url, retry_handlers=[])


async def told_to_wait(call: Awaitable[Any]) -> int:
    with pytest.raises(SlackApiError) as caught:
        await call
    response = caught.value.response
    assert (response.status_code, response["error"], response["ok"]) == (429, "ratelimited", False)
    return int(response.headers["Retry-After"])


async def test_a_channel_takes_a_short_burst_and_then_one_message_a_second(
    fake: FakeSlack, clock: Clock, client: AsyncWebClient
) -> None:
    for channel in (U_ANA, f"D{U_ANA[1:]}", U_ANA, U_BEN):
        await client.chat_postMessage(channel=channel, text="x")
    assert await told_to_wait(client.chat_postMessage(channel=f"D{U_ANA[1:]}", text="x")) == 3
    assert len(fake.messages) == 4
    assert fake.calls[-1].answer == {"ok": False, "error": "ratelimited"}
    clock.now += 2.5
    assert await told_to_wait(client.chat_postMessage(channel=U_ANA, text="x")) == 1
    for _ in range(5):
        clock.now += 1
        await client.chat_postMessage(channel=U_ANA, text="x")


async def test_the_whole_workspace_has_a_limit_too(loose: FakeSlack, clock: Clock) -> None:
    client = client_of(loose)
    for channel in (U_ANA, U_BEN, U_GUEST, C_ONCALL):
        clock.now += 10
        await client.chat_postMessage(channel=channel, text="x")
    assert await told_to_wait(client.chat_postMessage(channel=C_SHARED, text="x")) == 30
    clock.now += 30
    await client.chat_postMessage(channel=C_SHARED, text="x")


@pytest.mark.parametrize(
    ("call", "most"),
    [
        (lambda c: c.conversations_open(users=U_ANA), 6),
        (lambda c: c.conversations_info(channel=C_ONCALL), 6),
        (lambda c: c.conversations_history(channel=f"D{U_ANA[1:]}"), 6),
        (lambda c: c.conversations_replies(channel=f"D{U_ANA[1:]}", ts="1700000000.000000"), 6),
        (lambda c: c.chat_update(channel=C_ONCALL, ts="1700000000.000000", text="x"), 6),
        (lambda c: c.users_info(user=U_ANA), 9),
        (lambda c: c.chat_postEphemeral(channel=C_ONCALL, user=U_ANA, text="x"), 9),
        (lambda c: c.views_publish(user_id=U_ANA, view=HOME), 9),
        (lambda c: c.views_open(trigger_id="x", view=HOME), 9),
    ],
)
async def test_each_method_has_its_tier(
    loose: FakeSlack, clock: Clock, call: Callable[[AsyncWebClient], Awaitable[Any]], most: int
) -> None:
    client = client_of(loose)
    for _ in range(most):
        try:
            await call(client)
        except SlackApiError as refused:
            assert refused.response["error"] != "ratelimited"  # noqa: PT017 it may be refused, but not for that
    assert await told_to_wait(call(client)) == 60
    assert (await client.auth_test())["ok"]
    clock.now += 60
    loose.fault("*", "fatal_error")
    assert await refusal_of(call(client)) == "fatal_error"


async def test_limits_may_be_switched_off_scaled_and_changed(clock: Clock) -> None:
    async with open_fake_slack(FakeSlack(clock=clock, limits=False)) as fake:
        client = client_of(fake)
        for _ in range(6):
            await client.chat_postMessage(channel=C_ONCALL, text="x")
        fake.limits = Limits().times(2)
        for _ in range(6):
            await client.chat_postMessage(channel=C_ONCALL, text="x")
        assert await told_to_wait(client.chat_postMessage(channel=C_ONCALL, text="x")) == 3
        assert Limits().times(0.5).tier_4 == Rate(50, 60)


async def test_a_call_with_a_wrong_token_uses_up_nothing(fake: FakeSlack, client: AsyncWebClient) -> None:
    stranger = AsyncWebClient(token="xoxb-other", base_url=fake.api_url)
    for _ in range(9):
        assert await refusal_of(stranger.chat_postMessage(channel=C_ONCALL, text="x")) == "invalid_auth"
    assert (await client.chat_postMessage(channel=C_ONCALL, text="x"))["ok"]
