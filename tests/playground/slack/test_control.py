"""What the playground's page is given, and what nobody else gets."""

import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot import playground
from bot.playground.slack.server import FakeSlack
from bot.playground.slack.world import (
    C_ONCALL,
    U_ANA,
)
from testing.small_bot import SmallBot

Json = dict[str, Any]
PAGE = Path(playground.__file__).with_name("page")


async def test_the_page_plays_a_person(fake: FakeSlack, small_bot: SmallBot, http: aiohttp.ClientSession) -> None:
    async def do(what: str, **said: object) -> Json:
        async with http.post(f"{fake.url}/-/{what}", json={"user": U_ANA, **said}) as response:
            answer: Json = await response.json()
            return answer

    well = {"acked": True, "error": None, "errors": None}
    async with http.ws_connect(f"{fake.url}/-/events") as events:
        assert (await events.receive_json())["messages"] == []
        assert await do("command", channel=C_ONCALL, text="/rectask Room1 Task1") == well
        while not (state := await events.receive_json())["messages"]:
            pass
    [message] = state["messages"]
    assert (message["author"], message["is_bot"], message["ephemeral_to"]) == (fake.messages[0].user, True, U_ANA)
    where = {"channel": C_ONCALL, "ts": message["ts"]}
    option = {"text": {"type": "plain_text", "text": "two"}, "value": "two"}
    assert await do("press", **where, action_id="menu", selected_option=option) == well
    assert await do("press", **where, action_id="modal", block_id=message["blocks"][1]["block_id"]) == well
    await fake.wait_for(lambda: fake.world.modals_of(U_ANA))
    view_id = fake.view_for(U_ANA).id
    wrong = await do("submit_view", view_id=view_id, values={"name": {"typed": "wrong"}})
    assert wrong == well | {"errors": {"name": "No."}}
    typed = {"name": {"typed": {"type": "plain_text_input", "value": "wrong"}}}
    assert await do("submit_view", view_id=view_id, values=typed) == wrong
    assert await do("press", view_id=view_id, action_id="in_modal") == well
    await fake.wait_for(lambda: len(fake.world.modals_of(U_ANA)) == 2)
    assert await do("close_view", view_id=view_id) == well
    assert await do("open_home") == well
    await fake.wait_for(lambda: fake.home_for(U_ANA))
    async with http.get(f"{fake.url}/-/state") as response:
        state = await response.json()
    assert {view["type"] for view in state["views"]} == {"modal", "home"}
    assert {"app", "people", "channels", "messages", "views"} == state.keys()
    assert small_bot.seen


async def test_the_page_sees_threads_and_opens_the_other_tab(
    fake: FakeSlack, small_bot: SmallBot, client: AsyncWebClient, http: aiohttp.ClientSession
) -> None:
    parent = (await client.chat_postMessage(channel=U_ANA, text="Ended"))["ts"]
    await client.chat_postMessage(channel=U_ANA, text="Files", thread_ts=parent)
    await client.chat_update(channel=fake.messages[0].channel, ts=parent, text="Ended, with files")
    async with http.get(f"{fake.url}/-/state") as response:
        first, second = (await response.json())["messages"]
    assert (first["text"], first["edited"], first["thread_ts"]) == ("Ended, with files", True, None)
    assert (second["text"], second["thread_ts"], second["is_broadcast"]) == ("Files", parent, False)
    async with http.post(f"{fake.url}/-/open_home", json={"user": U_ANA, "tab": "messages"}) as response:
        assert (await response.json())["acked"]
    assert small_bot.seen[-1]["event"]["tab"] == "messages"


def test_the_page_is_light_and_whole() -> None:
    """A module that is imported and not there would leave it blank."""
    files = {path.name: path.read_text() for path in PAGE.iterdir()}
    assert sum(len(text.encode()) for text in files.values()) < 150_000
    named = re.findall(r"from \"\./([\w.]+)\"|/static/([\w.]+)", "".join(files.values()))
    assert {one or other for one, other in named} <= files.keys()


async def test_the_page_can_be_mistaken(fake: FakeSlack, http: aiohttp.ClientSession) -> None:
    async def do(what: str, **options: Any) -> int:
        async with http.post(f"{fake.url}/-/{what}", **options) as response:
            return response.status

    assert await do("command", json={"user": U_ANA, "channel": C_ONCALL, "text": "/other x"}) == 400
    assert await do("command", json={"user": U_ANA}) == 400
    assert await do("press", json={"user": U_ANA, "channel": C_ONCALL, "ts": "1", "action_id": "x"}) == 400
    assert await do("command", json=[]) == 400
    assert await do("command", data=b"{}") == 415
    assert await do("dance", json={}) == 404


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example.com"}, {"Host": "[x"}, {"Origin": "https://evil.example.com"}, {"Origin": "null"}],
)
async def test_the_page_is_reached_from_this_machine_only(
    fake: FakeSlack, http: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    async with http.get(f"{fake.url}/-/state", headers=headers) as response:
        assert response.status == 403
    async with http.get(f"{fake.url}/", headers={"Origin": fake.url}) as response:
        assert await response.text() == "<h1>The page</h1>"
    async with http.get(f"{fake.url}/-/rooms") as response:
        assert await response.json() == []
    async with http.get(f"{fake.url}/static/index.html") as response:
        assert response.status == 200


async def test_the_page_presses_what_was_replaced_meanwhile(
    fake: FakeSlack, small_bot: SmallBot, http: aiohttp.ClientSession
) -> None:
    await fake.command("all")
    [message] = fake.messages
    press = {"user": U_ANA, "channel": C_ONCALL, "ts": message.ts, "action_id": "new", "block_id": "as it was before"}
    async with http.post(f"{fake.url}/-/press", json=press) as answer:
        assert (await answer.json())["acked"]
    assert small_bot.seen[-1]["actions"][0]["block_id"] == message.blocks[1]["block_id"]
