"""Requests from Slack over HTTP: the signature is checked before the body is read."""

import hashlib
import hmac
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.slack.connection.admission import ReadBody, Refused
from bot.slack.connection.origins import drop_foreign_url
from bot.slack.meter import UNMETERED, SlackMeter, kind_of
from bot.slack.request.mark import mark


def http_door(
    bolt: AsyncApp,
    *,
    signing_secret: str,
    now: Callable[[], float] = time.time,
    timer: Callable[[], float] = time.monotonic,
    meter: SlackMeter = UNMETERED,
) -> Callable[[web.BaseRequest, ReadBody], Awaitable[web.StreamResponse]]:
    """The handler of POST /slack/events, which raises Refused."""

    async def handle(request: web.BaseRequest, read: ReadBody) -> web.StreamResponse:
        received_at = timer()
        signed = read_signature(request.headers, now=now)
        body = await read()
        check_signature(signed, body, secret=signing_secret)
        payload = _payload_of(body)
        mark(payload.body, door="http", name=signed.signature)
        drop_foreign_url(payload.body, api_url=bolt.client.base_url)
        answer = await to_aiohttp_response(await bolt.async_dispatch(payload))
        meter.acknowledged(kind_of(payload.body), timer() - received_at)
        return answer

    return handle


def _payload_of(body: bytes) -> AsyncBoltRequest:
    """By what it looks like: headers are not signed, and gateways change them. Raises Refused."""
    try:
        text = body.decode()
        content_type = "application/json" if text.startswith("{") else "application/x-www-form-urlencoded"
        payload = AsyncBoltRequest(body=text, headers={"content-type": content_type})
    except (ValueError, RecursionError, TypeError, AttributeError):  # what Bolt makes of odd bodies
        raise Refused(400, "unreadable") from None
    if not isinstance(payload.body, dict):
        raise Refused(400, "unreadable")
    return payload


_MAY_DIFFER_BY = 300


_TIMESTAMP = re.compile(r"[0-9]{1,12}")


_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Signed:
    """What a request says of who sent it, and when."""

    timestamp: str
    signature: str


def read_signature(headers: Mapping[str, str], *, now: Callable[[], float]) -> Signed:
    """By the headers alone. Raises Refused."""
    timestamp = headers.get("X-Slack-Request-Timestamp", "")
    signature = headers.get("X-Slack-Signature", "")
    if not (_TIMESTAMP.fullmatch(timestamp) and _SIGNATURE.fullmatch(signature)):
        raise Refused(400, "unsigned")
    if abs(now() - int(timestamp)) > _MAY_DIFFER_BY:
        raise Refused(401, "stale")
    return Signed(timestamp, signature)


def check_signature(signed: Signed, body: bytes, *, secret: str) -> None:
    """Whether the body is what Slack has signed. Raises Refused."""
    base = b"v0:" + signed.timestamp.encode() + b":" + body
    expected = "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signed.signature):
        raise Refused(401, "forged")
