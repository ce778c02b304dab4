"""What happens to people and to the app itself, and how the bot is told, over both doors."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.server import FakeSlack
from bot.playground.slack.world import A_APP, C_ONCALL, C_OUTSIDE, T_HOME, U_ANA, U_BEN, U_BOT
from testing.small_bot import HOME, Clock, SmallBot, connected, refusal_of

Json = dict[str, Any]


class Listener(SmallBot):
    """Hears every event that there is."""

    def __init__(self, fake: FakeSlack) -> None:
        super().__init__(fake)
        for event in ("app_uninstalled", "tokens_revoked", "user_change"):
            self.app.event(event)(self.on_event)

    async def on_event(self, body: Json) -> None:
        self.seen.append(body)


@pytest.fixture(params=["http", "sockets"])
async def listener(fake: FakeSlack, request: pytest.FixtureRequest) -> AsyncIterator[Listener]:
    bot = Listener(fake)
    async with connected(bot, fake, request.param):
        yield bot


async def test_an_event_comes_in_its_envelope(fake: FakeSlack, listener: Listener, clock: Clock) -> None:
    assert (await fake.deactivate(U_BEN)).acked
    [body] = listener.seen
    assert (body["type"], body["team_id"], body["api_app_id"]) == ("event_callback", T_HOME, A_APP)
    assert body["event_id"].startswith("Ev")
    assert body["event_time"] == int(clock.now)
    assert (
        body["authorizations"][0] | {"team_id": T_HOME, "user_id": U_BOT, "is_bot": True} == body["authorizations"][0]
    )


async def test_people_are_deactivated_made_guests_and_come_back(
    fake: FakeSlack, listener: Listener, client: AsyncWebClient
) -> None:
    await client.chat_postMessage(channel=U_BEN, text="before")
    assert (await fake.deactivate(U_BEN)).acked
    event = listener.seen[-1]["event"]
    assert (event["type"], event["user"]["id"], event["user"]["deleted"]) == ("user_change", U_BEN, True)
    assert event["cache_ts"] == event["user"]["updated"]
    assert (await client.users_info(user=U_BEN))["user"]["deleted"] is True
    assert U_BEN not in fake.channels[C_ONCALL].members
    assert (await client.chat_postMessage(channel=U_BEN, text="after"))["ok"]
    with pytest.raises(LookupError):
        await fake.command("x", user=U_BEN)
    await fake.reactivate(U_BEN)
    assert listener.seen[-1]["event"]["user"]["deleted"] is False
    assert (await fake.command("x", user=U_BEN, channel=None)).acked
    await fake.make_guest(U_BEN)
    assert listener.seen[-1]["event"]["user"]["is_restricted"] is True
    await fake.make_guest(U_BEN, is_guest=False)
    assert (await client.users_info(user=U_BEN))["user"]["is_restricted"] is False


@pytest.mark.parametrize("tokens_first", [False, True])
async def test_the_app_is_uninstalled(
    fake: FakeSlack, listener: Listener, client: AsyncWebClient, tokens_first: bool
) -> None:
    assert all(outcome.acked for outcome in await fake.uninstall(tokens_first=tokens_first))
    types = ["app_uninstalled", "tokens_revoked"]
    assert [body["event"]["type"] for body in listener.seen] == (types[::-1] if tokens_first else types)
    assert await refusal_of(client.auth_test()) == "account_inactive"


async def test_tokens_are_revoked(fake: FakeSlack, listener: Listener, client: AsyncWebClient) -> None:
    assert (await fake.revoke_tokens()).acked
    assert listener.seen[-1]["event"]["tokens"] == {"oauth": [], "bot": [U_BOT]}
    assert await refusal_of(client.chat_postMessage(channel=C_ONCALL, text="x")) == "token_revoked"


async def test_both_tabs_are_opened(fake: FakeSlack, listener: Listener) -> None:
    for _ in range(2):
        assert (await fake.open_home()).acked
        await fake.wait_for(lambda: fake.home_for(U_ANA))
    assert listener.seen[-1]["event"]["view"]["blocks"][0]["block_id"] == HOME["blocks"][0]["block_id"]
    assert (await fake.open_home(tab="messages")).acked
    event = listener.seen[-1]["event"]
    assert (event["tab"], event["channel"], "view" in event) == ("messages", f"D{U_ANA[1:]}", False)


async def test_a_home_tab_that_is_off_is_not_published(fake: FakeSlack, client: AsyncWebClient) -> None:
    fake.world.home_tab = False
    assert await refusal_of(client.views_publish(user_id=U_ANA, view=HOME)) == "not_enabled"


async def test_what_the_app_does_not_subscribe_to_is_not_sent(fake: FakeSlack, listener: Listener) -> None:
    fake.events = {"app_home_opened"}
    assert (await fake.deactivate(U_BEN)).error == "not_subscribed"
    assert (await fake.send_event({"type": "team_rename"})).error == "not_subscribed"
    assert fake.people[U_BEN].deleted
    assert listener.seen == []


async def test_what_people_write_is_heard_where_the_app_asked_for_it(fake: FakeSlack, small_bot: SmallBot) -> None:
    """A mention is an event of its own besides; what stands where the bot is not, it never hears."""
    heard: list[Json] = []

    async def hear(event: Json) -> None:
        heard.append(event)

    small_bot.app.event("message")(hear)
    small_bot.app.event("app_mention")(hear)
    assert (await fake.say("unheard")).acked
    fake.events |= {"message", "app_mention"}
    assert (await fake.say("elsewhere", channel=C_OUTSIDE)).acked
    assert (await fake.say(f"<b> <@{U_BOT}>")).acked
    assert (await fake.say(f"<@{U_BOT}>", channel=None)).acked
    await fake.wait_for(lambda: len(heard) == 3)
    assert [(event["type"], event.get("channel_type")) for event in heard] == [
        *(("message", "channel"), ("app_mention", None), ("message", "im"))
    ]
    assert heard[0]["text"] == f"&lt;b&gt; <@{U_BOT}>"
    assert [message.text for message in fake.messages][:2] == ["unheard", "elsewhere"]
