"""The stage beside the chat: what can be arranged, what is going on, and the trace of it, as HTTP and a WebSocket."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web

from bot.playground.clock import PlayClock
from bot.playground.loopback import MISTAKES, in_words, only_from_here, read_json
from bot.playground.slack.stage import SlackStage
from bot.playground.slack.world import Json
from bot.playground.trace import Trace
from bot.playground.volcengine.stage import RtcStage

# What changes by itself, as scenes do, is looked for so often (seconds).
_LOOKS_EVERY = 1.0
Notices = Callable[[], Awaitable[list[Json]]]


class Stage:
    """Slack, the clock, and, where they are there, RTC and the bot's notices."""

    def __init__(
        self,
        trace: Trace,
        clock: PlayClock,
        *,
        slack: SlackStage,
        rtc: RtcStage | None = None,
        notices: Notices | None = None,
    ) -> None:
        self._trace, self._clock = trace, clock
        self._slack, self._rtc, self.notices = slack, rtc, notices
        self.does: dict[str, Callable[[Json], Awaitable[str | Json]]] = {
            "slack": slack.arrange,
            "clock": self._move_clock,
        }
        if rtc is not None:
            self.does |= {"rtc": rtc.arrange, "task": rtc.change, "own": rtc.tell_own}

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/-/stage", only_from_here(self._tell)),
            web.get("/-/stage/events", only_from_here(self._follow)),
            web.post("/-/stage/{what}", only_from_here(self._do)),
        ]

    async def state(self) -> Json:
        """All that can be seen of it, without the trace."""
        return {
            "clock": {"ahead": self._clock.ahead},
            "slack": self._slack.state(),
            "rtc": self._rtc.state() if self._rtc else None,
            "notices": await self.notices() if self.notices else [],
        }

    async def _tell(self, request: web.Request) -> web.StreamResponse:
        """The state, with the entries of the trace after the number `after`."""
        after = request.query.get("after", "0")
        entries = self._trace.after(int(after) if after.isdecimal() else 0)
        return web.json_response({"stage": await self.state(), "entries": entries}, dumps=_dumps)

    async def _do(self, request: web.Request) -> web.StreamResponse:
        does = self.does.get(request.match_info["what"])
        if does is None:
            raise web.HTTPNotFound
        try:
            done = await does(await read_json(request))
        except MISTAKES as mistake:
            return web.json_response({"ok": False, "error": in_words(mistake)}, status=400)
        self._trace.note("stage", request.match_info["what"], done if isinstance(done, str) else _dumps(done))
        return web.json_response({"ok": True, **({} if isinstance(done, str) else done)})

    async def _move_clock(self, said: Json) -> str:
        """{forward: seconds}."""
        seconds = said["forward"]
        if not isinstance(seconds, int | float) or not math.isfinite(seconds):
            raise ValueError("forward is a number of seconds.")
        self._clock.forward(seconds)
        return f"{seconds:g} s forward, {self._clock.ahead:g} s in all"

    async def _follow(self, request: web.Request) -> web.StreamResponse:
        """Pushes {entries, stage}: each entry once, and the stage where it is not as it was."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        pushing = asyncio.create_task(self._push(socket))
        try:
            async for _ in socket:
                pass
        finally:
            pushing.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await pushing
        return socket

    async def _push(self, socket: web.WebSocketResponse) -> None:
        told_until, before = 0, ""
        while not socket.closed:
            entries, stage = self._trace.after(told_until), await self.state()
            told_until = entries[-1]["number"] if entries else told_until
            now = _dumps(stage)
            if entries or now != before:
                news: Json = {"entries": entries} | ({"stage": stage} if now != before else {})
                await socket.send_json(news, dumps=_dumps)
            before = now
            await self._trace.wait(_LOOKS_EVERY, after=told_until)


def _dumps(thing: object) -> str:
    """Whatever stands in a detail."""
    return json.dumps(thing, default=str)
