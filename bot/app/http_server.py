"""The HTTP server: Slack's door, whether this process is alive and can serve, and what it has counted.

Anybody may reach it. What it takes is bounded (`http_connections`), and what it refuses is counted and logged in
sums (`http_refusals`).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.http import HttpVersion11

from bot.app.address import explain
from bot.app.http_bodies import Bodies, Body
from bot.app.http_connections import BODY_AT_MOST, Connection, Crowd, Limits, Server, as_far_as_files_go
from bot.app.http_refusals import LOGGED_EVERY, Refusals
from bot.slack.connection.admission import UNMETERED, DoorMeter, ReadBody, Refused

# Where Slack sends its requests (POST), and what is served besides (GET): alive, ready, counted.
SLACK_PATH = "/slack/events"
PAGES = ("/healthz", "/readyz", "/metrics")

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
SlackHandler = Callable[[web.BaseRequest, ReadBody], Awaitable[web.StreamResponse]]
Checks = Callable[[], Awaitable[Mapping[str, bool]]]


async def _no_warnings() -> Mapping[str, bool]:
    return {}


# What is answered to an Accept header, and its content type.
Scrape = Callable[[str], Awaitable[tuple[bytes, str]]]

SLACK_WAITS = 3.0
# What Slack has sent is answered before the server ends; what is left then drips, or is no concern of Slack's.
UNANSWERED_FOR = 1.0


class Door:
    """Slack's door over HTTP: closed (503) until `handler` is there, and again once it is being left."""

    def __init__(self) -> None:
        self.handler: SlackHandler | None = None
        self._inside: set[asyncio.Future[None]] = set()

    async def knock(self, request: web.BaseRequest, read: ReadBody) -> web.StreamResponse:
        """Hand the request on, if somebody is there."""
        if self.handler is None:
            return web.Response(status=503, headers={"Retry-After": "1"})
        answered = asyncio.get_running_loop().create_future()
        self._inside.add(answered)
        try:
            return await self.handler(request, read)
        finally:
            self._inside.discard(answered)
            answered.set_result(None)

    async def close(self) -> None:
        """Let nothing new in, and wait for what is inside, as long as Slack would."""
        self.handler = None
        if self._inside:
            await asyncio.wait(self._inside, timeout=SLACK_WAITS)


@asynccontextmanager
async def open_web(
    *,
    host: str,
    port: int,
    door: Door,
    checks: Checks,
    scrape: Scrape,
    warnings: Checks = _no_warnings,
    limits: Limits | None = None,
    meter: DoorMeter = UNMETERED,
    logged_every: float = LOGGED_EVERY,
) -> AsyncIterator[int]:
    """Serve, and give the port; leaving the block lets requests under way finish. Raises AddressUnavailable."""
    limits = limits or as_far_as_files_go(Limits())
    refusals = Refusals(meter=meter, every=logged_every)
    crowd = Crowd(at_most=limits.connections)
    routes = Routes(
        door,
        _Readiness(checks, warnings),
        scrape,
        limits=limits,
        bodies=Bodies(at_most=limits.bodies),
        refusals=refusals,
    )
    server = Server(routes.answer, limits=limits, crowd=crowd, refusals=refusals)
    runner = web.ServerRunner(server, shutdown_timeout=UNANSWERED_FOR)
    await runner.setup()
    try:
        await _listen(web.TCPSite(runner, host, port), host=host, port=port)
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
        refusals.close()


async def _listen(site: web.TCPSite, *, host: str, port: int) -> None:
    try:
        await site.start()
    except OSError as failure:
        raise explain(failure, host=host, port=port) from failure


class Routes:
    """What is answered to a request; whatever goes wrong with it is counted, and nothing is raised."""

    def __init__(
        self,
        door: Door,
        readiness: "_Readiness",
        scrape: Scrape,
        *,
        limits: Limits,
        bodies: Bodies,
        refusals: Refusals,
    ) -> None:
        self._door = door
        self._scrape = scrape
        self._limits = limits
        self._bodies = bodies
        self._refusals = refusals
        self._readiness = readiness
        handlers: tuple[Handler, ...] = (_alive, self._readiness.answer, self._metrics)
        self._pages: Mapping[str, Handler] = dict(zip(PAGES, handlers, strict=True))

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """To any request at all."""
        connection = request.protocol
        assert isinstance(connection, Connection)
        with connection.working():
            try:
                return await self._routed(request, connection)
            except Refused as refused:
                self._refusals.note(refused.reason)
                status = refused.status
            except (ConnectionError, web.RequestPayloadError):
                # It went away, or was sent away, and what it sent ends in the middle.
                status = 400
            except Exception as failure:  # noqa: BLE001  # the one place; logged by `Refusals`
                self._refusals.note("failed", failure)
                status = 500
            connection.expect_no_more()
            answer = web.Response(status=status)
            answer.force_close()
            return answer

    async def _routed(self, request: web.BaseRequest, connection: Connection) -> web.StreamResponse:
        if request.path == SLACK_PATH:
            return await self._slack(request, connection)
        page = self._pages.get(request.path)
        if page is None:
            raise Refused(404, "unknown_path")
        if request.method not in {"GET", "HEAD"}:
            raise Refused(405, "unknown_path")
        return await page(request)

    async def _slack(self, request: web.BaseRequest, connection: Connection) -> web.StreamResponse:
        if request.method != "POST":
            raise Refused(405, "unknown_path")
        with self._bodies.holding(connection) as body:

            async def read() -> bytes:
                with connection.reading():
                    return await _read(request, body, within=self._limits.body)

            answer = await self._door.knock(request, read)
        if answer.status == 200:  # noqa: PLR2004
            connection.get_acquainted()
        return answer

    async def _metrics(self, request: web.BaseRequest) -> web.Response:
        body, content_type = await self._scrape(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})


async def _read(request: web.BaseRequest, body: Body, *, within: float) -> bytes:
    """The whole body. Raises Refused."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refused(415, "unreadable")
    if (request.content_length or 0) > BODY_AT_MOST:
        raise Refused(413, "too_large")
    if request.content.is_eof() and "Expect" not in request.headers:
        # It came with its headers, as commands do: there is nothing to wait for.
        body.add(request.content.read_nowait())
        return body.whole()
    try:
        async with asyncio.timeout(within):
            await _invite(request)
            while chunk := await request.content.readany():
                body.add(chunk)
    except TimeoutError:
        raise Refused(408, "too_slow") from None
    return body.whole()


async def _invite(request: web.BaseRequest) -> None:
    """Some senders of large bodies ask first; aiohttp answers that for its own routes only."""
    if request.version == HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


async def _alive(_request: web.BaseRequest) -> web.Response:
    return web.json_response({"alive": True})


class _Readiness:
    """Asked by anybody as often as they like; the database is asked once at a time for all of them."""

    def __init__(self, checks: Checks, warnings: Checks) -> None:
        self._checks = checks
        self._warnings = warnings
        self._asking: asyncio.Future[tuple[Mapping[str, bool], Mapping[str, bool]]] | None = None

    async def answer(self, _request: web.BaseRequest) -> web.Response:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.gather(self._checks(), self._warnings())
        checks, warnings = map(dict, await asyncio.shield(self._asking))
        is_ready = all(checks.values())
        told = {"ready": is_ready, "checks": checks, "warnings": warnings}
        return web.json_response(told, status=200 if is_ready else 503)
