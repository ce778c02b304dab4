"""What goes wrong on purpose: single calls, the token, and the whole of Slack out of reach."""

import time
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.server import FakeSlack
from bot.playground.slack.world import C_ONCALL, U_ANA
from testing.small_bot import HOME, refusal_of

Json = dict[str, Any]
POST = {"channel": C_ONCALL, "text": "x"}


async def call(
    fake: FakeSlack, http: aiohttp.ClientSession, method: str = "chat.postMessage", body: Json | None = None
) -> tuple[int, Json, aiohttp.ClientResponse]:
    """Status and JSON of the answer; gives up after a fifth of a second."""
    headers, limit = {"Authorization": f"Bearer {fake.bot_token}"}, aiohttp.ClientTimeout(0.2)
    url = f"{fake.api_url}{method}"
    async with http.post(url, json=POST if body is None else body, headers=headers, timeout=limit) as response:
        is_json = response.content_type == "application/json"
        return response.status, await response.json() if is_json else {}, response


@pytest.mark.parametrize(
    ("kind", "http_status", "error", "is_done"),
    [
        ("ratelimited", 429, "ratelimited", False),
        ("invalid_auth", 200, "invalid_auth", False),
        ("500_before", 500, None, False),
        ("500_after", 500, None, True),
        ("503_before", 503, None, False),
        ("html_before", 200, None, False),
        ("html_after", 200, None, True),
        ("cut_before", None, None, False),
        ("cut_after", None, None, True),
        ("reset_before", None, None, False),
        ("reset_after", None, None, True),
        ("timeout_before", None, None, False),
        ("timeout_after", None, None, True),
        ("slow_before", None, None, False),
        ("slow_after", None, None, True),
    ],
)
async def test_a_call_fails_before_or_after_it_is_carried_out(
    fake: FakeSlack, http: aiohttp.ClientSession, kind: str, http_status: int | None, error: str | None, is_done: bool
) -> None:
    fake.fault("chat.postMessage", kind, retry_after=7)
    if http_status is None:
        with pytest.raises((aiohttp.ClientError, TimeoutError)):
            await call(fake, http)
    else:
        status, answer, response = await call(fake, http)
        assert (status, answer.get("error")) == (http_status, error)
        assert (response.headers.get("Retry-After") == "7") == (kind == "ratelimited")
    assert len(fake.messages) == is_done
    assert fake.calls[-1].arguments == POST
    assert (await call(fake, http))[0] == 200
    fake.fault("chat.postMessage", kind, times=None)
    fake.heal()
    assert (await call(fake, http))[0] == 200


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("auth.test", {}),
        ("conversations.open", {"users": U_ANA}),
        ("conversations.history", {"channel": "D0ANA00001"}),
        ("conversations.replies", {"channel": "D0ANA00001", "ts": "1700000000.000000"}),
        ("users.info", {"user": U_ANA}),
        ("views.publish", {"user_id": U_ANA, "view": HOME}),
        ("chat.update", {"channel": "D0ANA00001", "ts": "1700000000.000000", "text": "x"}),
    ],
)
async def test_every_method_can_fail(fake: FakeSlack, http: aiohttp.ClientSession, method: str, body: Json) -> None:
    for kind in ("500_before", "502_after"):
        fake.fault(method, kind)
        assert (await call(fake, http, method, body))[0] == int(kind[:3])
    for kind in ("reset_before", "reset_after", "timeout_before", "timeout_after"):
        fake.fault(method, kind)
        with pytest.raises((aiohttp.ClientError, TimeoutError)):
            await call(fake, http, method, body)
    fake.fault("*", "fatal_error")
    assert (await call(fake, http, method, body))[1] == {"ok": False, "error": "fatal_error"}
    assert (await call(fake, http, method, body))[1].get("error") != "fatal_error"
    assert (fake.home_for(U_ANA) is not None) == (method == "views.publish")


@pytest.mark.parametrize("kind", ["slow_before", "slow_after"])
async def test_a_slow_call_is_answered_truly(fake: FakeSlack, http: aiohttp.ClientSession, kind: str) -> None:
    fake.fault("chat.postMessage", kind, seconds=0.05)
    began = time.monotonic()
    assert (await call(fake, http))[1]["ts"] == fake.messages[-1].ts
    assert time.monotonic() - began >= 0.05


async def test_all_methods_fail_until_healed(fake: FakeSlack, http: aiohttp.ClientSession) -> None:
    fake.fault("*", "503_before", times=None)
    fake.fault("chat.postMessage", "invalid_blocks")
    assert (await call(fake, http))[1] == {"ok": False, "error": "invalid_blocks"}
    for _ in range(3):
        assert (await call(fake, http))[0] == 503
    assert fake.messages == []
    fake.heal()
    assert (await call(fake, http))[0] == 200


async def test_a_revoked_token_is_told_so_until_it_is_restored(
    fake: FakeSlack, client: AsyncWebClient, http: aiohttp.ClientSession
) -> None:
    fake.revoke_token()
    for refused in (
        client.auth_test(),
        client.chat_postMessage(channel=U_ANA, text="x"),
        client.conversations_history(channel="D0ANA00001"),
        client.views_publish(user_id=U_ANA, view=HOME),
    ):
        assert await refusal_of(refused) == "token_revoked"
    assert (await client.apps_connections_open(app_token=fake.app_token))["ok"]
    fake.revoke_token("account_inactive")
    assert (await call(fake, http))[1]["error"] == "account_inactive"
    fake.restore_token()
    assert (await call(fake, http))[0] == 200


async def test_a_closed_door_refuses_and_opens_at_the_same_address(
    fake: FakeSlack, http: aiohttp.ClientSession
) -> None:
    address = fake.url
    assert (await call(fake, http))[0] == 200
    for _ in range(2):
        await fake.close_door()
        await fake.close_door()
        with pytest.raises(aiohttp.ClientError):  # a connection that was kept alive may be tried first
            await call(fake, http)
        with pytest.raises(aiohttp.ClientConnectorError):
            await call(fake, http)
        await fake.open_door()
        await fake.open_door()
        assert fake.url == address
        assert (await call(fake, http))[0] == 200


async def test_sockets_go_with_the_door(fake: FakeSlack, client: AsyncWebClient, http: aiohttp.ClientSession) -> None:
    async def connect() -> aiohttp.ClientWebSocketResponse:
        url = (await client.apps_connections_open(app_token=fake.app_token))["url"]
        socket = await http.ws_connect(url)
        assert (await socket.receive_json())["type"] == "hello"
        return socket

    socket = await connect()
    await fake.close_door()
    assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    assert fake.sockets == 0
    assert (await fake.command("x")).error == "dispatch_failed"
    await fake.open_door()
    await connect()
    assert fake.sockets == 1
