"""A small Bolt app, and what the tests of the stand-in for Slack need besides."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.server import FakeSlack

Json = dict[str, Any]


def button(action_id: str, **fields: object) -> Json:
    text = {"type": "plain_text", "text": action_id}
    return {"type": "button", "text": text, "action_id": action_id, "value": action_id, **fields}


MENU = {
    "type": "overflow",
    "action_id": "menu",
    "options": [{"text": {"type": "plain_text", "text": name}, "value": name} for name in ("one", "two")],
}
CARD: list[Json] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*A card*"}},
    {"type": "actions", "elements": [button("replace"), button("delete"), button("modal"), button("new"), MENU]},
]
MODAL = {
    "type": "modal",
    "callback_id": "ask",
    "title": {"type": "plain_text", "text": "Ask"},
    "submit": {"type": "plain_text", "text": "Send"},
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "name",
            "label": {"type": "plain_text", "text": "Name"},
            "element": {"type": "plain_text_input", "action_id": "typed"},
        },
        {"type": "actions", "block_id": "more", "elements": [button("in_modal")]},
    ],
}
HOME: Json = {"type": "home", "blocks": [{"type": "actions", "block_id": "home", "elements": [button("in_home")]}]}


class SmallBot:
    """A Bolt app that acks with a card, replaces through response_url, opens a modal. `seen` are its payloads."""

    def __init__(self, fake: FakeSlack) -> None:
        client = AsyncWebClient(token=fake.bot_token, base_url=fake.api_url)
        self.app = AsyncApp(client=client, signing_secret=fake.signing_secret, logger=logging.getLogger("small"))
        self.seen: list[Json] = []
        self.deaf = asyncio.Event()
        self._register()

    def _register(self) -> None:
        self.app.command("/rectask")(self.on_command)
        for action_id in ("replace", "delete", "modal", "new", "menu", "in_modal", "in_home"):
            self.app.action(action_id)(getattr(self, f"on_{action_id}", self.on_press))
        self.app.view("ask")(self.on_submit)
        self.app.view_closed("ask")(self.on_press)
        self.app.event("app_home_opened")(self.on_home)

    async def on_command(self, ack: Any, body: Json) -> None:
        self.seen.append(body)
        if body["text"] == "silence":
            await self.deaf.wait()
        await ack(text="A card", blocks=CARD, **({"response_type": "in_channel"} if body["text"] == "all" else {}))

    async def on_press(self, ack: Any, body: Json) -> None:
        self.seen.append(body)
        await ack()

    async def on_replace(self, ack: Any, body: Json, respond: Any) -> None:
        await self.on_press(ack, body)
        await respond(text="Replaced", blocks=CARD, replace_original=True)

    async def on_new(self, ack: Any, body: Json, respond: Any) -> None:
        await self.on_press(ack, body)
        await respond(text="New", replace_original=False)

    async def on_delete(self, ack: Any, body: Json, respond: Any) -> None:
        await self.on_press(ack, body)
        await respond(delete_original=True)

    async def on_modal(self, ack: Any, body: Json, client: AsyncWebClient) -> None:
        await self.on_press(ack, body)
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    async def on_in_modal(self, ack: Any, body: Json, client: AsyncWebClient) -> None:
        await self.on_press(ack, body)
        view = body["view"]
        await client.views_push(trigger_id=body["trigger_id"], view=MODAL)
        title = {"type": "plain_text", "text": "Changed"}
        await client.views_update(view_id=view["id"], hash=view["hash"], view={**MODAL, "title": title})

    async def on_submit(self, ack: Any, body: Json) -> None:
        self.seen.append(body)
        typed = body["view"]["state"]["values"]["name"]["typed"]["value"]
        answers: dict[str, Json] = {
            "wrong": {"response_action": "errors", "errors": {"name": "No."}},
            "again": {"response_action": "update", "view": {**MODAL, "callback_id": "again"}},
            "push": {"response_action": "push", "view": MODAL},
            "clear": {"response_action": "clear"},
        }
        await ack(**answers.get(typed, {}))

    async def on_home(self, body: Json, client: AsyncWebClient) -> None:
        self.seen.append(body)
        await client.views_publish(user_id=body["event"]["user"], view=HOME)


@asynccontextmanager
async def serve(handle: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """A bare HTTP server in the bot's place."""
    app = web.Application()
    app.router.add_post("/slack/events", handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def connected(small_bot: SmallBot, fake: FakeSlack, door: str) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        if door == "http":
            server = small_bot.app.server(path="/slack/events", host="127.0.0.1")
            runner = web.AppRunner(server.web_app, shutdown_timeout=0.1)
            stack.push_async_callback(runner.cleanup)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            fake.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
        else:
            handler = AsyncSocketModeHandler(small_bot.app, fake.app_token)
            stack.push_async_callback(handler.close_async)
            await handler.connect_async()  # type: ignore[no-untyped-call] # Bolt's
            await fake.wait_for_socket()
        stack.callback(small_bot.deaf.set)
        yield


class Clock:
    """Goes on only when told."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


async def refusal_of(call: Awaitable[Any]) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])
