"""Every fault of the stand-in's sockets, as a client sees it, and through the stage."""

import time

import aiohttp
import pytest
from aiohttp import WSMsgType
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.handles import TICKET_LASTS
from bot.playground.slack.server import FakeSlack
from bot.playground.slack.socket_faults import ADDRESS, BREAKS, DISCONNECTS, HANDSHAKE, HELLO, SOCKET_FAULTS
from bot.playground.slack.stage import SlackStage
from testing.small_bot import Clock


async def connect(fake: FakeSlack, http: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
    app = AsyncWebClient(base_url=fake.api_url)
    return await http.ws_connect((await app.apps_connections_open(app_token=fake.app_token))["url"])


async def greeted(fake: FakeSlack, http: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
    socket = await connect(fake, http)
    assert (await socket.receive_json())["type"] == "hello"
    return socket


async def test_a_ticket_is_good_for_half_a_minute(
    fake: FakeSlack, clock: Clock, client: AsyncWebClient, http: aiohttp.ClientSession
) -> None:
    url = (await client.apps_connections_open(app_token=fake.app_token))["url"]
    clock.now += TICKET_LASTS + 0.1
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await http.ws_connect(url)
    assert refused.value.status == 403


@pytest.mark.parametrize(
    ("kind", "failure"),
    [("unreachable", aiohttp.ClientConnectorError), ("tls", aiohttp.ClientConnectorSSLError)],
)
async def test_an_address_leads_nowhere(
    fake: FakeSlack, http: aiohttp.ClientSession, kind: str, failure: type[Exception]
) -> None:
    fake.fault(ADDRESS, kind)
    with pytest.raises(failure):
        await connect(fake, http)
    await greeted(fake, http)


@pytest.mark.parametrize(("kind", "status"), [("refused", 403), ("408", 408), ("503", 503), ("429", 429)])
async def test_a_handshake_is_refused(fake: FakeSlack, http: aiohttp.ClientSession, kind: str, status: int) -> None:
    fake.fault(HANDSHAKE, kind, retry_after=7)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await connect(fake, http)
    assert refused.value.status == status
    assert refused.value.headers is not None
    assert refused.value.headers.get("Retry-After") == ("7" if kind == "429" else None)
    await greeted(fake, http)


async def test_a_handshake_is_reset_or_not_answered(fake: FakeSlack, http: aiohttp.ClientSession) -> None:
    fake.fault(HANDSHAKE, "reset", times=2)  # aiohttp tries a second time by itself
    with pytest.raises(aiohttp.ClientOSError):
        await connect(fake, http)
    fake.fault(HANDSHAKE, "silent", seconds=0.1)
    began = time.monotonic()
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await connect(fake, http)
    assert time.monotonic() - began >= 0.1


async def test_hello_does_not_come(fake: FakeSlack, http: aiohttp.ClientSession) -> None:
    fake.fault(HELLO, "missing")
    socket = await connect(fake, http)
    with pytest.raises(TimeoutError):
        await socket.receive(timeout=0.1)
    await socket.close()


@pytest.mark.parametrize("is_by_itself", [True, False], ids=["after hello", "later"])
@pytest.mark.parametrize("kind", BREAKS)
async def test_an_open_socket_fails(
    fake: FakeSlack, http: aiohttp.ClientSession, kind: str, is_by_itself: bool
) -> None:
    if is_by_itself:
        fake.fault(HELLO, kind)
    socket = await greeted(fake, http)
    if not is_by_itself:
        await SlackStage(fake).arrange({"sockets": kind})
    if kind in DISCONNECTS:
        assert (await socket.receive_json())["reason"] == kind
        assert fake.sockets == 0
    elif kind in {"closed", "reset"}:
        assert (await socket.receive()).type in {WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR}
    else:
        await socket.ping()
        with pytest.raises(TimeoutError):
            await socket.receive(timeout=0.1)
        assert fake.sockets == 1
        assert (await fake.command("x")).error == "operation_timeout"
    await socket.close()


@pytest.mark.parametrize("reason", ["link_disabled", "too_many_websockets"])
async def test_a_socket_that_may_not_be_is_closed_at_once(
    fake: FakeSlack, http: aiohttp.ClientSession, reason: str
) -> None:
    socket = await greeted(fake, http)
    await fake.disconnect(reason)
    assert (await socket.receive_json())["reason"] == reason
    assert (await socket.receive(timeout=1.0)).type is WSMsgType.CLOSE


async def test_all_sockets_are_reset_until_slack_is_well(fake: FakeSlack, http: aiohttp.ClientSession) -> None:
    stage = SlackStage(fake)
    socket = await greeted(fake, http)
    await stage.arrange({"fault": "sockets"})
    assert (await socket.receive()).type in {WSMsgType.CLOSED, WSMsgType.ERROR}
    with pytest.raises(aiohttp.ClientOSError):
        await connect(fake, http)
    await stage.arrange({"fault": None})
    await greeted(fake, http)


async def test_what_is_no_fault_is_said(fake: FakeSlack) -> None:
    stage = SlackStage(fake)
    for method in SOCKET_FAULTS:
        with pytest.raises(LookupError, match="no fault 'odd'"):
            await stage.arrange({"method": method, "kind": "odd"})
    with pytest.raises(LookupError, match="no fault 'odd'"):
        await stage.arrange({"sockets": "odd"})


async def test_what_befalls_all_methods_leaves_sockets_alone(fake: FakeSlack, http: aiohttp.ClientSession) -> None:
    url = (await AsyncWebClient(base_url=fake.api_url).apps_connections_open(app_token=fake.app_token))["url"]
    fake.fault("*", "503_before", times=None)
    socket = await http.ws_connect(url)
    assert (await socket.receive_json())["type"] == "hello"
