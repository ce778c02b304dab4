"""One of Slack's sockets, and what can go wrong with it on purpose: its address, its handshake, what follows hello."""

import asyncio
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from bot.playground.slack.faults import Fault, reset_connection
from bot.playground.slack.world import A_APP, Json

ADDRESS, HANDSHAKE, HELLO = "socket.address", "socket.handshake", "socket.hello"
INSTEAD = "_instead"
# The socket is closed at once after these, and some seconds after the others (docs.slack.dev, Socket Mode).
_AT_ONCE = frozenset({"link_disabled", "too_many_websockets"})
DISCONNECTS = {
    "warning": "Slack announces that it will replace the socket",
    "refresh_requested": "Slack wants the socket replaced",
    "link_disabled": "Socket Mode is switched off on the app's page",
    "too_many_websockets": "the app has more sockets than Slack allows",
}
# What can become of a socket that is open.
BREAKS = {
    "closed": "Slack closes it without a word",
    "reset": "the connection is reset",
    "half_open": "nothing comes through any more in either direction",
    "no_pong": "Slack says nothing more, and answers no ping",
    **DISCONNECTS,
}
SOCKET_FAULTS = {
    ADDRESS: {"unreachable": "nobody listens at the address", "tls": "TLS fails at the address"},
    HANDSHAKE: {
        "refused": "it is answered with HTTP 403",
        "408": "it is answered with this status, or any other; 429 brings Retry-After, 302 an address where nobody is",
        "reset": "the connection is reset",
        "silent": "it is not answered for so many `seconds`",
    },
    HELLO: {
        "missing": "it does not come",
        **{f"{reason}{INSTEAD}": f"it does not come, {what}" for reason, what in DISCONNECTS.items()},
        **{kind: f"after it, {what}" for kind, what in BREAKS.items()},
    },
}
_NOBODY_LISTENS = "ws://127.0.0.1:1/link/"
# Seconds until Slack closes a socket that is to be replaced, or one over which nothing comes any more.
CLOSED_AFTER = 10.0
_ELSEWHERE, _REFUSED, _TOO_MANY_REQUESTS = 302, 403, 429


def is_known(method: str, kind: str) -> bool:
    """Whether there is such a fault, for the methods that are none of Slack's but parts of a socket."""
    kinds = SOCKET_FAULTS.get(method)
    return kinds is None or kind in kinds or (method == HANDSHAKE and kind.isdigit())


def spoil_address(url: str, fault: Fault | None) -> str:
    if fault is None:
        return url
    return _NOBODY_LISTENS if fault.kind == "unreachable" else url.replace("ws:", "wss:", 1)


async def spoil_handshake(fault: Fault, request: web.Request) -> web.StreamResponse:
    if fault.kind == "reset":
        return reset_connection(request.transport)
    if fault.kind == "silent":
        await asyncio.sleep(fault.seconds)
    status = int(fault.kind) if fault.kind.isdigit() else _REFUSED
    return web.Response(status=status, headers=_headers(status, fault))


def _headers(status: int, fault: Fault) -> dict[str, str]:
    if status == _TOO_MANY_REQUESTS:
        return {"Retry-After": str(fault.retry_after)}
    return {"Location": _NOBODY_LISTENS} if status == _ELSEWHERE else {}


@dataclass(eq=False, slots=True)
class Socket:
    """A socket of the bot, from its handshake to its end."""

    response: web.WebSocketResponse
    transport: asyncio.BaseTransport | None
    end: asyncio.Timeout = field(default_factory=lambda: asyncio.timeout(None))
    is_leaving: bool = False
    is_silent: bool = False

    @property
    def is_usable(self) -> bool:
        return not self.is_leaving and not self.response.closed

    async def hello(self, *, number: int) -> None:
        await self.send(
            {
                "type": "hello",
                "num_connections": number,
                "debug_info": {"host": "stand-in", "approximate_connection_time": 3600},
                "connection_info": {"app_id": A_APP},
            }
        )

    async def send(self, message: Json) -> None:
        """Unless nothing comes through."""
        if not self.is_silent:
            await self.response.send_json(message)

    async def pong(self, data: bytes) -> None:
        if not self.is_silent:
            await self.response.pong(data)

    async def disconnect(self, reason: str) -> None:
        """Nothing more is sent over it, and soon it is closed."""
        self.is_leaving = True
        await self.send({"type": "disconnect", "reason": reason, "debug_info": {"host": "stand-in"}})
        self._close_after(0.0 if reason in _AT_ONCE else CLOSED_AFTER)

    async def spoil(self, kind: str) -> None:
        """One of BREAKS becomes of it."""
        if kind in DISCONNECTS:
            await self.disconnect(kind)
        elif kind == "closed":
            await self.close()
        elif kind == "reset":
            self.is_leaving = True
            reset_connection(self.transport)
        else:
            self.is_silent = True
            if kind == "half_open":
                assert isinstance(self.transport, asyncio.ReadTransport)
                self.transport.pause_reading()
            self._close_after(CLOSED_AFTER if kind == "half_open" else None)

    async def close(self) -> None:
        """Without a word where nothing comes through."""
        if self.is_silent:
            reset_connection(self.transport)
        else:
            await self.response.close(code=aiohttp.WSCloseCode.GOING_AWAY)

    def _close_after(self, seconds: float | None) -> None:
        self.end.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)
