"""Commands on their way through Bolt: answered by a middleware, which is told of the acknowledgement.

For a listener Bolt makes all that any might ask for, twice, and then looks every 10 ms whether it has acknowledged: a
quarter of the time of an answer from memory (measured with slack_bolt 1.30.0).
"""

import asyncio
from collections.abc import Awaitable, Callable

from slack_bolt.async_app import AsyncAck
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.slack.request.payload import Body


class Commands(AsyncMiddleware):
    """Hands commands to `listen`, which acknowledges in time and never raises, and goes on after that if it has to."""

    def __init__(self, listen: Callable[[AsyncAck, Body], Awaitable[None]]) -> None:
        self._listen = listen
        self._listening: set[asyncio.Future[None]] = set()

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002  # its name in Bolt
    ) -> BoltResponse | None:
        """As its parent says: what is no command goes on to the listeners."""
        del resp
        if "command" not in req.body:
            return await next()
        ack = _Acknowledgement()
        listening = asyncio.ensure_future(self._listen(ack, req.body))
        self._listening.add(listening)
        listening.add_done_callback(self._listening.discard)
        listening.add_done_callback(ack.end)
        await ack.is_given
        if ack.response is None:
            await listening  # raises, which is Bolt's to answer
        return ack.response


class _Acknowledgement(AsyncAck):
    """One that tells when it is given, or will not be any more."""

    def __init__(self) -> None:
        self._response: BoltResponse | None = None
        self.is_given = asyncio.get_running_loop().create_future()

    @property
    def response(self) -> BoltResponse | None:
        return self._response

    @response.setter
    def response(self, response: BoltResponse | None) -> None:
        self._response = response
        self.end()

    def end(self, *_: object) -> None:
        if not self.is_given.done():
            self.is_given.set_result(None)
