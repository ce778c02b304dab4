"""Volcengine's gateway with GetRecordTask, on loopback: it checks what the real one checks, and answers as it does.

Each room is a scene, a fault, or an error of the vendor's list by name (`error-LackPolicy`).
"""

import itertools
import re
import ssl
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import monotonic

from aiohttp import web

from bot.playground.faults import FAULTS
from bot.playground.gateway import ACTION, VERSION, Account, RateCheck, Refusal, SignatureCheck, check_form
from bot.playground.scenes import HOUR, SCENES, Moment

_ID = re.compile(r"[a-zA-Z0-9@\-_.]{1,128}")
_KNOWN_FOR = 72 * HOUR
_SKEW = timedelta(minutes=20)
_RECEIVED_KEPT = 200_000
# Rooms whose answers are decided in FakeRtc itself, for a person to choose from.
OTHER_ROOMS = {
    "dropped": "as Room1, but a kept-alive connection is dropped at its second request",
    "skewed": "the server's clock is 20 minutes ahead",
    "error-in-200": "an error with HTTP 200",
    "error-<Code>": "any error of the vendor's list, such as error-LackPolicy",
}


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came in: when (seconds, monotonic), its target as sent, its headers by small-letter name."""

    at: float
    target: str
    headers: dict[str, str]


class FakeRtc:
    """The gateway. `limit` is in requests a second; None switches it off (for benchmarks of other things).

    `answers` maps a room to a `Result` of the test's own, `received` holds the requests that came in. `url` is set
    while it is open.
    """

    def __init__(
        self,
        account: Account | None = None,
        *,
        limit: int | None = 60,
        region: str = "cn-north-1",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.account = account or Account()
        self.answers: dict[str, object] = {}
        self.received: deque[Received] = deque(maxlen=_RECEIVED_KEPT)
        self.url = ""
        self._region = region
        self._clock = clock
        self._signatures = SignatureCheck(self.account, region, clock)
        self._rate = RateCheck(limit)
        self._opened = _milliseconds(clock())
        self._first_asked: dict[tuple[str, ...], int] = {}
        self._answer_numbers = itertools.count(1)
        self._used_connections: weakref.WeakSet[object] = weakref.WeakSet()

    def worst_second(self) -> int:
        """The most requests that came in within any window of one second."""
        return worst_second([request.at for request in self.received])

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Every request ends up here, whatever its path and method."""
        at = monotonic()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append(Received(at, request.raw_path, headers))
        try:
            query = check_form(request)
            self._signatures.check(request, await request.read())
            self._rate.check(at)
            self._check_ids(query)
            return await self._perform(request, query)
        except Refusal as refusal:
            skew = _SKEW if query_room(request) == "skewed" else timedelta()
            return self._respond(refusal.status_code, {}, error=refusal.error, skew=skew)

    def _check_ids(self, query: dict[str, str]) -> None:
        for name in ("AppId", "RoomId", "TaskId"):
            if not query.get(name):
                raise Refusal("MissingParameter", f"The parameter {name} is missing.")
        if query["AppId"] not in self.account.app_ids:
            raise Refusal("InvalidParameter.NotExistAppId", "AppId does not exist.")
        for name in ("RoomId", "TaskId"):
            if not _ID.fullmatch(query[name]):
                raise Refusal("InvalidParameter.IllegalRoomID", f"{name} is illegal.")

    async def _perform(self, request: web.BaseRequest, query: dict[str, str]) -> web.StreamResponse:
        room = query["RoomId"]
        if room in FAULTS:
            return await FAULTS[room].commit(request)
        if room == "dropped" and self._has_been_used(request):
            return await FAULTS["closed"].commit(request)
        if room == "skewed":
            raise Refusal("InvalidTimestamp", "The X-Date is too far from the server's time.")
        if room == "error-in-200":
            raise Refusal("LackPolicy", "As the room's name asks for.", status_code=200)
        if room.startswith("error-"):
            raise Refusal(room.removeprefix("error-"), "As the room's name asks for.")
        return self._respond(200, {"Result": self._result(query)})

    def _has_been_used(self, request: web.BaseRequest) -> bool:
        """Whether the connection has carried a request before, as one that is kept alive has."""
        used = request.transport in self._used_connections
        self._used_connections.add(request.transport)
        return used

    def _result(self, query: dict[str, str]) -> object:
        room = query["RoomId"]
        if room in self.answers:
            return self.answers[room]
        now = _milliseconds(self._clock())
        first_asked = self._first_asked.setdefault((query["AppId"], room, query["TaskId"]), now)
        scene = SCENES.get("Room1" if room == "dropped" else room)
        result = scene.tell(Moment(now=now, opened=self._opened, first_asked=first_asked)) if scene else None
        if scene is None or _is_forgotten(result, now):
            raise Refusal("InvalidParameter.ErrorActiveTaskNotFound", "Active task is not found.")
        return result

    def _respond(
        self,
        status_code: int,
        body: dict[str, object],
        *,
        error: dict[str, object] | None = None,
        skew: timedelta = timedelta(),
    ) -> web.Response:
        number = next(self._answer_numbers)
        metadata = {
            "RequestId": f"20261122{number:024d}",
            "Action": ACTION,
            "Version": VERSION,
            "Service": "rtc",
            "Region": self._region,
        }
        payload = {"ResponseMetadata": metadata | ({"Error": error} if error else {}), **body}
        headers = {"X-Tt-Logid": f"log{number:020d}", "Date": format_datetime(self._clock() + skew, usegmt=True)}
        return web.json_response(payload, status=status_code, headers=headers)


def query_room(request: web.BaseRequest) -> str:
    """The room that a request asks about; empty where it names none."""
    return request.query.get("RoomId", "")


def worst_second(arrivals: list[float]) -> int:
    """The most arrivals (seconds, ascending) within any window of one second."""
    worst, first = 0, 0
    for last, at in enumerate(arrivals):
        while arrivals[first] <= at - 1.0:
            first += 1
        worst = max(worst, last - first + 1)
    return worst


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _is_forgotten(result: object, now: int) -> bool:
    """Tasks that were started more than 72 hours ago are not told of."""
    task = result.get("RecordTask") if isinstance(result, dict) else None
    start = task.get("StartTime") if isinstance(task, dict) else None
    return isinstance(start, int) and now - start > _KNOWN_FOR


@asynccontextmanager
async def open_fake_rtc(fake: FakeRtc, *, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[FakeRtc]:
    """Serve it on 127.0.0.1, on a free port unless one is named; leaving the block drops every connection."""
    runner = web.ServerRunner(web.Server(fake.handle, handler_cancellation=True, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
        fake.url = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
        yield fake
    finally:
        await runner.cleanup()
