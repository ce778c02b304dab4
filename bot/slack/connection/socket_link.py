"""One socket of Socket Mode, from its handshake to its end."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Literal, get_args

import aiohttp
import structlog
from aiohttp import WSMsgType
from slack_sdk.socket_mode.request import SocketModeRequest

log = structlog.get_logger()

# The reasons that Slack's `disconnect` gives (docs.slack.dev, Socket Mode, read November 2026; the last one is from
# slack_sdk's source).
Farewell = Literal["warning", "refresh_requested", "link_disabled", "too_many_websockets"]
# The socket can be used until its successor is there.
REPLACED = frozenset({"warning", "refresh_requested", "asked_to_leave"})
# Slack closed it in order, it broke off, or Slack did not answer a ping.
Ending = Literal["closed", "broken", "silent", "asked_to_leave", Farewell]
_OVER = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR})
_CLOSED_IN_ORDER = frozenset({aiohttp.WSCloseCode.OK, aiohttp.WSCloseCode.GOING_AWAY})


class Link:
    """Reads what Slack sends, and hands envelopes to `take`, which must not wait.

    `greeting` is done when Slack has said hello, `ending` when the socket should no longer be used and why; a socket
    that Slack wants replaced is read on after that.
    """

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        take: Callable[["Link", SocketModeRequest], None],
        *,
        on_over: Callable[["Link"], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        self.greeting: asyncio.Future[None] = loop.create_future()
        self.ending: asyncio.Future[Ending] = loop.create_future()
        self._socket = socket
        self._take = take
        self._on_over = on_over
        self._reading = asyncio.create_task(self._read())

    @property
    def is_open(self) -> bool:
        return not self._socket.closed

    @property
    def reading(self) -> asyncio.Task[None]:
        """Done when nothing more can come."""
        return self._reading

    async def send(self, message: str) -> None:
        """Raises ConnectionError."""
        await self._socket.send_str(message)

    async def close(self, *, within: float) -> None:
        """Say goodbye, or give up after this time."""
        self._end("closed")
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._socket.close()
        self._reading.cancel()
        await asyncio.wait([self._reading])

    async def _read(self) -> None:
        try:
            while (message := await self._socket.receive()).type not in _OVER:
                if message.type is WSMsgType.TEXT:
                    self._hear(message.data)
            self._end(_ending_of(message, self._socket.close_code))
        finally:
            self._end("broken")
            self._on_over(self)

    def _hear(self, text: str) -> None:
        try:
            message = json.loads(text)
            request = SocketModeRequest.from_dict(message)
        except (ValueError, TypeError):
            log.debug("socket.message_ignored", bytes=len(text))
            return
        if request is not None:
            self._take(self, request)
        elif not isinstance(message, dict):
            log.debug("socket.message_ignored", bytes=len(text))
        elif message.get("type") == "hello" and not self.greeting.done():
            self.greeting.set_result(None)
        elif message.get("type") == "disconnect":
            farewells: tuple[Farewell, ...] = get_args(Farewell)
            self._end(next((each for each in farewells if each == message.get("reason")), "asked_to_leave"))

    def _end(self, ending: Ending) -> None:
        if not self.ending.done():
            self.ending.set_result(ending)


def _ending_of(message: aiohttp.WSMessage, close_code: int | None) -> Ending:
    if isinstance(message.data, aiohttp.ServerTimeoutError):
        return "silent"
    return "closed" if close_code in _CLOSED_IN_ORDER else "broken"
