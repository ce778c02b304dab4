"""What can go wrong between the bot and Slack, on purpose: a test names the method and the fault."""

import asyncio
import socket
import struct
from collections import defaultdict, deque
from dataclasses import dataclass

from aiohttp import web

# SO_LINGER on, with no time: closing sends a reset.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_BREAKS = ("500", "reset", "timeout")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong: kind and moment of FakeSlack.fault; times are in seconds."""

    kind: str
    retry_after: int = 1
    seconds: float = 60.0

    @property
    def comes_after(self) -> bool:
        """Whether what was asked for is done all the same."""
        return self.kind.endswith("_after")

    async def commit(self, request: web.Request) -> web.StreamResponse | None:
        """The broken answer; None where the kind is the name of an error, which its door puts into words."""
        if self.kind == "ratelimited":
            body = {"ok": False, "error": "ratelimited"}
            return web.json_response(body, status=429, headers={"Retry-After": str(self.retry_after)})
        what, _, when = self.kind.rpartition("_")
        if when not in ("before", "after") or what not in _BREAKS:
            return None
        if what == "reset":
            return _reset(request)
        if what == "timeout":
            await asyncio.sleep(self.seconds)
        return web.Response(status=500, text="Internal Server Error")


class Faults:
    """The faults that are still to come, by method."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._always: dict[str, Fault] = {}

    def add(self, method: str, fault: Fault, times: int | None) -> None:
        if times is None:
            self._always[method] = fault
        else:
            self._waiting[method].extend([fault] * times)

    def clear(self) -> None:
        self._waiting.clear()
        self._always.clear()

    def take(self, method: str) -> Fault | None:
        """The next fault of the method, which is used up by that unless it is there for ever."""
        waiting = self._waiting.get(method)
        return waiting.popleft() if waiting else self._always.get(method)


def _reset(request: web.Request) -> web.Response:
    transport = request.transport
    assert isinstance(transport, asyncio.Transport)
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
    return web.Response()
