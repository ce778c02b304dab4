"""How Slack reaches the bot: signed HTTP requests, or envelopes over one of its sockets."""

import asyncio
import hashlib
import hmac
import itertools
import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from bot.playground.slack_faults import Faults
from bot.playground.slack_handles import Tickets
from bot.playground.slack_memory import World
from bot.playground.slack_socket_faults import (
    ADDRESS,
    HANDSHAKE,
    HELLO,
    INSTEAD,
    Socket,
    spoil_address,
    spoil_handshake,
)
from bot.playground.slack_world import A_APP, Json, Refused

SOCKETS_MAY_BE = 10
EVENT_ATTEMPTS = 4
_RETRY_REASONS = {"operation_timeout": "http_timeout"}
_HTTP_OK, _HTTP_NOT_NOW = 200, 503

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command, press or event.

    `error` is what the person would see, None when all is well; `seconds` is how long the ack took; `body` is what
    the ack said (JSON, or text), None for nothing; `status` is HTTP's, None over a socket or without an answer.
    """

    acked: bool
    seconds: float
    error: str | None = None
    status: int | None = None
    body: Json | str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is to be delivered: slash_commands, interactive or events_api, with its payload.

    Delivered again it has the same envelope's id, or the same signature: `stamp` is the time that is signed.
    """

    kind: str
    payload: Json
    takes_answer: bool = True
    retry: Json = field(default_factory=dict)
    envelope_id: str = field(default_factory=lambda: secrets.token_hex(16))
    stamp: str = field(default_factory=lambda: str(int(time.time())))

    def as_http(self) -> tuple[bytes, str]:
        """Body and content type."""
        if self.kind == "events_api":
            return json.dumps(self.payload).encode(), "application/json"
        form = {"payload": json.dumps(self.payload)} if self.kind == "interactive" else self.payload
        return urlencode(form).encode(), "application/x-www-form-urlencoded"


class Sockets:
    """Socket Mode: tickets, sockets, envelopes and their acknowledgements."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self._tickets = Tickets(world.clock)
        self._open: list[Socket] = []
        self._waiting: dict[str, asyncio.Future[Json]] = {}
        self._sent: dict[str, bool] = {}
        self._turns = itertools.count()

    @property
    def usable(self) -> list[Socket]:
        return [socket for socket in self._open if socket.is_usable]

    def new_url(self, origin: str) -> str:
        """Good for one connection, and not for long; raises Refused."""
        if len(self.usable) >= SOCKETS_MAY_BE:
            raise Refused("too_many_websockets")
        url = f"{origin.replace('http', 'ws', 1)}/link/?ticket={self._tickets.new()}&app_id={A_APP}"
        return spoil_address(url, self._faults.take_own(ADDRESS))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One socket of the bot, until it goes."""
        if (fault := self._faults.take_own(HANDSHAKE)) is not None:
            self._world.note("stand-in", "fault", f"{HANDSHAKE}: {fault.kind}")
            return await spoil_handshake(fault, request)
        if not self._tickets.use(request.query.get("ticket", "")) or len(self.usable) >= SOCKETS_MAY_BE:
            return web.Response(status=403, text="invalid_ticket")
        socket = Socket(web.WebSocketResponse(timeout=0.5, autoping=False), request.transport)
        await socket.response.prepare(request)
        try:
            async with socket.end:
                await self._follow(socket)
        except TimeoutError:
            await socket.close()
        return socket.response

    async def _follow(self, socket: Socket) -> None:
        """From its hello until the bot goes, or as long as it may stay."""
        self._open.append(socket)
        self._world.note("from bot", "socket", f"connected, {len(self.usable)} in all")
        try:
            await self._greet(socket)
            async for message in socket.response:
                if message.type is aiohttp.WSMsgType.PING:
                    await socket.pong(message.data)
                elif not socket.is_silent:
                    self._receive(str(message.data))
        except ConnectionError:  # it went while it was being written to
            pass
        finally:
            self._open.remove(socket)
            self._world.note("from bot", "socket", f"gone, {len(self.usable)} left")

    async def _greet(self, socket: Socket) -> None:
        fault = self._faults.take_own(HELLO)
        if fault is not None:
            self._world.note("stand-in", "fault", f"{HELLO}: {fault.kind}")
        if fault is None:
            await socket.hello(number=len(self.usable))
        elif fault.kind.endswith(INSTEAD):
            await socket.disconnect(fault.kind.removesuffix(INSTEAD))
        elif fault.kind != "missing":
            await socket.hello(number=len(self.usable))
            await socket.spoil(fault.kind)

    def _receive(self, text: str) -> None:
        try:
            message = json.loads(text)
            envelope_id = message["envelope_id"]
            takes_answer = self._sent[envelope_id]
        except (ValueError, LookupError, TypeError):
            self._world.complain(f"socket: this acknowledges nothing that was sent: {text[:100]}")
            return
        if message.get("payload") and not takes_answer:
            self._world.complain("socket: an answer to an envelope that takes none")
        waiting = self._waiting.get(envelope_id)
        if waiting and not waiting.done():
            waiting.set_result(message)

    async def deliver(self, delivery: Delivery, limit: float) -> Outcome:
        """Over one of the sockets, each in its turn; at most `limit` seconds for the acknowledgement."""
        envelope_id = delivery.envelope_id
        envelope = {
            "envelope_id": envelope_id,
            "type": delivery.kind,
            "payload": delivery.payload,
            "accepts_response_payload": delivery.takes_answer,
            **delivery.retry,
        }
        waiting = self._waiting[envelope_id] = asyncio.get_running_loop().create_future()
        self._sent[envelope_id] = delivery.takes_answer
        began = time.monotonic()
        try:
            async with asyncio.timeout(limit):
                await in_turn(self.usable, next(self._turns))[0].send(envelope)
                message = await waiting
        except (TimeoutError, ConnectionError):
            return Outcome(acked=False, seconds=time.monotonic() - began, error="operation_timeout")
        finally:
            del self._waiting[envelope_id]
        return Outcome(acked=True, seconds=time.monotonic() - began, body=message.get("payload") or None)

    async def spoil(self, kind: str, at_most: int | None = None) -> None:
        """Each socket, or the oldest ones, meets with one of BREAKS."""
        for socket in self.usable[:at_most]:
            await socket.spoil(kind)
        self._world.touch()

    async def drop(self) -> None:
        """Closes every socket without a word."""
        for socket in list(self._open):
            await socket.close()


class HttpDoor:
    """Signed requests to the bot's one URL, behind which there may be a balancer.

    `replicas` are the addresses that the balancer hands on to, each in its turn, but for those that are not well.
    """

    def __init__(self, signing_secret: str) -> None:
        self._signing_secret = signing_secret
        self.replicas: list[str] = []
        self.skew = 0
        self.session: aiohttp.ClientSession | None = None
        self._turns = itertools.count()

    @property
    def url(self) -> str | None:
        """The first one where there are several."""
        return self.replicas[0] if self.replicas else None

    @url.setter
    def url(self, url: str | None) -> None:
        self.replicas = [] if url is None else [url]

    def sign(self, body: bytes, *, timestamp: str | None = None, secret: str | None = None) -> dict[str, str]:
        """The headers that prove the body's origin. The time is the real one: so is that of who verifies."""
        stamp = timestamp or str(int(time.time()) + self.skew)
        base = b"v0:" + stamp.encode() + b":" + body
        digest = hmac.new((secret or self._signing_secret).encode(), base, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}

    async def deliver(self, delivery: Delivery, limit: float) -> Outcome:
        body, content_type = delivery.as_http()
        headers = {"Content-Type": content_type, "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)"}
        if delivery.retry:
            headers["X-Slack-Retry-Num"] = str(delivery.retry["retry_attempt"])
            headers["X-Slack-Retry-Reason"] = str(delivery.retry["retry_reason"])
        return await self.post(
            body, headers | self.sign(body, timestamp=str(int(delivery.stamp) + self.skew)), limit=limit
        )

    async def post(self, body: bytes, headers: dict[str, str], *, limit: float) -> Outcome:
        """These bytes with these headers, whether they are right or not."""
        assert self.session is not None
        assert self.replicas
        began = time.monotonic()
        try:
            async with (
                asyncio.timeout(limit),
                await self._response(self.session, body, headers) as response,
            ):
                content, content_type = await response.text(), response.content_type
        except TimeoutError:
            return Outcome(acked=False, seconds=time.monotonic() - began, error="operation_timeout")
        except aiohttp.ClientError:
            return Outcome(acked=False, seconds=time.monotonic() - began, error="dispatch_failed")
        seconds = time.monotonic() - began
        if response.status != _HTTP_OK:
            return Outcome(
                acked=False, seconds=seconds, error="dispatch_failed", status=response.status, body=content or None
            )
        return _read_ack(content, content_type, seconds)

    async def _response(
        self, session: aiohttp.ClientSession, body: bytes, headers: dict[str, str]
    ) -> aiohttp.ClientResponse:
        """Of the replica whose turn it is; of the next one where that refuses the connection or says 503."""
        *others, last = in_turn(self.replicas, next(self._turns))
        for url in others:
            try:
                response = await session.post(url, data=body, headers=headers, allow_redirects=False)
            except aiohttp.ClientConnectorError:
                continue
            if response.status != _HTTP_NOT_NOW:
                return response
            response.release()
        return await session.post(last, data=body, headers=headers, allow_redirects=False)


def in_turn(all_of_them: Sequence[T], turn: int) -> list[T]:
    """The one whose turn it is, and after it the others, in their order."""
    first = turn % len(all_of_them)
    return [*all_of_them[first:], *all_of_them[:first]]


def _read_ack(content: str, content_type: str, seconds: float) -> Outcome:
    body: Json | str | None = content or None
    if content_type == "application/json" and content:
        try:
            body = json.loads(content)
        except ValueError:
            return Outcome(acked=True, seconds=seconds, error="invalid_command_response", status=_HTTP_OK, body=content)
    return Outcome(acked=True, seconds=seconds, status=_HTTP_OK, body=body)


class Doors:
    """Chooses the way as Slack does: sockets where there are any, the request URL otherwise."""

    def __init__(self, world: World, faults: Faults, signing_secret: str, ack_limit: float) -> None:
        self.sockets = Sockets(world, faults)
        self.http = HttpDoor(signing_secret)
        self.ack_limit = ack_limit
        self.repeats = 0
        self.repeated: list[Outcome] = []
        self._world = world

    async def deliver(self, delivery: Delivery) -> Outcome:
        """What became of the first one, where it is delivered several times."""
        outcome = await self._deliver(delivery)
        for _ in range(self.repeats):
            self.repeated.append(await self._deliver(delivery))
        return outcome

    async def _deliver(self, delivery: Delivery) -> Outcome:
        if self.sockets.usable:
            outcome = await self.sockets.deliver(delivery, self.ack_limit)
        elif self.http.url:
            outcome = await self.http.deliver(delivery, self.ack_limit)
        else:
            outcome = Outcome(acked=False, seconds=0.0, error="dispatch_failed")
        told = outcome.error or f"acknowledged after {outcome.seconds * 1000:.0f} ms"
        self._world.note(
            "to bot", delivery.kind, told, {"payload": delivery.payload, "acknowledged with": outcome.body}
        )
        return outcome

    async def deliver_event(self, payload: Json) -> Outcome:
        """Again and again until it is acknowledged, EVENT_ATTEMPTS times at most; the real one waits in between."""
        outcome = await self.deliver(Delivery("events_api", payload, takes_answer=False))
        for attempt in range(1, EVENT_ATTEMPTS):
            if outcome.acked:
                break
            reason = _RETRY_REASONS.get(outcome.error or "", "http_error")
            retry = {"retry_attempt": attempt, "retry_reason": reason}
            outcome = await self.deliver(Delivery("events_api", payload, takes_answer=False, retry=retry))
        return outcome
