"""The Web API of the stand-in, called by slack_sdk's own client: what it answers and what it refuses."""

import json
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.blocks import BLOCKS_ADVISED, as_json
from bot.playground.slack.server import FakeSlack
from bot.playground.slack.world import (
    C_ONCALL,
    C_OUTSIDE,
    C_SHARED,
    E_HOME,
    T_HOME,
    U_ANA,
    U_BEN,
    U_GONE,
    U_GRID,
    U_STRANGER,
)
from testing.small_bot import CARD, MODAL, button, refusal_of

Json = dict[str, Any]


async def test_tokens_are_told_apart(fake: FakeSlack, client: AsyncWebClient) -> None:
    tested = await client.auth_test()
    assert tested["team_id"] == T_HOME
    assert set(tested.headers["x-oauth-scopes"].split(",")) == fake.scopes
    assert await refusal_of(AsyncWebClient(base_url=fake.api_url).auth_test()) == "not_authed"
    assert await refusal_of(AsyncWebClient("xoxb-other", base_url=fake.api_url).auth_test()) == "invalid_auth"
    assert await refusal_of(client.auth_test(token=fake.app_token)) == "not_allowed_token_type"
    assert await refusal_of(client.apps_connections_open(app_token=fake.bot_token)) == "not_allowed_token_type"
    assert (await AsyncWebClient(base_url=fake.api_url).api_test())["ok"]
    assert await refusal_of(client.api_test(error="my_error")) == "my_error"


async def test_a_scope_that_is_not_granted_is_missed(fake: FakeSlack, client: AsyncWebClient) -> None:
    fake.scopes = {"commands"}
    for call in (
        client.chat_postMessage(channel=C_ONCALL, text="x"),
        client.users_info(user=U_ANA),
        client.conversations_info(channel=C_ONCALL),
    ):
        assert await refusal_of(call) == "missing_scope"


async def test_what_the_stand_in_does_not_know_fails_loudly(fake: FakeSlack, client: AsyncWebClient) -> None:
    assert await refusal_of(client.reactions_add(channel="C", name="x", timestamp="1")) == "unknown_method"
    unknown = client.chat_postMessage(channel=C_ONCALL, text="x", icon_emoji=":x:")
    assert await refusal_of(unknown) == "stand_in_unknown_argument"
    assert fake.complaints == ["unknown method reactions.add", "chat.postMessage: unknown argument icon_emoji"]
    assert [(call.method, call.token) for call in fake.calls] == [("reactions.add", "bot"), ("chat.postMessage", "bot")]
    assert fake.messages == []


async def test_bodies_are_forms_or_json(fake: FakeSlack, http: aiohttp.ClientSession) -> None:
    headers = {"Authorization": f"Bearer {fake.bot_token}"}

    async def call(**options: Any) -> object:
        async with http.post(f"{fake.api_url}chat.postMessage", headers=headers, **options) as response:
            answer = await response.json()
            return answer.get("error")

    form = {"channel": C_ONCALL, "text": "x"}
    assert await call(data=form | {"blocks": json.dumps(CARD)}) is None
    assert fake.messages[-1].blocks[0]["type"] == "section"
    assert await call(data=form | {"blocks": "["}) == "invalid_blocks_format"
    assert await call(json=[]) == "json_not_object"
    assert await call(json={"channel": C_ONCALL, "text": None}) == "no_text"
    assert await call(json={"channel": []}) == "invalid_arguments"
    assert await call(json={"text": "x"}) == "invalid_arguments"


async def test_messages_are_posted_changed_and_found_again(fake: FakeSlack, client: AsyncWebClient) -> None:
    metadata = {"event_type": "notice", "event_payload": {"id": "1"}}
    posted = await client.chat_postMessage(channel=U_ANA, text="In private", metadata=metadata, unfurl_links=False)
    channel = posted["channel"]
    assert (await client.conversations_open(users=U_ANA))["channel"]["id"] == channel
    assert fake.visible_to(U_ANA)[0].unfurl_links is False
    plain = await client.conversations_history(channel=channel)
    assert "metadata" not in plain["messages"][0]
    [found] = (await client.conversations_history(channel=channel, include_all_metadata=True))["messages"]
    assert found["metadata"] == metadata
    await client.chat_update(channel=channel, ts=posted["ts"], text="Changed")
    assert fake.message_for(U_ANA, channel=channel).edited == 1
    link = await client.chat_getPermalink(channel=channel, message_ts=posted["ts"])
    assert link["permalink"].endswith(f"/{channel}/p{posted['ts'].replace('.', '')}")
    whisper = await client.chat_postEphemeral(channel=C_ONCALL, user=U_BEN, text="Only you")
    gone = client.chat_update(channel=C_ONCALL, ts=whisper["message_ts"], text="x")
    assert await refusal_of(gone) == "message_not_found"


async def test_history_comes_in_pages(fake: FakeSlack, client: AsyncWebClient) -> None:
    stamps = [(await client.chat_postMessage(channel=U_ANA, text=str(number)))["ts"] for number in range(3)]
    channel = fake.messages[0].channel
    page = await client.conversations_history(channel=channel, limit=2)
    assert [message["text"] for message in page["messages"]] == ["2", "1"]
    rest = await client.conversations_history(channel=channel, cursor=page["response_metadata"]["next_cursor"])
    assert ([message["text"] for message in rest["messages"]], rest["has_more"]) == (["0"], False)
    since = await client.conversations_history(channel=channel, oldest=stamps[1], inclusive=True)
    assert [message["text"] for message in since["messages"]] == ["2", "1"]


async def test_messages_are_refused_as_slack_does(fake: FakeSlack, client: AsyncWebClient) -> None:
    async def post(channel: str, **content: Any) -> str:
        return await refusal_of(client.chat_postMessage(channel=channel, **{"text": "x", **content}))

    assert await post("C0NONE") == "channel_not_found"
    assert await post(C_OUTSIDE) == "not_in_channel"
    assert await post(C_ONCALL, text="x" * 40_001) == "msg_too_long"
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=C_ONCALL, text="x", blocks=[{"type": "poem"}])
    answer = caught.value.response
    assert (answer["error"], answer["errors"][0]["pointer"]) == ("invalid_blocks", "/blocks/0/type")
    assert fake.refusals[-1]["source"] == "chat.postMessage"
    fake.channels[C_ONCALL].is_archived = True
    assert await post(C_ONCALL) == "is_archived"
    fake.world.messages_tab = False
    assert await post(U_ANA) == "messages_tab_disabled"
    assert fake.complaints == []
    await client.chat_postMessage(channel=C_SHARED, text="x" * 4_001)
    assert len(fake.complaints) == 1


async def test_who_and_where(client: AsyncWebClient) -> None:
    assert await refusal_of(client.conversations_info(channel=C_OUTSIDE)) == "channel_not_found"
    assert (await client.conversations_info(channel=C_SHARED))["channel"]["is_ext_shared"] is True
    ben = (await client.users_info(user=U_BEN, include_locale=True))["user"]
    assert (ben["locale"], ben["tz"], ben["is_restricted"]) == ("zh-CN", "Asia/Shanghai", False)
    assert (await client.users_info(user=U_STRANGER))["user"]["is_stranger"] is True
    assert (await client.users_info(user=U_GRID))["user"]["enterprise_user"]["enterprise_id"] == E_HOME
    assert (await client.users_info(user=U_GONE))["user"]["deleted"] is True
    assert await refusal_of(client.users_info(user="U0NONE")) == "user_not_found"
    assert await refusal_of(client.conversations_open(users=U_GONE)) == "user_disabled"
    assert (await client.chat_postMessage(channel=U_GONE, text="x"))["ok"]
    assert await refusal_of(client.conversations_history(channel=C_ONCALL)) == "missing_scope"
    refused = client.chat_postEphemeral(channel=C_ONCALL, user=U_STRANGER, text="x")
    assert await refusal_of(refused) == "user_not_in_channel"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"blocks": CARD}, None),
        ({"blocks": [{"type": "poem"}]}, "invalid_blocks"),
        ({"message": {"blocks": CARD}}, None),
        ({"message": {"blocks": [{}]}}, "invalid_message"),
        ({"view": MODAL}, None),
        ({"view": {"type": "modal"}}, "invalid_view"),
        ({}, "invalid_arguments"),
    ],
)
async def test_blocks_are_validated(client: AsyncWebClient, arguments: Json, error: str | None) -> None:
    call = client.api_call("blocks.validate", json=arguments)
    if error:
        assert await refusal_of(call) == error
    else:
        assert (await call)["ok"]


@pytest.mark.parametrize(
    ("more", "complaints", "error"), [(0, 0, None), (1, 1, None), (1_001, 0, "msg_blocks_too_long")]
)
async def test_blocks_that_come_near_to_the_limit_are_complained_of(
    fake: FakeSlack, client: AsyncWebClient, more: int, complaints: int, error: str | None
) -> None:
    blocks: list[Json] = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2_300}} for _ in range(5)]
    blocks[0]["accessory"] = button("more", value="")
    blocks[0]["accessory"]["value"] = "x" * (BLOCKS_ADVISED + more - len(as_json(blocks)))
    posting = client.chat_postMessage(channel=C_ONCALL, text="x", blocks=blocks)
    if error:
        assert await refusal_of(posting) == error
    else:
        assert (await posting)["ok"]
    assert len(fake.complaints) == complaints
