"""The HTTP server: Slack's door, whether this process is alive and can serve, and what it has counted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from bot.address import explain

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Checks = Callable[[], Awaitable[Mapping[str, bool]]]
# What is answered to an Accept header, and its content type.
Scrape = Callable[[str], Awaitable[tuple[bytes, str]]]

BODY_AT_MOST = 1024 * 1024
SLACK_WAITS = 3.0


class Door:
    """Slack's door over HTTP: closed (503) until `handler` is there, and again once it is being left."""

    def __init__(self) -> None:
        self.handler: Handler | None = None
        self._inside: set[asyncio.Future[None]] = set()

    async def knock(self, request: web.Request) -> web.StreamResponse:
        """Hand the request on, if somebody is there."""
        if self.handler is None:
            return web.Response(status=503, headers={"Retry-After": "1"})
        answered = asyncio.get_running_loop().create_future()
        self._inside.add(answered)
        try:
            return await self.handler(request)
        finally:
            self._inside.discard(answered)
            answered.set_result(None)

    async def close(self) -> None:
        """Let nothing new in, and wait for what is inside, as long as Slack would."""
        self.handler = None
        if self._inside:
            await asyncio.wait(self._inside, timeout=SLACK_WAITS)


@asynccontextmanager
async def open_web(*, host: str, port: int, door: Door, checks: Checks, scrape: Scrape) -> AsyncIterator[int]:
    """Serve, and give the port; leaving the block lets requests under way finish. Raises AddressUnavailable."""
    app = web.Application(client_max_size=BODY_AT_MOST)
    app.router.add_post("/slack/events", door.knock)
    app.router.add_get("/healthz", _alive)
    app.router.add_get("/readyz", _readiness(checks))
    app.router.add_get("/metrics", _metrics(scrape))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=10)
    await runner.setup()
    try:
        await _listen(web.TCPSite(runner, host, port), host=host, port=port)
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def _listen(site: web.TCPSite, *, host: str, port: int) -> None:
    try:
        await site.start()
    except OSError as failure:
        raise explain(failure, host=host, port=port) from failure


async def _alive(_request: web.Request) -> web.Response:
    return web.json_response({"alive": True})


def _readiness(checks: Checks) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        found = dict(await checks())
        is_ready = all(found.values())
        return web.json_response({"ready": is_ready, "checks": found}, status=200 if is_ready else 503)

    return answer


def _metrics(scrape: Scrape) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        body, content_type = await scrape(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    return answer
