"""The HTTP client for Volcengine: httpx on aiohttp's transport, made to send exactly what was signed, once.

httpx's own transport took 3.4 ms of CPU a request, aiohttp's 0.7 ms (measured with httpx-aiohttp 0.2.0). Left alone,
the latter re-quotes the URL (`%40` goes out as `@`), so that the signature no longer fits, and repeats a GET whose
kept-alive connection was dropped, past the pacer and the signer. One aiohttp client middleware cures both.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy

import aiohttp
import httpx
import yarl
from httpx_aiohttp import AiohttpTransport

# The URL of the request under way in this asyncio task, as it was signed. aiohttp's middleware sees a re-quoted one.
_url_as_signed: ContextVar[str] = ContextVar("url_as_signed")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: for a connection, for one attempt, and for the answer after all attempts."""

    connect: float = 3.0
    attempt: float = 10.0
    total: float = 25.0


PATIENCE = Patience()


@asynccontextmanager
async def open_http(*, patience: Patience) -> AsyncIterator[httpx.AsyncClient]:
    """A client with keep-alive that follows no redirect, keeps no cookie and takes no proxy from the environment.

    Its failures are httpx.TransportError; their `__cause__` chain ends in what really happened (an OSError for a
    refused connection, aiohttp.ServerDisconnectedError for one that was dropped, and so on).
    """
    tls = httpx.create_ssl_context()
    session = aiohttp.ClientSession(
        # No limit on connections: whoever waits for one would do so after its turn at the pacer, and bunch with others.
        connector=aiohttp.TCPConnector(limit=0, ssl=tls, keepalive_timeout=30),
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(_send_once_as_signed,),
    )
    async with (
        session,
        httpx.AsyncClient(
            transport=_Transport(verify=tls, client=session),
            timeout=httpx.Timeout(patience.attempt, connect=patience.connect, pool=None),
            headers={"user-agent": "rectask"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        ) as http,
    ):
        yield http


class _Transport(AiohttpTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        _url_as_signed.set(str(request.url))
        return await super().handle_async_request(request)


async def _send_once_as_signed(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    request.url = yarl.URL(_url_as_signed.get(), encoded=True)
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError, aiohttp.ClientResponseError) as failure:
        # aiohttp itself repeats a GET after the first two. It never repeats after a payload error, and httpx-aiohttp
        # turns that one into an httpx.ReadError, which it does not do for the third.
        raise aiohttp.ClientPayloadError(str(failure)) from failure
