"""Signatures, acks, sockets, tickets, URLs and triggers: what Slack is strict about at its doors."""

import asyncio
import json
import time

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.delivery import EVENT_ATTEMPTS, SOCKETS_MAY_BE
from bot.playground.slack.server import FakeSlack
from bot.playground.slack.world import (
    U_ANA,
)
from testing.small_bot import MODAL, Clock, SmallBot, connected, refusal_of, serve


async def test_a_wrong_signature_gets_nowhere(fake: FakeSlack) -> None:
    bot = SmallBot(fake)
    async with connected(bot, fake, "http"):
        body = b"command=%2Frectask&text=x"
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for wrong in ({"secret": "other"}, {"timestamp": str(int(time.time()) - 301)}):
            outcome = await fake.post_to_bot(body, form | fake.sign(body, **wrong))
            assert (outcome.acked, outcome.status, outcome.error) == (False, 401, "dispatch_failed")
        assert (await fake.post_to_bot(body, form)).status == 401
        assert bot.seen == []


async def test_without_any_door_a_command_fails(fake: FakeSlack) -> None:
    assert (await fake.command("x")).error == "dispatch_failed"
    fake.request_url = "http://127.0.0.1:1/"
    assert (await fake.command("x")).error == "dispatch_failed"


async def test_an_ack_that_breaks_a_rule_is_not_shown(fake: FakeSlack) -> None:
    acks = [
        b"not json",
        b'{"text": "x", "colour": "red"}',
        b'{"text": ""}',
        json.dumps({"text": "x", "blocks": [{"type": "poem"}]}).encode(),
    ]

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=acks.pop(), content_type="application/json")

    async with serve(answer) as fake.request_url:
        for _ in range(4):
            outcome = await fake.command("x")
            assert (outcome.acked, outcome.error) == (True, "invalid_command_response")
    assert fake.messages == []
    assert fake.complaints == ["ack: unknown argument colour"]
    assert [refusal["error"] for refusal in fake.refusals] == ["invalid_blocks", "no_text"]


async def test_an_event_comes_again_until_it_is_acknowledged(fake: FakeSlack) -> None:
    seen: list[tuple[str | None, str]] = []

    async def answer(request: web.Request) -> web.Response:
        body = await request.json()
        seen.append((request.headers.get("X-Slack-Retry-Num"), body["event_id"]))
        return web.Response(status=200 if len(seen) == 3 else 500)

    async with serve(answer) as fake.request_url:
        assert (await fake.send_event({"type": "app_uninstalled"}, event_id="Ev1")).acked
        assert seen == [(None, "Ev1"), ("1", "Ev1"), ("2", "Ev1")]
        assert not (await fake.send_event({"type": "app_uninstalled"})).acked
        assert len(seen) == 3 + EVENT_ATTEMPTS


async def open_socket(fake: FakeSlack, http: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
    app = AsyncWebClient(base_url=fake.api_url)
    socket = await http.ws_connect((await app.apps_connections_open(app_token=fake.app_token))["url"])
    assert (await socket.receive_json())["type"] == "hello"
    return socket


async def test_a_ticket_is_good_for_one_socket(
    fake: FakeSlack, client: AsyncWebClient, http: aiohttp.ClientSession
) -> None:
    url = (await client.apps_connections_open(app_token=fake.app_token))["url"]
    async with http.ws_connect(url):
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(url)


async def test_there_are_ten_sockets_and_each_envelope_goes_to_one(
    fake: FakeSlack, client: AsyncWebClient, http: aiohttp.ClientSession
) -> None:
    sockets = [await open_socket(fake, http) for _ in range(SOCKETS_MAY_BE)]
    assert await refusal_of(client.apps_connections_open(app_token=fake.app_token)) == "too_many_websockets"
    received: list[int] = []

    async def listen(number: int, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            received.append(number)
            await socket.send_json({"envelope_id": message.json()["envelope_id"], "payload": {"text": "here"}})

    async with asyncio.TaskGroup() as tasks:
        for number, socket in enumerate(sockets):
            tasks.create_task(listen(number, socket))
        outcomes = [await fake.command("x") for _ in range(30)]
        assert all(outcome.acked for outcome in outcomes)
        await fake.drop_sockets()
    assert len(received) == 30
    assert len(set(received)) > 1
    assert len(fake.messages) == 30


async def test_an_unacknowledged_event_comes_again_over_a_socket(fake: FakeSlack, http: aiohttp.ClientSession) -> None:
    socket = await open_socket(fake, http)
    fake._doors.ack_limit = 0.05  # noqa: SLF001 so that the test is short
    sending = asyncio.create_task(fake.send_event({"type": "tokens_revoked"}))
    first, second = await socket.receive_json(), await socket.receive_json()
    assert (second["retry_attempt"], second["retry_reason"]) == (1, "http_timeout")
    assert first["payload"] == second["payload"]
    await socket.send_json({"envelope_id": second["envelope_id"]})
    assert (await sending).acked
    await socket.send_json({"envelope_id": "never sent"})
    await fake.wait_for(lambda: fake.complaints)


async def test_bolt_replaces_its_socket_when_asked(fake: FakeSlack) -> None:
    bot = SmallBot(fake)
    async with connected(bot, fake, "sockets"):
        await fake.disconnect()
        assert fake.sockets == 0
        await fake.wait_for_socket()
        assert (await fake.command("x")).acked


async def test_a_response_url_is_used_up_and_expires(
    fake: FakeSlack, clock: Clock, http: aiohttp.ClientSession
) -> None:
    bot = SmallBot(fake)
    async with connected(bot, fake, "http"):
        await fake.command("x")
        await fake.command("x")
    used, expired = (form["response_url"] for form in bot.seen)

    async def use(url: str, **body: object) -> tuple[int, str]:
        async with http.post(url, json=body) as response:
            return response.status, await response.text()

    assert [await use(used, text="x") for _ in range(6)] == [(200, "ok")] * 5 + [(404, "used_url")]
    assert await use(expired, text="x", response_type="in_channel") == (200, "ok")
    assert [message.ephemeral_to for message in fake.messages[-2:]] == [U_ANA, None]
    assert await use(expired, text="") == (400, "no_text")
    assert fake.complaints == []
    before = list(fake.messages)
    assert await use(expired, text="x", replace_original=True) == (200, "ok")
    assert fake.messages[:-1] == before
    assert await use(expired, text="x", colour="red") == (400, "stand_in_unknown_argument")
    assert len(fake.complaints) == 2
    clock.now += 30 * 60 + 1
    assert await use(expired, text="x") == (404, "expired_url")
    assert await use(f"{fake.url}/hooks/commands/other", text="x") == (404, "invalid_url")


async def test_a_trigger_is_good_once_and_for_three_seconds(
    fake: FakeSlack, clock: Clock, client: AsyncWebClient
) -> None:
    bot = SmallBot(fake)
    async with connected(bot, fake, "http"):
        await fake.command("x")
        await fake.command("x")
    first, second = (form["trigger_id"] for form in bot.seen)
    opened = await client.views_open(trigger_id=first, view=MODAL)
    assert opened["view"]["state"] == {"values": {}}
    assert await refusal_of(client.views_open(trigger_id=first, view=MODAL)) == "exchanged_trigger_id"
    assert await refusal_of(client.views_open(trigger_id="x", view=MODAL)) == "invalid_trigger_id"
    clock.now += 3.1
    assert await refusal_of(client.views_open(trigger_id=second, view=MODAL)) == "expired_trigger_id"
    stale = client.views_update(view_id=opened["view"]["id"], hash="old", view=MODAL)
    assert await refusal_of(stale) == "hash_conflict"
    assert await refusal_of(client.views_update(view_id="V0", view=MODAL)) == "not_found"


@pytest.mark.parametrize(
    ("kind", "http_status", "is_done"),
    [("ratelimited", 429, False), ("500_after", 500, True), ("used_url", 404, False), ("no_text", 400, False)],
)
async def test_faults_of_the_response_url(
    fake: FakeSlack, http: aiohttp.ClientSession, kind: str, http_status: int, is_done: bool
) -> None:
    bot = SmallBot(fake)
    async with connected(bot, fake, "http"):
        await fake.command("x")
    fake.fault("response_url", kind)
    async with http.post(bot.seen[0]["response_url"], json={"text": "later"}) as response:
        assert response.status == http_status
    assert (fake.messages[-1].text == "later") == is_done
