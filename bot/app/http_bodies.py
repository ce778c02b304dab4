"""The bodies of requests, and the room that all of them have together."""

from collections.abc import Iterator
from contextlib import contextmanager

from bot.app.http_connections import BODY_AT_MOST, Connection
from bot.slack.connection.admission import Refused


class Bodies:
    """What all bodies take together. One too many costs whoever has been sending theirs for longest."""

    def __init__(self, *, at_most: int) -> None:
        self._at_most = at_most
        self._held = 0
        self._unfinished: dict[Body, None] = {}

    @contextmanager
    def holding(self, connection: Connection) -> Iterator["Body"]:
        """From before it is read until nobody needs it any more."""
        body = Body(self, connection)
        self._unfinished[body] = None
        try:
            yield body
        finally:
            self.finish(body)
            self._held -= body.size

    def finish(self, body: "Body") -> None:
        """Nobody takes its room away any more."""
        self._unfinished.pop(body, None)

    def take(self, size: int) -> None:
        """Room for so much more."""
        self._held += size
        if self._held > self._at_most and self._unfinished:
            longest = next(iter(self._unfinished))
            self.finish(longest)
            longest.connection.send_away()


class Body:
    """One body on its way."""

    def __init__(self, bodies: Bodies, connection: Connection) -> None:
        self.connection = connection
        self.size = 0
        self._bodies = bodies
        self._data = bytearray()

    def add(self, chunk: bytes) -> None:
        """Raises Refused."""
        self._data += chunk
        self.size += len(chunk)
        self._bodies.take(len(chunk))
        if self.size > BODY_AT_MOST:
            raise Refused(413, "too_large")

    def whole(self) -> bytes:
        """All of it, once there is no more to come."""
        self._bodies.finish(self)
        return bytes(self._data)
