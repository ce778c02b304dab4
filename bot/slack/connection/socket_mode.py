"""Socket Mode: a socket to Slack that is opened again and again, whatever becomes of it.

slack_sdk's client gives up here and there: docs/decisions.md says where, and why this stands in its place.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.runtime.supervision import Supervisor
from bot.slack.connection.auth import TokenRefused, check_app_token
from bot.slack.connection.origins import not_redirected
from bot.slack.connection.socket_link import REPLACED, Link
from bot.slack.connection.socket_pace import LIMITS, Limits, Pace
from bot.slack.errors import error_of, pause_of
from bot.slack.meter import UNMETERED, LostReason, SlackMeter

log = structlog.get_logger()

T = TypeVar("T")
Step = Literal["address", "handshake", "hello"]


class OpeningFailed(Exception):
    """One of the steps to a socket failed; `retry_after` is how long Slack asks to wait, in seconds."""

    def __init__(self, step: Step, failure: Exception) -> None:
        super().__init__(_in_words(failure))
        self.step = step
        self.retry_after = _retry_after(failure)


class Farewelled(Exception):
    """Slack ended the socket before it said hello."""


class Presence:
    """Whether there is a socket. Each change is logged and counted once."""

    def __init__(self, meter: SlackMeter, timer: Callable[[], float]) -> None:
        self._meter = meter
        self._timer = timer
        self._lost_at: float | None = None

    def note_lost(self, reason: LostReason, **details: str) -> None:
        if self._lost_at is None:
            self._lost_at = self._timer()
            self._meter.socket_lost(reason)
            log.warning("socket.lost", reason=reason, **details)
        elif details:
            log.debug("socket.not_opened", **details)

    def note_regained(self, *, at: float) -> None:
        """`at` is when the socket was opened that has lived for long enough to be believed."""
        if self._lost_at is not None:
            self._meter.socket_regained()
            log.info("socket.regained", seconds=round(at - self._lost_at, 1))
            self._lost_at = None


class SocketMode:
    """Keeps one socket open from `start` to `close`. `take` is handed what Slack sends, and must not wait."""

    def __init__(
        self,
        slack: AsyncWebClient,
        *,
        app_token: str,
        take: Callable[[Link, SocketModeRequest], None],
        supervisor: Supervisor,
        meter: SlackMeter = UNMETERED,
        limits: Limits = LIMITS,
        timer: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._slack = slack
        self._app_token = app_token
        self._take = take
        self._supervisor = supervisor
        self._limits = limits
        self._timer = timer
        self._sleep = sleep
        self._pace = Pace(limits, timer=timer, random=random)
        self._presence = Presence(meter, timer)
        self._links: list[Link] = []
        self._leaving: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self._is_refused = False

    @property
    def is_connected(self) -> bool:
        """Whether Slack has said hello over a socket that is still open."""
        return any(link.is_open for link in self._links)

    def start(self) -> None:
        """Begin to open sockets; nothing is waited for."""
        self._session = aiohttp.ClientSession(middlewares=(_send_once,), trace_configs=[not_redirected()])
        self._proof: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._running = self._supervisor.start("slack_socket", self._run)

    async def prove(self) -> None:
        """Wait until Slack has taken the app token; raises TokenRefused."""
        await asyncio.shield(self._proof)

    async def send(self, message: str, *, over: Link) -> None:
        """Over this one, or where it is closed over its successor. Raises ConnectionError."""
        link = next((each for each in (over, *reversed(self._links)) if each.is_open), over)
        await link.send(message)

    async def stop_opening(self) -> None:
        """Open no more sockets; those that are there stay."""
        self._is_closing = True
        await self._running.end()

    async def close(self) -> None:
        """End all of it, within the time that Limits.close allows."""
        await self.stop_opening()
        for leaving in self._leaving:
            leaving.cancel()
        if closing := [
            *self._leaving,
            *(asyncio.create_task(link.close(within=self._limits.close)) for link in self._links),
        ]:
            await asyncio.wait(closing)
        await self._session.close()

    async def _run(self) -> None:
        while True:
            while (pause := self._pace.seconds_to_wait()) > 0:
                await self._sleep(pause)
            self._pace.note_opening()
            try:
                link = await self._open()
            except TokenRefused as refusal:
                self._note_refusal(refusal)
            except OpeningFailed as failure:
                self._note_failure(failure)
            else:
                await self._use(link)

    def _note_refusal(self, refusal: TokenRefused) -> None:
        """At the start it is for whoever waits for the proof. Later the token may be good again."""
        self._pace.pause_for_long()
        if not self._proof.done():
            self._proof.set_exception(refusal)
            self._proof.exception()  # it may be that nobody waits for it
            return
        if not self._is_refused:
            log.error("app_token.refused", error=str(refusal))
        self._is_refused = True
        if not self.is_connected:
            self._presence.note_lost("not_opened", step="address", error=str(refusal))

    def _note_failure(self, failure: OpeningFailed) -> None:
        if not self.is_connected:
            self._presence.note_lost("not_opened", step=failure.step, error=str(failure))
        if failure.retry_after is None:
            self._pace.pause_after_loss()
        else:
            self._pace.pause_as_asked(failure.retry_after)

    async def _open(self) -> Link:
        """A socket over which Slack has said hello. Raises OpeningFailed and TokenRefused."""
        address = await self._step("address", check_app_token(self._slack, self._app_token))
        self._is_refused = False
        if not self._proof.done():
            self._proof.set_result(None)
        link = Link(await self._step("handshake", self._connect(address)), self._take, on_over=self._note_over)
        try:
            await self._step("hello", _hello(link))
        except BaseException:
            await link.close(within=self._limits.close)
            raise
        return link

    async def _connect(self, address: str) -> aiohttp.ClientWebSocketResponse:
        return await self._session.ws_connect(
            address,
            heartbeat=self._limits.ping_after,
            timeout=aiohttp.ClientWSTimeout(ws_close=self._limits.close),
            proxy=self._slack.proxy,
            ssl=True if self._slack.ssl is None else self._slack.ssl,
        )

    async def _step(self, step: Step, doing: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._limits.step):
                return await doing
        except TokenRefused:
            raise
        except Exception as failure:
            # Nothing may end the attempts: slack_sdk raises AttributeError for an answer that is a list.
            raise OpeningFailed(step, failure) from failure

    async def _use(self, link: Link) -> None:
        """Until it has to be replaced."""
        opened_at = self._timer()
        predecessors = list(self._links)
        self._links.append(link)
        if link.reading.done():
            self._note_over(link)
        for predecessor in predecessors:
            self._leave(predecessor, linger=self._limits.linger)
        await asyncio.wait([link.ending], timeout=self._limits.steady_after)
        if not link.ending.done():
            self._presence.note_regained(at=opened_at)
        ending = await link.ending
        if self._timer() - opened_at >= self._limits.settled_after:
            self._pace.note_settled()
        if ending in REPLACED:
            self._leave(link, linger=self._limits.replaced_within)
            self._pace.pause_for_successor()
            return
        # Slack counts sockets that are about to go, too.
        for each in list(self._links):
            self._leave(each, linger=0.0)
        if ending == "link_disabled":
            self._pace.pause_for_long()
        else:
            self._pace.pause_after_loss()

    def _leave(self, link: Link, *, linger: float) -> None:
        """Close it when nothing more comes, or after this time; what is on its way is read until then."""

        async def leave() -> None:
            await asyncio.wait([link.reading], timeout=linger)
            await link.close(within=self._limits.close)

        leaving = asyncio.create_task(leave())
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    def _note_over(self, link: Link) -> None:
        """Of a socket that nothing more can come over."""
        if link not in self._links:  # it is not in use yet
            return
        self._links.remove(link)
        if not self._links and not self._is_closing:
            self._presence.note_lost(link.ending.result())


async def _send_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """A client middleware: aiohttp repeats a GET whose connection broke, and a socket's address is good once."""
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as failure:
        raise aiohttp.ClientPayloadError from failure


async def _hello(link: Link) -> None:
    either: list[asyncio.Future[Any]] = [link.greeting, link.ending]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if not link.greeting.done():
        raise Farewelled(link.ending.result())


def _in_words(failure: Exception) -> str:
    """For the log. The failures' own words may hold addresses, which are as good as keys."""
    match failure:
        case aiohttp.WSServerHandshakeError():
            return f"HTTP {failure.status}"
        case SlackApiError():
            return error_of(failure)
        case TimeoutError():
            return "no answer in time"
        case Farewelled():
            return str(failure)
        case aiohttp.ClientPayloadError() if failure.__cause__ is not None:
            return type(failure.__cause__).__name__
        case _:
            return type(failure).__name__


def _retry_after(failure: Exception) -> float | None:
    source = failure.response if isinstance(failure, SlackApiError) else failure
    pause = pause_of(getattr(source, "headers", None) or {})
    return None if pause is None else pause.total_seconds()
