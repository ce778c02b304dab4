"""The HTTP server under what anybody may send to it."""

import asyncio
import gzip
import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.typing import EventDict

from bot.app.http_connections import HEADERS_AT_MOST, Limits
from testing.http_server import COMMAND, FORM, MEGABYTE, forged, head, open_house, request, signed

STRICT = Limits(connections=20, headers=0.3, body=0.3, idle=5.0, bodies=2 * MEGABYTE)
SOON = 1.0
JSON = "application/json"


async def test_a_signed_command_is_heard_and_nothing_is_refused() -> None:
    async with open_house() as house:
        await house.command()
    assert house.heard == [FORM]
    assert house.reasons == []


@pytest.mark.parametrize(
    ("sent", "status", "reason"),
    [
        (lambda: head({}, length=10), 400, "unsigned"),
        (lambda: head(forged() | {"X-Slack-Request-Timestamp": "1"}, length=10), 401, "stale"),
        (lambda: head(forged(), length=MEGABYTE + 1), 413, "too_large"),
    ],
    ids=["unsigned", "stale", "too large"],
)
async def test_headers_are_looked_at_before_the_body_is_there(
    sent: Callable[[], bytes], status: int, reason: str
) -> None:
    async with open_house() as house:
        assert await house.status_of(sent()) == status
    assert house.reasons == [reason]


# Each request is made when its test runs: a signature is good for five minutes, and the tests may take longer.
ODD: list[tuple[str, Callable[[], bytes], int]] = [
    ("unsigned rubbish that says it is gzip", lambda: request(b"rubbish", {"Content-Encoding": "gzip"}), 400),
    ("forged rubbish that says it is gzip", lambda: request(b"rubbish", forged(**{"Content-Encoding": "gzip"})), 415),
    (
        "a signed body that is packed",
        lambda: request(gzip.compress(COMMAND), signed(COMMAND, **{"Content-Encoding": "gzip"})),
        415,
    ),
    ("no method", lambda: b"\r\n\r\n\r\nrubbish\r\n\r\n", 400),
    ("TLS", lambda: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ("an address that is none", lambda: b"GET http://[ HTTP/1.1\r\nHost: bot\r\n\r\n", 400),
    ("a header without a name", lambda: b"GET /healthz HTTP/1.1\r\n: x\r\n\r\n", 400),
    ("two lengths", lambda: b"POST /slack/events HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400),
    ("a length below zero", lambda: b"POST /slack/events HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
    (
        "a chunk that is none",
        lambda: head(forged() | {"Transfer-Encoding": "chunked", "Content-Length": ""}) + b"zz\r\n",
        400,
    ),
    ("headers of 33 KB", lambda: head({"Authorization": "x" * 33 * 1024}), 400),
    (
        "headers of 100 KB, without an end",
        lambda: b"GET /healthz HTTP/1.1\r\n" + (b"A: " + b"b" * 1_000 + b"\r\n") * 100,
        431,
    ),
    ("8,000 headers", lambda: b"GET /healthz HTTP/1.1\r\n" + b"A: b\r\n" * 8_000, 400),
    ("another path", lambda: head({}, path="/wp-login.php"), 404),
    ("another method", lambda: head({}, method="GET"), 405),
    ("a post to a page", lambda: head({}, path="/metrics"), 405),
    ("a path that is not UTF-8", lambda: b"GET /%ff%fe\xff HTTP/1.1\r\nHost: bot\r\n\r\n", 400),
    ("a signed list", lambda: request(b"[1]", signed(b"[1]", **{"Content-Type": JSON})), 404),
    ("signed JSON that breaks off", lambda: request(b'{"a":', signed(b'{"a":', **{"Content-Type": JSON})), 400),
    ("signed JSON, very deep", lambda: request(b'{"a":' * 100_000, signed(b'{"a":' * 100_000)), 400),
    ("a signed payload that is a number", lambda: request(b"payload=1", signed(b"payload=1")), 400),
    ("a signed payload of nothing", lambda: request(b"payload=null", signed(b"payload=null")), 400),
    ("a signed body that is not UTF-8", lambda: request(b"\xff\xfe", signed(b"\xff\xfe")), 400),
]


@pytest.mark.parametrize(("sent", "status"), [row[1:] for row in ODD], ids=[row[0] for row in ODD])
async def test_what_is_odd_gets_a_plain_answer(sent: Callable[[], bytes], status: int, logged: list[EventDict]) -> None:
    async with open_house() as house:
        answer = await house.send(sent())
        assert int(answer.split(b" ", 2)[1]) == status
        assert b"rubbish" not in answer.partition(b"\r\n\r\n")[2]
        await house.command()
    assert "failed" not in house.reasons
    assert all("exc_info" not in each or each["exc_info"] is None for each in logged)


@pytest.mark.parametrize(
    "accept",
    [
        "application/openmetrics-text;version=nonsense",
        "text/plain;version=..;escaping=allow-utf-8",
        "text/plain;version=1.0.0;escaping=nonsense",
        "application/openmetrics-text;version=1.0.0é;escaping=é",
        "application/openmetrics-text;version=99999999999999999999.0",
        ";;;,,,===",
        "text/plain;version",
        "é" * 1_000,
    ],
)
async def test_an_odd_accept_header_gets_the_metrics_all_the_same(accept: str) -> None:
    async with open_house() as house:
        answer = await house.send(head({"Accept": accept, "Connection": "close"}, path="/metrics", method="GET"))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"rectask_build_info" in answer
    assert house.reasons == []


@pytest.mark.parametrize(
    "content_type", [JSON, "text/plain", "multipart/form-data", "x", "application/json; charset=x"]
)
async def test_a_form_is_a_form_whatever_the_content_type_says(content_type: str) -> None:
    async with open_house() as house:
        sent = request(COMMAND, signed(COMMAND, **{"Content-Type": content_type}))
        assert (await house.send(sent)).startswith(b"HTTP/1.1 200")
    assert house.heard == [FORM]


async def test_json_is_json_whatever_the_content_type_says() -> None:
    challenge = json.dumps({"type": "url_verification", "challenge": "abc"}).encode()
    async with open_house() as house:
        answer = await house.send(request(challenge, signed(challenge)))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"abc" in answer


@pytest.mark.parametrize("fields", [1, 3])
async def test_headers_up_to_32_kilobytes_are_taken(fields: int) -> None:
    gateway = {f"X-Token-{number}": "t" * ((HEADERS_AT_MOST - 1_000) // fields) for number in range(fields)}
    async with open_house() as house:
        assert (await house.send(request(COMMAND, signed(COMMAND, **gateway)))).startswith(b"HTTP/1.1 200")
    assert house.heard == [FORM]


async def test_who_asks_before_sending_is_told_to_go_on_only_if_it_could_be_slack() -> None:
    asking = {"Expect": "100-continue"}
    async with open_house() as house:
        answer = await house.send(request(COMMAND, signed(COMMAND, **asking)))
        assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")
        assert (await house.send(head(asking, length=10))).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(lambda: (), id="nothing"),
        pytest.param(lambda: (b"POST /slack/ev",), id="half a line"),
        pytest.param(lambda: (head(forged(), length=10)[:-2],), id="headers without an end"),
        pytest.param(lambda: (head(forged(), length=10), b"half"), id="half a body"),
    ],
)
async def test_who_does_not_go_on_is_closed(parts: Callable[[], tuple[bytes, ...]]) -> None:
    async with open_house(STRICT) as house:
        answer = await house.send(*parts())
    assert b"408" in answer
    assert house.reasons == ["too_slow"]


async def test_who_does_not_go_on_with_another_request_is_closed() -> None:
    page = head({}, path="/healthz", method="GET")
    async with open_house(STRICT) as house:
        reader = await house.connect(page)
        assert b"200" in await reader.readuntil(b"true}")
        house.writers[-1].write(page[:-2])
        assert b"408" in await reader.read()


async def test_who_drips_does_not_get_more_time() -> None:
    async with open_house(STRICT) as house:
        reader = await house.connect(head(forged(), length=1_000))

        async def drip() -> None:
            while True:
                house.writers[-1].write(b"x")
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        async with asyncio.timeout(SOON):
            assert b"408" in await reader.readline()
        dripping.cancel()


async def test_idle_connections_make_room_for_a_command(logged: list[EventDict]) -> None:
    async with open_house(Limits(connections=20)) as house:
        for _ in range(60):
            await house.connect()
        assert await house.command() < SOON
    assert house.reasons.count("too_many") >= 40
    assert len(logged) == 2  # the first at once, and the rest when the server is closed


async def test_a_command_gets_through_all_of_it_at_once(logged: list[EventDict]) -> None:
    """`make soak` does it with 2,000, 500 and 100,000."""
    async with open_house(Limits(connections=80, bodies=2 * MEGABYTE)) as house:
        for _ in range(200):
            await house.connect()
        for _ in range(50):
            await house.connect(head(forged(), length=MEGABYTE), b"x" * 1_000)
        one_of_twenty = asyncio.Semaphore(20)

        async def throw(number: int) -> None:
            async with one_of_twenty:
                await house.send(ODD[number % len(ODD)][1]())

        junk = [asyncio.create_task(throw(number)) for number in range(400)]
        for _ in range(20):
            assert await house.command() < SOON
            await asyncio.sleep(0.01)
        await asyncio.gather(*junk)
    assert house.reasons.count("too_many") >= 150
    assert "failed" not in house.reasons
    assert len(logged) == 2


async def test_slacks_own_connection_is_the_last_to_go() -> None:
    kept = head(signed(COMMAND), length=len(COMMAND)) + COMMAND
    async with open_house(Limits(connections=5)) as house:
        reader = await house.connect(kept)
        slack = house.writers[-1]
        assert b"200" in await reader.readline()
        for _ in range(20):
            await house.connect()
        slack.write(kept)
        await slack.drain()
        while len(house.heard) < 2:
            assert await reader.readline()


async def test_bodies_share_one_limit() -> None:
    nearly = b"x" * (MEGABYTE - 1)
    async with open_house(Limits(bodies=8 * MEGABYTE)) as house:
        for _ in range(40):
            await house.connect(head(forged(), length=MEGABYTE), nearly)
        assert await house.command() < SOON
        assert house.reasons.count("too_many") >= 40 - 8


async def test_a_flood_of_refusals_is_two_lines_in_the_log(logged: list[EventDict]) -> None:
    async with open_house() as house:
        for _ in range(30):
            await asyncio.gather(*(house.send(request(b"x", {})) for _ in range(10)))
    assert [each["event"] for each in logged] == ["requests.refused"] * 2
    assert sum(each["unsigned"] for each in logged) == 300


async def test_after_a_while_the_rest_is_logged(logged: list[EventDict]) -> None:
    async with open_house(logged_every=0.05) as house:
        for _ in range(3):
            await house.send(request(b"x", {}))
        await asyncio.sleep(0.1)
        assert [each["unsigned"] for each in logged] == [1, 2]
        await house.send(b"rubbish\r\n\r\n")
    assert logged[-1]["not_http"] == 1


@settings(max_examples=25)
@given(
    st.lists(
        st.binary(max_size=200) | st.sampled_from([b"\r\n", b"\r\n\r\n", b"GET / HTTP/1.1", b"Host: x"]), max_size=8
    )
)
def test_whatever_bytes_come_nothing_fails(parts: list[bytes]) -> None:
    async def send() -> None:
        async with open_house() as house:
            await house.say_and_leave(b"".join(parts))
            await house.command()
        assert "failed" not in house.reasons

    asyncio.run(send())
