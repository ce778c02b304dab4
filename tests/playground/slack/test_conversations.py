"""Direct messages, their history with its metadata, and threads, as slack_sdk's own client finds them."""

from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.blocks import as_json
from bot.playground.slack.metadata import METADATA_MAY_HAVE
from bot.playground.slack.server import FakeSlack
from bot.playground.slack.world import C_SHARED, U_ANA, U_BEN, U_BOT, U_GONE, U_GUEST, U_SINGLE, U_STRANGER
from testing.small_bot import CARD, Clock, SmallBot, connected, refusal_of

Json = dict[str, Any]
NOTICE = {"event_type": "rectask_notice", "event_payload": {"id": "n1"}}


@pytest.fixture
async def dm(client: AsyncWebClient) -> str:
    """The direct messages with Ana, in which nothing was said yet."""
    return str((await client.conversations_open(users=U_ANA))["channel"]["id"])


async def texts(client: AsyncWebClient, channel: str, **asked: Any) -> list[str]:
    return [message["text"] for message in (await client.conversations_history(channel=channel, **asked))["messages"]]


async def post_several(client: AsyncWebClient, clock: Clock, channel: str, count: int) -> list[str]:
    stamps = []
    for number in range(count):
        clock.now += 2
        stamps.append((await client.chat_postMessage(channel=channel, text=str(number)))["ts"])
    return stamps


async def test_metadata_comes_back_from_the_history(fake: FakeSlack, client: AsyncWebClient, dm: str) -> None:
    assert (await client.conversations_history(channel=dm, include_all_metadata=True))["messages"] == []
    posted = await client.chat_postMessage(channel=dm, text="x", metadata=NOTICE)
    assert posted["message"]["metadata"] == NOTICE
    [plain] = (await client.conversations_history(channel=dm))["messages"]
    assert "metadata" not in plain
    [found] = (await client.conversations_history(channel=dm, include_all_metadata=True))["messages"]
    assert found["metadata"] == NOTICE
    await client.chat_update(channel=dm, ts=posted["ts"], text="y")
    [found] = (await client.conversations_history(channel=dm, include_all_metadata=True))["messages"]
    assert (found["text"], found["metadata"]) == ("y", NOTICE)
    await client.chat_update(channel=dm, ts=posted["ts"], text="y", metadata={})
    [found] = (await client.conversations_history(channel=dm, include_all_metadata=True))["messages"]
    assert "metadata" not in found
    assert fake.complaints == []


@pytest.mark.parametrize(
    "metadata",
    [
        "text",
        [],
        {"event_type": "a"},
        {"event_payload": {}},
        {"event_type": "", "event_payload": {}},
        {"event_type": 1, "event_payload": {}},
        {"event_type": "a", "event_payload": []},
    ],
)
async def test_metadata_of_another_form_is_refused(
    fake: FakeSlack, http: aiohttp.ClientSession, dm: str, metadata: object
) -> None:
    body = {"channel": dm, "text": "x", "metadata": metadata}
    headers = {"Authorization": f"Bearer {fake.bot_token}"}
    async with http.post(f"{fake.api_url}chat.postMessage", json=body, headers=headers) as response:
        assert (await response.json())["error"] == "invalid_metadata_format"
    assert fake.messages == []


async def test_metadata_has_a_size(client: AsyncWebClient, dm: str) -> None:
    def of_size(size: int) -> Json:
        empty: Json = {"event_type": "a", "event_payload": {"x": ""}}
        return empty | {"event_payload": {"x": "x" * (size - len(as_json(empty)))}}

    await client.chat_postMessage(channel=dm, text="x", metadata=of_size(METADATA_MAY_HAVE))
    too_large = client.chat_postMessage(channel=dm, text="x", metadata=of_size(METADATA_MAY_HAVE + 1))
    assert await refusal_of(too_large) == "metadata_too_large"


async def test_metadata_with_a_period_in_its_type_is_ignored_with_a_warning(
    fake: FakeSlack, client: AsyncWebClient, dm: str
) -> None:
    posted = await client.chat_postMessage(channel=dm, text="x", metadata={**NOTICE, "event_type": "rectask.notice"})
    assert posted["response_metadata"]["warnings"] == ["invalid_metadata_schema"]
    [found] = (await client.conversations_history(channel=dm, include_all_metadata=True))["messages"]
    assert "metadata" not in found
    assert len(fake.complaints) == 1


async def test_who_presses_shows_the_metadata(fake: FakeSlack, client: AsyncWebClient, dm: str) -> None:
    bot = SmallBot(fake)
    async with connected(bot, fake, "http"):
        await client.chat_postMessage(channel=dm, text="x", blocks=CARD, metadata=NOTICE)
        await fake.press(fake.message_for(U_ANA), "menu", selected="one")
    assert bot.seen[-1]["message"]["metadata"] == NOTICE


async def test_history_pages_back_from_the_newest_and_forward_from_a_moment(
    clock: Clock, client: AsyncWebClient, dm: str
) -> None:
    stamps = await post_several(client, clock, dm, 5)
    page = await client.conversations_history(channel=dm, limit=2, latest=stamps[4])
    assert [message["text"] for message in page["messages"]] == ["3", "2"]
    cursor = page["response_metadata"]["next_cursor"]
    assert await texts(client, dm, limit=2, latest=stamps[4], cursor=cursor) == ["1", "0"]
    page = await client.conversations_history(channel=dm, limit=2, oldest=stamps[0])
    assert ([message["text"] for message in page["messages"]], page["has_more"]) == (["2", "1"], True)
    cursor = page["response_metadata"]["next_cursor"]
    assert await texts(client, dm, limit=2, oldest=stamps[0], cursor=cursor) == ["4", "3"]
    assert await texts(client, dm, oldest=stamps[1], latest=stamps[3]) == ["2"]
    assert await texts(client, dm, oldest=stamps[1], latest=stamps[3], inclusive=True) == ["3", "2", "1"]


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"limit": 0}, "invalid_limit"),
        ({"limit": 1000}, "invalid_limit"),
        ({"limit": "all"}, "invalid_limit"),
        ({"oldest": "yesterday"}, "invalid_ts_oldest"),
        ({"latest": "-1"}, "invalid_ts_latest"),
        ({"cursor": "12"}, "invalid_cursor"),
        ({"cursor": "bmV4dA=="}, "invalid_cursor"),
        ({"channel": U_ANA}, "channel_not_found"),
        ({"channel": "D0NONE"}, "channel_not_found"),
    ],
)
async def test_what_history_is_not_told(client: AsyncWebClient, dm: str, asked: Json, error: str) -> None:
    call = client.api_call("conversations.history", params={"channel": dm, **asked})
    assert await refusal_of(call) == error


async def test_history_needs_its_scope(fake: FakeSlack, client: AsyncWebClient, dm: str) -> None:
    fake.scopes = {"im:write", "im:read"}
    assert await refusal_of(client.conversations_history(channel=dm)) == "missing_scope"
    assert await refusal_of(client.conversations_replies(channel=dm, ts="1700000000.000000")) == "missing_scope"


async def test_a_reply_hangs_on_its_parent(fake: FakeSlack, clock: Clock, client: AsyncWebClient, dm: str) -> None:
    [parent, other] = await post_several(client, clock, dm, 2)
    clock.now += 9
    first = await client.chat_postMessage(channel=dm, text="files", thread_ts=parent, metadata=NOTICE)
    assert (first["message"]["thread_ts"], first["message"]["parent_user_id"]) == (parent, U_BOT)
    last = await client.chat_postMessage(channel=dm, text="again", thread_ts=first["ts"], reply_broadcast=True)
    assert fake.complaints == [f"thread_ts {first['ts']} is a reply's; its parent's is meant"]
    shown = (await client.conversations_history(channel=dm))["messages"]
    assert [(message["text"], message.get("subtype")) for message in shown] == [
        ("again", "thread_broadcast"),
        ("1", None),
        ("0", None),
    ]
    assert {"reply_count": 2, "latest_reply": last["ts"], "thread_ts": parent}.items() <= shown[-1].items()
    assert "thread_ts" not in shown[1]
    for named in (parent, first["ts"]):
        thread = await client.conversations_replies(channel=dm, ts=named, include_all_metadata=True)
        assert [message["text"] for message in thread["messages"]] == ["0", "files", "again"]
        assert thread["messages"][1]["metadata"] == NOTICE
    since = await client.conversations_replies(channel=dm, ts=parent, oldest=first["ts"])
    assert [message["text"] for message in since["messages"]] == ["0", "again"]
    page = await client.conversations_replies(channel=dm, ts=parent, limit=1)
    rest = await client.conversations_replies(
        channel=dm, ts=parent, cursor=page["response_metadata"]["next_cursor"], limit=2
    )
    assert ([message["text"] for message in rest["messages"]], rest["has_more"]) == (["files", "again"], False)
    assert len((await client.conversations_replies(channel=dm, ts=other))["messages"]) == 1
    link = (await client.chat_getPermalink(channel=dm, message_ts=first["ts"]))["permalink"]
    assert link.endswith(f"?thread_ts={parent}&cid={dm}")


async def test_a_reply_to_nothing_stands_in_the_channel(client: AsyncWebClient, dm: str) -> None:
    posted = await client.chat_postMessage(channel=dm, text="x", thread_ts="1700000000.000000")
    assert "thread_ts" not in posted["message"]
    assert await texts(client, dm) == ["x"]
    assert await refusal_of(client.chat_postMessage(channel=dm, text="x", thread_ts="1")) == "invalid_thread_ts"
    assert await refusal_of(client.conversations_replies(channel=dm, ts="1700000000.000000")) == "thread_not_found"


async def test_a_reply_can_be_changed_and_deleted(fake: FakeSlack, client: AsyncWebClient, dm: str) -> None:
    parent = (await client.chat_postMessage(channel=dm, text="x"))["ts"]
    reply = (await client.chat_postMessage(channel=dm, text="y", thread_ts=parent))["ts"]
    changed = await client.chat_update(channel=dm, ts=reply, text="z")
    assert changed["message"]["thread_ts"] == parent
    fake.world.delete(fake.messages[-1])
    [shown] = (await client.conversations_history(channel=dm))["messages"]
    assert "reply_count" not in shown


async def test_there_may_be_more_people(fake: FakeSlack, client: AsyncWebClient) -> None:
    added = fake.add_people(200)
    assert len({*added, *fake.people}) == len(fake.people) > 200
    for user in added[:20]:
        assert (await client.chat_postMessage(channel=user, text="x"))["ok"]


async def test_who_can_be_written_to(fake: FakeSlack, client: AsyncWebClient) -> None:
    for user in (U_GONE, U_GUEST, U_SINGLE, U_STRANGER):
        assert (await client.chat_postMessage(channel=user, text="x"))["ok"]
    assert await refusal_of(client.chat_postMessage(channel="U0NONE", text="x")) == "channel_not_found"
    assert await refusal_of(client.conversations_open(users="U0NONE")) == "user_not_found"
    assert await refusal_of(client.conversations_open(users=U_GONE)) == "user_disabled"
    assert await refusal_of(client.api_call("conversations.open")) == "users_list_not_supplied"
    assert await refusal_of(client.conversations_open(channel="C0ONCALL01")) == "channel_not_found"
    assert fake.complaints == []
    assert await refusal_of(client.conversations_open(users=f"{U_ANA},{U_BEN}")) == "stand_in_unknown_argument"
    fake.channels[C_SHARED].members.remove(U_STRANGER)
    assert await refusal_of(client.chat_postMessage(channel=U_STRANGER, text="x")) == "channel_not_found"
    assert await refusal_of(client.conversations_open(users=U_STRANGER)) == "invalid_user_combination"
    resumed = await client.conversations_open(channel=f"D{U_GUEST[1:]}", return_im=True)
    assert resumed["channel"]["user"] == U_GUEST
