"""Volcengine's gateway with GetRecordTask, on loopback: it checks what the real one checks, and answers as it does.

Each room is a scene, a fault, or an error of the vendor's list by name (`error-LackPolicy`).
"""

import asyncio
import itertools
import re
import ssl
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import monotonic

from aiohttp import web

from bot.playground.listener import Listener
from bot.playground.trace import Trace
from bot.playground.volcengine.arrivals import Received, worst_second
from bot.playground.volcengine.faults import FAULTS
from bot.playground.volcengine.gateway import (
    ACTION,
    ERRORS,
    VERSION,
    Account,
    RateCheck,
    Refusal,
    SignatureCheck,
    canonical_request,
    check_form,
)
from bot.playground.volcengine.scenes import SCENES
from bot.playground.volcengine.tasks import Key, Tasks

_ID = re.compile(r"[a-zA-Z0-9@\-_.]{1,128}")
_SKEW = timedelta(minutes=20)
_OK = 200
_RECEIVED_KEPT, _ARRIVALS_KEPT = 20_000, 500_000
# Rooms whose answers are decided in FakeRtc itself, for a person to choose from.
OTHER_ROOMS = {
    "dropped": "as Room1, but a kept-alive connection is dropped at its second request",
    "quoting": "the answer is good, and quotes the request's headers, the signature among them",
    "skewed": "the server's clock is 20 minutes ahead",
    "error-in-200": "an error with HTTP 200",
    "error-<Code>": "any error of the vendor's list, such as error-LackPolicy",
}


class FakeRtc:
    """The gateway. `limit` is in requests a second; None switches it off (for benchmarks of other things).

    `answers` maps a room to a `Result` of the test's own, `own_errors` to an `Error`. `received` are the last requests
    that came in. `url` is set while it is open. Answers come `delay` seconds late; the gateway's own clock (not that of
    the tasks) goes `skew` ahead. `trace` is told of each request and its answer.
    """

    def __init__(
        self,
        account: Account | None = None,
        *,
        limit: int | None = 60,
        region: str = "cn-north-1",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        trace: Trace | None = None,
    ) -> None:
        self.delay = 0.0
        self.skew = timedelta()
        self.account = account or Account()
        self.received: deque[Received] = deque(maxlen=_RECEIVED_KEPT)
        self.url = ""
        self._region = region
        self._clock = clock
        self._trace = trace
        self._signatures = SignatureCheck(self.account, region, lambda: clock() + self.skew)
        self._rate = RateCheck(limit)
        self._tasks = Tasks(lambda: _milliseconds(clock()))
        self.arrivals: deque[float] = deque(maxlen=_ARRIVALS_KEPT)
        self.own_errors: dict[str, dict[str, object]] = {}
        self._failure: str | None = None
        self._listener: Listener | None = None
        self._answer_numbers = itertools.count(1)
        self._used_connections: weakref.WeakSet[object] = weakref.WeakSet()

    @property
    def answers(self) -> dict[str, object]:
        return self._tasks.answers

    def end(
        self,
        room: str,
        task_id: str = "Task1",
        *,
        app_id: str | None = None,
        reason: str = "StopByAPI",
        status: int = 3,
        files: int = 1,
    ) -> None:
        """The task ends now, whatever its scene says, and leaves so many files."""
        self._tasks.end(self._key(room, task_id, app_id), reason=reason, status=status, files=files)

    def leave_files(self, room: str, task_id: str = "Task1", *, app_id: str | None = None, count: int = 1) -> None:
        """So many files of the task are there now."""
        self._tasks.leave_files(self._key(room, task_id, app_id), count)

    def replace(self, room: str, task_id: str = "Task1", *, app_id: str | None = None) -> None:
        """A newer task takes the ids of this one, and runs."""
        self._tasks.replace(self._key(room, task_id, app_id))

    def forget(self, room: str, task_id: str = "Task1", *, app_id: str | None = None) -> None:
        """The task is not known any longer."""
        self._tasks.forget(self._key(room, task_id, app_id))

    def restore(self, room: str, task_id: str = "Task1", *, app_id: str | None = None) -> None:
        """The task is what its scene says again, from the beginning."""
        self._tasks.restore(self._key(room, task_id, app_id))

    def tasks(self) -> dict[Key, object]:
        """What each task would be told as now, None for one that is not known any longer; nobody is asking yet."""
        return self._tasks.overlook([self._key(room, "Task1", None) for room in SCENES])

    def _key(self, room: str, task_id: str, app_id: str | None) -> Key:
        return Key(app_id or self.account.app_ids[0], room, task_id)

    def fail_with(self, kind: str = "ServiceUnavailableTemp") -> None:
        """All requests go wrong from now on: as in the room of that name, `reset` for example, or with that error.

        Raises LookupError where there is no such fault or error. The one that is not named comes with HTTP 503.
        """
        if kind not in FAULTS and kind not in ERRORS:
            raise LookupError(f"There is no fault or error {kind!r}.")
        self._failure = kind

    def heal(self) -> None:
        """All is well again."""
        self._failure = None

    async def close_door(self) -> None:
        """Drops all connections and refuses new ones, as if the machine were gone, until `open_door`."""
        assert self._listener is not None
        await self._listener.close()

    async def open_door(self) -> None:
        """Listens again, at the same address."""
        assert self._listener is not None
        await self._listener.open()

    def worst_second(self) -> int:
        """The most requests that came in within any window of one second."""
        return worst_second(list(self.arrivals))

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Every request ends up here, whatever its path and method."""
        at = monotonic()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append(Received(at, request.raw_path, headers))
        self.arrivals.append(at)
        try:
            if self.delay:
                await asyncio.sleep(self.delay)
            response = await self._answer(request, at)
        except asyncio.CancelledError:
            await self._tell(request, None)
            raise
        await self._tell(request, response)
        return response

    async def _tell(self, request: web.BaseRequest, response: web.StreamResponse | None) -> None:
        """Tells the trace of a request and its answer; None where nobody waited for one."""
        if self._trace is None:
            return
        answer = response.text if isinstance(response, web.Response) else None
        query = request.query
        became = "nobody waited for the answer" if response is None else _in_short(response, answer)
        what = f"room {query.get('RoomId')}, task {query.get('TaskId')}: {became}"
        body = b"" if response is None else await request.read()
        detail = {"canonical request, as computed here": canonical_request(request, body), "answer": answer}
        self._trace.note("rtc", query.get("Action", request.path), what, detail)

    async def _answer(self, request: web.BaseRequest, at: float) -> web.StreamResponse:
        if self._failure in FAULTS:
            return await FAULTS[self._failure].commit(request)
        try:
            self._check_health()
            query = check_form(request)
            self._signatures.check(request, await request.read())
            self._rate.check(at)
            self._check_ids(query)
            return await self._perform(request, query)
        except Refusal as refusal:
            skew = _SKEW if query_room(request) == "skewed" else timedelta()
            return self._respond(refusal.status_code, {}, error=refusal.error, skew=skew)

    def _check_health(self) -> None:
        if self._failure:
            raise Refusal(self._failure, "All requests are answered like that for now.")

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
        if room in self.own_errors:
            raise Refusal.told(self.own_errors[room])
        key = Key(query["AppId"], "Room1" if room in {"dropped", "quoting"} else room, query["TaskId"])
        quoted = {"Request": dict(request.headers)} if room == "quoting" else {}
        return self._respond(200, {"Result": self._tasks.tell(key), **quoted})

    def _has_been_used(self, request: web.BaseRequest) -> bool:
        """Whether the connection has carried a request before, as one that is kept alive has."""
        used = request.transport in self._used_connections
        self._used_connections.add(request.transport)
        return used

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
        headers = {
            "X-Tt-Logid": f"log{number:020d}",
            "Date": format_datetime(self._clock() + self.skew + skew, usegmt=True),
        }
        return web.json_response(payload, status=status_code, headers=headers)


def query_room(request: web.BaseRequest) -> str:
    """The room that a request asks about; empty where it names none."""
    return request.query.get("RoomId", "")


def _in_short(response: web.StreamResponse, body: str | None) -> str:
    """The answer's status, and its error's name."""
    code = re.search(r'"Code": "([^"]+)"', body or "")
    signed = "signature checked, " if response.status == _OK else ""
    return f"{signed}{response.status}" + (f" {code[1]}" if code else "")


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


@asynccontextmanager
async def open_fake_rtc(fake: FakeRtc, *, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[FakeRtc]:
    """Serve it on 127.0.0.1, on a free port unless one is named; leaving the block drops every connection."""
    runner = web.ServerRunner(web.Server(fake.handle, handler_cancellation=True, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    try:
        fake._listener = Listener(runner, port=port, tls=tls)  # noqa: SLF001 its own opener
        await fake.open_door()
        fake.url = f"{'https' if tls else 'http'}://127.0.0.1:{fake._listener.port}"  # noqa: SLF001 as above
        yield fake
    finally:
        await runner.cleanup()
