"""VOD's gateway with GetPlayInfo, on loopback, and the addresses that it gives, which play a short test card.

Each Vid is a scene; one that is none is a published media, and made-up ones are not there.
"""

import hashlib
import hmac
import itertools
import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from aiohttp import web

from bot.playground.listener import Listener
from bot.playground.volcengine.gateway import Account, Refusal, SignatureCheck, check_form
from bot.playground.volcengine.object_store import part_of, video

ACTION, VERSION = "GetPlayInfo", "2020-08-01"
# The scenes that are told apart by the Vid; VOD answers an empty list for either (vendor's page of GetPlayInfo).
UNPUBLISHED, WITHOUT_DOMAIN = "v0unpublished", "v0nodomain"
ADDRESS_LIFE = timedelta(hours=1)
_VID = re.compile(r"v0[a-z0-9*]{1,62}")
_ADDRESS_SECRET = b"addresses of the stand-in"
_RECEIVED_KEPT = 10_000


class FakeVod:
    """The gateway, for one account. `answers` maps a Vid to a `Result` of the test's own.

    `received` are the Vids that were asked for. `url` is set while it is open.
    """

    def __init__(
        self,
        account: Account | None = None,
        *,
        region: str = "cn-north-1",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.account = account or Account()
        self.answers: dict[str, object] = {}
        self.received: deque[str] = deque(maxlen=_RECEIVED_KEPT)
        self.url = ""
        self._clock = clock
        self._signatures = SignatureCheck(self.account, region, clock, service="vod")
        self._video = video()
        self._answer_numbers = itertools.count(1)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Every request ends up here, whatever its path and method."""
        if request.path.startswith("/play/"):
            return self._play(request)
        try:
            query = check_form(request, action=ACTION, version=VERSION)
            self._signatures.check(request, await request.read())
            return self._respond(200, {"Result": self._tell(query.get("Vid", ""))})
        except Refusal as refusal:
            return self._respond(refusal.status_code, {}, error=refusal.error)

    def _tell(self, vid: str) -> object:
        self.received.append(vid)
        if vid in self.answers:
            return self.answers[vid]
        if vid.startswith("error-"):
            raise Refusal(vid.removeprefix("error-"), "As the Vid asks for.")
        if not _VID.fullmatch(vid):
            raise Refusal("InvalidParameter", "The Vid is invalid.")
        listed = [] if vid in {UNPUBLISHED, WITHOUT_DOMAIN} else self._versions(vid)
        return {"Version": 2, "Vid": vid, "Status": 10, "Duration": 3.0, "PlayInfoList": listed}

    def _versions(self, vid: str) -> list[dict[str, object]]:
        """A smaller one, and the original; durations are in seconds here."""
        expires = int((self._clock() + ADDRESS_LIFE).timestamp())
        return [
            {
                "Definition": definition,
                "Format": "mp4",
                "Size": size,
                "Duration": 3.0,
                "MainPlayUrl": self.address(vid, expires=expires, definition=definition),
                "MainUrlExpire": str(expires),
                "BackupPlayUrl": self.address(vid, expires=expires, definition=definition, place="backup"),
                "BackupUrlExpire": str(expires),
            }
            for definition, size in (("360p", 1_000), ("od", len(self._video)))
        ]

    def address(self, vid: str, *, expires: int, definition: str = "od", place: str = "main") -> str:
        """An address that plays until then (seconds since the epoch)."""
        path = f"/play/{place}/{definition}/{quote(vid, safe='')}"
        return f"{self.url}{path}?expires={expires}&sign={_sign(path, expires)}"

    def _play(self, request: web.BaseRequest) -> web.Response:
        path = request.raw_path.partition("?")[0]
        expires, sign = request.query.get("expires", ""), request.query.get("sign", "")
        is_signed = expires.isdecimal() and hmac.compare_digest(_sign(path, int(expires)), sign)
        if not is_signed or self._clock().timestamp() > int(expires):
            return web.Response(status=403, text="expired, or not signed")
        return part_of(self._video, request, {"Accept-Ranges": "bytes"})

    def _respond(
        self, status_code: int, body: dict[str, object], *, error: dict[str, object] | None = None
    ) -> web.Response:
        number = next(self._answer_numbers)
        metadata = {"RequestId": f"20261122vod{number:021d}", "Action": ACTION, "Version": VERSION, "Service": "vod"}
        payload = {"ResponseMetadata": metadata | ({"Error": error} if error else {}), **body}
        return web.json_response(payload, status=status_code, headers={"X-Tt-Logid": f"vodlog{number:017d}"})


def _sign(path: str, expires: int) -> str:
    return hmac.new(_ADDRESS_SECRET, f"{path}?{expires}".encode(), hashlib.sha256).hexdigest()


@asynccontextmanager
async def open_fake_vod(fake: FakeVod, *, port: int = 0) -> AsyncIterator[FakeVod]:
    """Serve it on 127.0.0.1, on a free port unless one is named; leaving the block drops every connection."""
    runner = web.ServerRunner(web.Server(fake.handle, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    try:
        listener = Listener(runner, port=port)
        await listener.open()
        fake.url = f"http://127.0.0.1:{listener.port}"
        yield fake
    finally:
        await runner.cleanup()
