"""The connections to the HTTP server: how many, for how long, and how much each may send before it is known.

aiohttp bounds one header field and nothing else: measured, 1,100 connections that say nothing used up all file
descriptors, and 400 slow bodies took 570 MB.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.app.http_refusals import Refusals

BODY_AT_MOST = 1024 * 1024
HEADERS_AT_MOST = 32 * 1024
LINGERS = 1.0
# Seconds after which a connection is no newcomer any more: a command is here within one round trip.
_SETTLED_AFTER = 0.25


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one server. Seconds, and bytes of all bodies together; Slack waits three seconds for everything.

    `idle` is longer than proxies keep an unused connection (60 s), so that they never send into a closed one.
    """

    connections: int = 512
    headers: float = 10.0
    body: float = 5.0
    idle: float = 75.0
    bodies: int = 32 * BODY_AT_MOST


def as_far_as_files_go(limits: Limits) -> Limits:
    """With no more connections than half of the file descriptors that this process may have."""
    try:
        import resource  # noqa: PLC0415  # not on every system
    except ImportError:
        return limits
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return limits
    return Limits(min(limits.connections, max(files // 2, 1)), limits.headers, limits.body, limits.idle, limits.bodies)


class Connection(web.RequestHandler):
    """One connection, which has so long to send a request's headers, and so much room for them."""

    __slots__ = ("_crowd", "_header_bytes", "_headers_due", "_is_acquainted", "_is_counted", "_limits", "_refusals")

    def __init__(self, server: web.Server, *, limits: Limits, crowd: "Crowd", refusals: Refusals) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=limits.idle,
            max_field_size=HEADERS_AT_MOST,
            # What is signed is what was sent; nobody has to unpack what somebody else has packed.
            auto_decompress=False,
            # For a moment what is not wanted is read and thrown away, else its sender would not see the answer.
            lingering_time=LINGERS,
        )
        self._limits = limits
        self._crowd = crowd
        self._refusals = refusals
        self._header_bytes = 0
        self._headers_due: asyncio.TimerHandle | None = None
        self._is_acquainted = False
        # Whether what arrives belongs to the headers of a request, and not to a body.
        self._is_counted = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._crowd.wait(self, is_acquainted=False)
        self._expect_headers()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._crowd.leave(self)
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        requests = self._request_count
        super().data_received(data)
        if self._request_count > requests:
            self._is_counted = False
            self._stop_waiting()
        elif self._is_counted:
            self._count(len(data))

    def _count(self, size: int) -> None:
        """So much more of what is no whole request yet."""
        if not self._request_in_progress:
            self._expect_headers()
        self._header_bytes += size
        if self._header_bytes > HEADERS_AT_MOST:
            self._refusals.note("too_large")
            self.refuse(431)

    def _expect_headers(self) -> None:
        if self._headers_due is None and self.transport is not None:
            self._headers_due = self._loop.call_later(self._limits.headers, self._headers_late)

    def _headers_late(self) -> None:
        self._refusals.note("too_slow")
        self.refuse(408)

    def _stop_waiting(self) -> None:
        self._header_bytes = 0
        if self._headers_due is not None:
            self._headers_due.cancel()
            self._headers_due = None

    @contextmanager
    def working(self) -> Iterator[None]:
        """While a request is worked with, until its answer is there."""
        self._be_busy()
        try:
            yield
        finally:
            if self.transport is not None:
                self._crowd.wait(self, is_acquainted=self._is_acquainted)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While the rest of a request is waited for."""
        self._is_counted = False
        self._crowd.wait(self, is_acquainted=self._is_acquainted)
        try:
            yield
        finally:
            if self.transport is not None:
                self._be_busy()

    def _be_busy(self) -> None:
        self._stop_waiting()
        self._is_counted = True
        self._crowd.work(self)

    def get_acquainted(self) -> None:
        """It has brought a good request."""
        self._is_acquainted = True

    def expect_no_more(self) -> None:
        """It will be closed once it is answered; what still comes is thrown away."""
        self._is_counted = False

    def send_away(self) -> None:
        """For want of room."""
        self._refusals.note("too_many")
        self.refuse(503)

    def refuse(self, status: int) -> None:
        """Say so, and close: for what cannot be answered in the usual way, because it is no request yet."""
        if self.transport is not None and not self._close:
            self.transport.write(f"HTTP/1.1 {status} \r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode())
            self.end()

    def end(self) -> None:
        """Close it without waiting for anything."""
        self._crowd.leave(self)
        self._stop_waiting()
        if self.transport is not None:
            self.transport.close()
            self.transport.abort()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """What aiohttp cannot read; it would log each with a traceback, and quote it in the answer."""
        del request, exc, message
        self._refusals.note("not_http" if status < 500 else "failed")  # noqa: PLR2004
        answer = web.Response(status=status)
        answer.force_close()
        return answer

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """What went wrong within aiohttp; its words would quote what was sent."""
        del args
        failure = kw.get("exc_info")
        self._refusals.note("failed", failure if isinstance(failure, BaseException) else None)


class Server(web.Server):
    """aiohttp's server, with bounded connections."""

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        *,
        limits: Limits,
        crowd: "Crowd",
        refusals: Refusals,
    ) -> None:
        super().__init__(handler)
        self._limits = limits
        self._crowd = crowd
        self._refusals = refusals

    def __call__(self) -> Connection:
        """Called by asyncio for each connection."""
        return Connection(self, limits=self._limits, crowd=self._crowd, refusals=self._refusals)


class Crowd:
    """All open connections. One too many costs whoever has waited longest without having brought a good request.

    A connection that brought one is the last to go, for it is Slack's, or of a proxy that has others behind it. Up to
    half of what there may be, nobody is sent away; above that nobody who came just now, so that a burst of newcomers
    cannot push each other out before they have said what they want.
    """

    def __init__(self, *, at_most: int, timer: Callable[[], float] = time.monotonic) -> None:
        self._at_most = at_most
        self._timer = timer
        # Since when they wait, the longest first.
        self._strangers: dict[Connection, float] = {}
        self._acquainted: dict[Connection, float] = {}
        self._busy: set[Connection] = set()

    def wait(self, connection: "Connection", *, is_acquainted: bool) -> None:
        """It is waited for, until it has sent what it has to."""
        self.leave(connection)
        (self._acquainted if is_acquainted else self._strangers)[connection] = self._timer()
        many = len(self._strangers) + len(self._acquainted) + len(self._busy)
        if many > self._at_most // 2:
            self._send_away_one(even_a_newcomer=many > self._at_most)

    def work(self, connection: "Connection") -> None:
        """It waits for Rectask."""
        self.leave(connection)
        self._busy.add(connection)

    def leave(self, connection: "Connection") -> None:
        """It is closed."""
        self._strangers.pop(connection, None)
        self._acquainted.pop(connection, None)
        self._busy.discard(connection)

    def _send_away_one(self, *, even_a_newcomer: bool) -> None:
        longest, since = next(iter((self._strangers or self._acquainted).items()))
        if even_a_newcomer or self._timer() - since >= _SETTLED_AFTER:
            longest.send_away()
