"""Socket Mode as Slack plays it: addresses, sockets, envelopes and their acknowledgements."""

import asyncio
import itertools
import json
import time

import aiohttp
from aiohttp import web

from bot.playground.slack.deliveries import Delivery, Outcome, in_turn
from bot.playground.slack.faults import Faults
from bot.playground.slack.handles import Tickets
from bot.playground.slack.memory import World
from bot.playground.slack.socket_faults import (
    ADDRESS,
    HANDSHAKE,
    HELLO,
    INSTEAD,
    Socket,
    spoil_address,
    spoil_handshake,
)
from bot.playground.slack.world import A_APP, Json, Refused

SOCKETS_MAY_BE = 10


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
