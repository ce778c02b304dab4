"""The door for what Slack sends over a socket (Socket Mode)."""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Self

import structlog
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.runtime.supervision import Supervisor
from bot.slack.background import BackgroundTasks
from bot.slack.connection.origins import drop_foreign_url
from bot.slack.connection.socket_link import Link
from bot.slack.connection.socket_mode import SocketMode
from bot.slack.connection.socket_pace import LIMITS, Limits
from bot.slack.meter import UNMETERED, SlackMeter, kind_of
from bot.slack.request.mark import mark
from bot.slack.response import send_afterwards

log = structlog.get_logger()

# Seconds; a listener acknowledges within 2 s, Slack waits for 3.
_ACKNOWLEDGED_WITHIN = 3.0
_HTTP_OK = 200


class SocketDoor:
    """A socket to Slack, as an async context manager. Entering it waits for nothing: the socket is there when it is.

    Leaving it lets what is inside be acknowledged before the socket is closed, for `acknowledged_within` seconds, and
    takes a second more at most. Slack cannot be told to send nothing more, so until then new commands are acknowledged
    at once, lest ever more have to be waited for, and answered afterwards, which `work` waits for.
    """

    def __init__(
        self,
        bolt: AsyncApp,
        *,
        app_token: str,
        slack: AsyncWebClient,
        work: BackgroundTasks,
        supervisor: Supervisor | None = None,
        timer: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = random.random,
        meter: SlackMeter = UNMETERED,
        limits: Limits = LIMITS,
        acknowledged_within: float = _ACKNOWLEDGED_WITHIN,
    ) -> None:
        self._acknowledged_within = acknowledged_within
        self._sockets = SocketMode(
            slack,
            app_token=app_token,
            take=self._begin,
            supervisor=supervisor or Supervisor(),
            meter=meter,
            limits=limits,
            timer=timer,
            sleep=sleep,
            random=random,
        )
        self._bolt = bolt
        self._slack = slack
        self._work = work
        self._timer = timer
        self._meter = meter
        self._is_leaving = False
        self._inside: set[asyncio.Task[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def is_connected(self) -> bool:
        """Whether Slack is at the other end."""
        return self._sockets.is_connected

    async def prove(self) -> None:
        """Wait until Slack has taken the app token, however long that takes. Raises TokenRefused."""
        await self._sockets.prove()

    async def __aenter__(self) -> Self:
        self._sockets.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._is_leaving = True
        await self._sockets.stop_opening()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._acknowledged_within):
                    while self._inside:
                        await asyncio.wait(self._inside)
        finally:
            await self._sockets.close()

    def _begin(self, link: Link, request: SocketModeRequest) -> None:
        task = asyncio.create_task(self._take(link, request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take(self, link: Link, request: SocketModeRequest) -> None:
        mark(request.payload, door="socket", name=request.envelope_id)
        drop_foreign_url(request.payload, api_url=self._slack.base_url)
        received_at = self._timer()
        is_late = self._is_leaving and request.type == "slash_commands"
        try:
            if is_late:
                await self._send(SocketModeResponse(envelope_id=request.envelope_id), over=link)
            else:
                await self._acknowledge(link, request)
        except ConnectionError:
            # The socket was closed meanwhile. Slack tells the person that it failed, and an answer would gainsay that.
            log.debug("acknowledgement.lost", kind=request.type)
            return
        self._meter.acknowledged(kind_of(request.payload), self._timer() - received_at)
        if is_late:
            with self._work.holding():
                await self._answer_afterwards(request)

    async def _acknowledge(self, link: Link, request: SocketModeRequest) -> None:
        inside = asyncio.create_task(self._answer(link, request))
        self._inside.add(inside)
        inside.add_done_callback(self._inside.discard)
        await inside

    async def _answer(self, link: Link, request: SocketModeRequest) -> None:
        answer = await run_async_bolt_app(self._bolt, request)
        if answer.status == _HTTP_OK:
            response = SocketModeResponse(envelope_id=request.envelope_id, payload=_payload_of(answer))
            await self._send(response, over=link)

    async def _send(self, response: SocketModeResponse, *, over: Link) -> None:
        await self._sockets.send(json.dumps(response.to_dict()), over=over)

    async def _answer_afterwards(self, request: SocketModeRequest) -> None:
        """What would have been the acknowledgement's answer."""
        answer = await run_async_bolt_app(self._bolt, request)
        if answer.body:
            message, url = json.loads(answer.body), str(request.payload["response_url"])
            assert self._slack.session is not None
            await send_afterwards(message, url, session=self._slack.session, meter=self._meter)


def _payload_of(answer: BoltResponse) -> dict[str, Any] | None:
    """What an acknowledgement says: Bolt's answer is for HTTP, as JSON or as text."""
    if not answer.body:
        return None
    content_type = answer.headers.get("content-type", [""])[0]
    if content_type.startswith("application/json"):
        message: dict[str, Any] = json.loads(answer.body)
        return message
    return {"text": answer.body}
