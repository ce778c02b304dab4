"""What can go wrong on the way to RTC, done by the stand-in for the rooms of these names."""

import asyncio
import gzip
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import web

HUGE = 50_000_000
EMPTY_OBJECTS_SIZE = 10_000_000
SLOW_FOR = 30.0
# SO_LINGER on, with no time: closing sends a reset.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Fault:
    """One room of the stand-in that breaks the exchange instead of answering; `is_whole` where it answers oddly."""

    about: str
    commit: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
    is_whole: bool = False


def _transport_of(request: web.BaseRequest) -> asyncio.Transport:
    transport = request.transport
    assert isinstance(transport, asyncio.Transport)
    return transport


async def _write_raw(request: web.BaseRequest, raw: bytes) -> web.StreamResponse:
    transport = _transport_of(request)
    transport.write(raw)
    transport.close()
    return web.Response()


async def _slow(_request: web.BaseRequest) -> web.StreamResponse:
    await asyncio.sleep(SLOW_FOR)
    return web.json_response({})


async def _html(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text="<html><h1>Please log in to the guest network</h1></html>", content_type="text/html")


async def _bad_gateway(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=502, text="<html><h1>502 Bad Gateway</h1></html>", content_type="text/html")


async def _retry_after(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=503, headers={"Retry-After": "1"})


async def _redirect(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": "https://example.com/"})


async def _truncated_json(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(
        text='{"ResponseMetadata": {"RequestId": "cut"}, "Result": {"Rec', content_type="application/json"
    )


async def _truncated(request: web.BaseRequest) -> web.StreamResponse:
    return await _write_raw(request, b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"ResponseMetadata": {}')


async def _malformed(request: web.BaseRequest) -> web.StreamResponse:
    return await _write_raw(request, b"HTTP/9.9 what\r\nthis is: not\x00 http\r\n\r\n")


async def _bad_chunks(request: web.BaseRequest) -> web.StreamResponse:
    return await _write_raw(request, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n")


async def _bad_gzip(request: web.BaseRequest) -> web.StreamResponse:
    return await _write_raw(request, b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope")


async def _huge(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"Result": "')
    with suppress(ConnectionError):  # the other side has had enough
        for _ in range(HUGE // 100_000):
            await response.write(b"x" * 100_000)
    return response


async def _empty_objects(_request: web.BaseRequest) -> web.StreamResponse:
    many = ",".join(["{}"] * (EMPTY_OBJECTS_SIZE // 3))
    return web.Response(text=f'{{"Result": {{"RecordTask": {{"RecordFileList": [{many}]}}}}}}')


def _whole(*, start: str = "1624873773000", end: str = "1624874235000") -> str:
    """An answer that is whole, with these numbers in it."""
    task = f'{{"StartTime": {start}, "EndTime": {end}, "Status": 3, "StopReason": "StopByAPI", "RecordFileList": []}}'
    return f'{{"ResponseMetadata": {{"RequestId": "whole"}}, "Result": {{"RecordTask": {task}}}}}'


async def _gzip_in_capitals(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(body=gzip.compress(_whole().encode()), headers={"Content-Encoding": "GZIP, identity"})


async def _unknown_encoding(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(body=_whole().encode(), headers={"Content-Encoding": "aws-chunked"})


async def _utf_16(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(body=_whole().encode("utf-16"), content_type="application/json")


async def _rounded(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text=_whole(end="1.62487e+12"), content_type="application/json")


async def _in_seconds(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text=_whole(start="1624873773", end="1624874235.0"), content_type="application/json")


async def _reset(request: web.BaseRequest) -> web.StreamResponse:
    transport = _transport_of(request)
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
    return web.Response()


async def _closed(request: web.BaseRequest) -> web.StreamResponse:
    _transport_of(request).close()
    return web.Response()


FAULTS: dict[str, Fault] = {
    "slow": Fault("no answer for 30 s", _slow),
    "html": Fault("a page instead of JSON, with HTTP 200", _html),
    "bad-gateway": Fault("a load balancer's page, with HTTP 502", _bad_gateway),
    "retry-after": Fault("HTTP 503 with Retry-After", _retry_after),
    "redirect": Fault("a redirect to elsewhere", _redirect),
    "truncated-json": Fault("JSON that ends in the middle", _truncated_json),
    "truncated": Fault("fewer bytes than announced", _truncated),
    "malformed": Fault("something that is not HTTP", _malformed),
    "bad-chunks": Fault("a body whose chunks are broken", _bad_chunks),
    "bad-gzip": Fault("a body that is not what its encoding says", _bad_gzip),
    "huge": Fault("50 MB", _huge),
    "empty-objects": Fault("10 MB of empty objects", _empty_objects),
    "gzip-in-capitals": Fault(
        "a whole answer, its Content-Encoding `GZIP, identity`", _gzip_in_capitals, is_whole=True
    ),
    "unknown-encoding": Fault(
        "a whole answer, not packed, with a Content-Encoding that nobody knows", _unknown_encoding, is_whole=True
    ),
    "utf-16": Fault("a whole answer in UTF-16 with a byte order mark", _utf_16, is_whole=True),
    "rounded": Fault("a whole answer, its end rounded to six digits: 1.62487e+12", _rounded, is_whole=True),
    "in-seconds": Fault("a whole answer, its times in seconds", _in_seconds, is_whole=True),
    "reset": Fault("the connection is reset", _reset),
    "closed": Fault("the connection is closed without an answer", _closed),
}
