"""The client for Volcengine, proven by what a server receives and counts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from bot.volcengine.api.signing import canonical_query
from bot.volcengine.api.transport import Timeouts, open_http

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def raw_server(serve: Serve) -> AsyncIterator[str]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


class TargetKeeper:
    """Answers every request and keeps its target, byte for byte; drops a connection after `answers_each` of them."""

    def __init__(self, answers_each: int = 1000) -> None:
        self.targets: list[bytes] = []
        self.connections = 0
        self._answers_each = answers_each

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        answered = 0
        while head := await read_head(reader):
            self.targets.append(head.split(b" ")[1])
            if answered == self._answers_each:
                break
            writer.write(OK)
            answered += 1
        writer.close()


async def read_head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1, max_size=3))
async def test_what_is_sent_is_what_was_signed(values: list[str]) -> None:
    query = canonical_query((f"n{place}", value) for place, value in enumerate(values))
    keeper = TargetKeeper()
    async with raw_server(keeper) as origin, open_http(patience=Timeouts()) as http:
        await http.get(f"{origin}/?{query}")
    assert keeper.targets == [f"/?{query}".encode()]


async def test_without_the_cure_the_query_would_be_changed() -> None:
    """Why the middleware is there: once this fails, it can go."""
    keeper = TargetKeeper()
    async with raw_server(keeper) as origin, aiohttp.ClientSession() as session:
        await (await session.get(URL(f"{origin}/?RoomId=a%40b%2A"))).read()
    assert keeper.targets == [b"/?RoomId=a@b*"]


async def test_connections_are_kept_alive() -> None:
    keeper = TargetKeeper()
    async with raw_server(keeper) as origin, open_http(patience=Timeouts()) as http:
        for _ in range(3):
            await http.get(origin)
    assert (len(keeper.targets), keeper.connections) == (3, 1)


async def test_a_request_on_a_dropped_connection_is_not_repeated_behind_our_back() -> None:
    keeper = TargetKeeper(answers_each=1)
    async with raw_server(keeper) as origin, open_http(patience=Timeouts()) as http:
        await http.get(origin)
        with pytest.raises(httpx.TransportError) as failed:
            await http.get(origin)
    assert len(keeper.targets) == 2
    assert isinstance(failed.value.__cause__, aiohttp.ClientPayloadError)
    assert isinstance(failed.value.__cause__.__cause__, aiohttp.ServerDisconnectedError)


async def test_a_refused_connection_is_told_from_one_that_takes_too_long() -> None:
    async with raw_server(TargetKeeper()) as closed_soon:
        pass
    async with open_http(patience=Timeouts()) as http:
        with pytest.raises(httpx.TransportError) as refused:
            await http.get(closed_soon)
    assert isinstance(refused.value.__cause__, aiohttp.ClientPayloadError)
    assert isinstance(refused.value.__cause__.__cause__, aiohttp.ClientConnectorError)


async def test_a_redirect_is_not_followed_and_a_cookie_not_kept() -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await read_head(reader):
            heads.append(head)
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with raw_server(serve) as origin, open_http(patience=Timeouts()) as http:
        assert (await http.get(origin)).status_code == 302
        await http.get(origin)
    assert len(heads) == 2
    assert b"cookie" not in heads[1].lower()


async def test_more_requests_than_any_pool_would_allow_are_sent_at_once() -> None:
    """A pool that made requests wait after their turn at the pacer would let them go in a bunch."""
    waiting, all_there = 0, asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal waiting
        while await read_head(reader):
            waiting += 1
            if waiting == 150:
                all_there.set()
            await all_there.wait()
            writer.write(OK)
        writer.close()

    async with raw_server(serve) as origin, open_http(patience=Timeouts()) as http:
        answers = await asyncio.gather(*(http.get(origin) for _ in range(150)))
    assert {answer.status_code for answer in answers} == {200}
