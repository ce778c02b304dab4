"""What can go wrong between the bot and Slack, on purpose: a test names the method and the fault."""

import asyncio
import copy
import socket
import struct
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.playground.slack.world import Json

# SO_LINGER on, with no time: closing sends a reset.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_BREAKS = ("reset", "timeout", "slow", "html", "cut")
_SPOILS = ("lacking", "null", "odd")
# What a gateway on the way answers in Slack's place.
_PAGE = "<!doctype html><title>Sign in</title><p>Please sign in to use the internet.</p>"
ALL_METHODS = "*"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong: kind and moment of FakeSlack.fault; times are in seconds."""

    kind: str
    retry_after: float = 1
    seconds: float = 60.0

    @property
    def spoils(self) -> bool:
        """Whether the true answer is told with one field spoilt."""
        return self.kind.partition(":")[0] in _SPOILS

    def spoil(self, answer: Json) -> Json:
        """The answer with that field missing, null or of another type. Raises LookupError where it has none such."""
        how, _, path = self.kind.partition(":")
        spoilt = copy.deepcopy(answer)
        *way, last = path.split(".")
        inside: Any = spoilt
        for step in way:
            inside = inside[int(step) if isinstance(inside, list) else step]
        name: Any = int(last) if isinstance(inside, list) else last
        before = inside[name]
        if how == "lacking":
            del inside[name]
        else:
            inside[name] = None if how == "null" else _odd(before)
        return spoilt

    @property
    def comes_after(self) -> bool:
        """Whether what was asked for is done all the same, and first."""
        return self._moment == "after"

    @property
    def error(self) -> str | None:
        """The name that the method answers with, where the kind is no more than that."""
        return None if self._moment or self.spoils or self.kind == "ratelimited" else self.kind

    @property
    def _what(self) -> str:
        return self.kind.rpartition("_")[0]

    @property
    def _moment(self) -> str | None:
        """before, after, or None where the kind has none."""
        moment = self.kind.rpartition("_")[2]
        is_break = self._what in _BREAKS or self._what.isdigit()
        return moment if is_break and moment in ("before", "after") else None

    async def commit(self, request: web.Request) -> web.StreamResponse | None:
        """The broken answer; None where the true one is to follow, or an error that its door puts into words."""
        if self.kind == "ratelimited":
            return rate_limited(self.retry_after)
        if self._moment is None:
            return None
        if self._what == "timeout":
            await asyncio.sleep(self.seconds)
            return web.Response(status=504, text="Nobody should have waited for this.")
        if self._what == "slow":
            await asyncio.sleep(self.seconds)
            return None
        return await _broken(self._what, request)


async def _broken(what: str, request: web.Request) -> web.StreamResponse:
    """An answer that is none of Slack's, or not whole."""
    match what:
        case "reset":
            return reset_connection(request.transport)
        case "cut":
            return await _cut(request)
        case "html":
            return web.Response(text=_PAGE, content_type="text/html")
    return web.Response(status=int(what), text="Something is wrong here.")


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

    @property
    def are_there(self) -> bool:
        """Whether any is still to come."""
        return bool(self._always) or any(self._waiting.values())

    def take(self, method: str) -> Fault | None:
        """The next fault of the method, or of all, which is used up by that unless it is there for ever."""
        return self.take_own(method) or self.take_own(ALL_METHODS)

    def take_own(self, method: str) -> Fault | None:
        """The same without those of all methods."""
        if self._waiting[method]:
            return self._waiting[method].popleft()
        return self._always.get(method)


def _odd(value: object) -> object:
    """Something of another type, which looks like it: "false" is true."""
    if isinstance(value, bool):
        return str(value).lower()
    return 7 if isinstance(value, str) else "odd"


def rate_limited(retry_after: float) -> web.Response:
    body = {"ok": False, "error": "ratelimited"}
    return web.json_response(body, status=429, headers={"Retry-After": str(retry_after)})


def reset_connection(transport: asyncio.BaseTransport | None) -> web.Response:
    """The answer that nobody gets."""
    assert isinstance(transport, asyncio.WriteTransport)
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
    return web.Response()


async def _cut(request: web.Request) -> web.StreamResponse:
    """The beginning of an answer that announces more."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "100"})
    await response.prepare(request)
    await response.write(b'{"ok": tr')
    assert request.transport is not None
    request.transport.close()
    return response
