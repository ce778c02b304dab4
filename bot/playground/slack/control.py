"""What the playground's page asks of the stand-in: its state, and to do something as one of the people."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path

from aiohttp import web

from bot.playground.loopback import MISTAKES, in_words, only_from_here, read_json
from bot.playground.slack.delivery import Outcome
from bot.playground.slack.people import SlackPeople
from bot.playground.slack.state import state_of
from bot.playground.slack.world import Json, Message, View


class Control:
    """The routes under /-/, and the page itself. They answer to nobody but pages of this machine."""

    def __init__(
        self, people: SlackPeople, page: Path | None, rooms: Sequence[Json], commands: Collection[str] | None
    ) -> None:
        self._people = people
        self._commands = commands
        self._rooms = list(rooms)
        self._page = page
        self.does: dict[str, Callable[[Json], Awaitable[Outcome]]] = {
            "command": self._command,
            "say": self._say,
            "press": self._press,
            "close_view": self._close_view,
            "submit_view": self._submit_view,
            "open_home": self._open_home,
        }

    def routes(self) -> list[web.AbstractRouteDef]:
        own: list[web.AbstractRouteDef] = [
            web.get("/-/state", only_from_here(self._state)),
            web.get("/-/rooms", only_from_here(self._list_rooms)),
            web.get("/-/events", only_from_here(self._events)),
            web.post("/-/{what}", only_from_here(self._do)),
        ]
        if self._page is not None:
            own += [web.get("/", only_from_here(self._index)), web.static("/static/", self._page)]
        return own

    async def _index(self, _request: web.Request) -> web.StreamResponse:
        assert self._page is not None
        return web.FileResponse(self._page / "index.html")

    async def _state(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(state_of(self._people.world))

    async def _list_rooms(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(self._rooms)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Pushes the whole state at each change; several changes at once are one push."""
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
        world = self._people.world
        while not socket.closed:
            seen = world.version
            await socket.send_json(state_of(world))

            def has_changed(seen: int = seen) -> bool:
                return world.version != seen

            await world.wait_for(has_changed, timeout=None)

    async def _do(self, request: web.Request) -> web.StreamResponse:
        does = self.does.get(request.match_info["what"])
        if does is None:
            raise web.HTTPNotFound
        try:
            outcome = await does(await read_json(request))
        except MISTAKES as mistake:
            return web.json_response({"acked": False, "error": in_words(mistake)}, status=400)
        errors = outcome.body.get("errors") if isinstance(outcome.body, dict) else None
        return web.json_response({"acked": outcome.acked, "error": outcome.error, "errors": errors})

    async def _command(self, said: Json) -> Outcome:
        command, _, text = str(said["text"]).strip().partition(" ")
        if not command.startswith("/") or (self._commands is not None and command not in self._commands):
            raise LookupError(f"{command} is not a command here.")
        return await self._people.command(text.strip(), user=said["user"], channel=said.get("channel"), command=command)

    async def _say(self, said: Json) -> Outcome:
        return await self._people.say(str(said["text"]), user=said["user"], channel=said.get("channel"))

    async def _press(self, said: Json) -> Outcome:
        world = self._people.world
        target = self._view(said) if "view_id" in said else world.archive.find(said["channel"], said["ts"])
        if target is None:
            raise LookupError("There is no such message.")
        return await self._people.press(
            target,
            said["action_id"],
            user=said["user"],
            value=said.get("value"),
            selected=said.get("selected_option"),
            block_id=_still_there(target, said.get("block_id")),
        )

    async def _close_view(self, said: Json) -> Outcome:
        return await self._people.close_view(self._view(said), user=said["user"])

    async def _submit_view(self, said: Json) -> Outcome:
        return await self._people.submit_view(self._view(said), user=said["user"], values=said.get("values"))

    async def _open_home(self, said: Json) -> Outcome:
        return await self._people.open_home(user=said["user"], tab=said.get("tab", "home"))

    def _view(self, said: Json) -> View:
        return self._people.world.views[said["view_id"]]


def _still_there(target: Message | View, block_id: str | None) -> str | None:
    """None where the message was replaced, with new ids, while somebody was about to press what stood there before."""
    blocks = target.blocks if isinstance(target, Message) else target.content["blocks"]
    return block_id if any(block["block_id"] == block_id for block in blocks) else None
