"""How Slack reaches the bot: signed HTTP requests, or envelopes over one of its sockets."""

import asyncio
import hashlib
import hmac
import itertools
import json
import time

import aiohttp

from bot.playground.slack.deliveries import Delivery, Outcome, in_turn
from bot.playground.slack.faults import Faults
from bot.playground.slack.memory import World
from bot.playground.slack.sockets import SOCKETS_MAY_BE, Sockets
from bot.playground.slack.world import Json

__all__ = ["EVENT_ATTEMPTS", "SOCKETS_MAY_BE", "Delivery", "Doors", "HttpDoor", "Outcome"]

EVENT_ATTEMPTS = 4
_RETRY_REASONS = {"operation_timeout": "http_timeout"}
_HTTP_OK, _HTTP_NOT_NOW = 200, 503


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
