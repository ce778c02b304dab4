"""An object store on loopback: a bucket that is read with signed addresses, of TOS's kind and of S3's.

Whatever a recording may be named, there is one: a short test card that moves. Other names are not there.
"""

import itertools
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote_to_bytes
from xml.sax.saxutils import escape

from aiohttp import web

from bot.playground.listener import Listener
from bot.playground.volcengine.gateway import Account
from bot.playground.volcengine.object_store_signature import (
    S3,
    AddressCheck,
    Language,
    StoreRefusal,
    decoded_pairs,
    language_of,
)

# Three seconds of colour bars with a white square that crosses them, VP8, which every browser plays. Made once with
# ffmpeg 5.1: ffmpeg -filter_complex "smptebars=size=320x180:rate=10:duration=3[bars];
#   color=white:size=24x24:rate=10:duration=3[box];[bars][box]overlay=x='20+t*90':y=60" -c:v libvpx -b:v 20k -crf 45
#   -deadline best -g 30 -pix_fmt yuv420p -fflags +bitexact -flags:v +bitexact video.webm
_VIDEO = Path(__file__).with_name("video.webm")
PLAYLIST = b"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:3\n#EXTINF:3.0,\nsegment-000.ts\n#EXT-X-ENDLIST\n"
_RECORDING = re.compile(r".*\.(mp4|ts|flv|mp3|aac|m4a)", re.DOTALL)
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_RECEIVED_KEPT = 10_000


def video() -> bytes:
    """The test card, a WebM file of some kilobytes."""
    return _VIDEO.read_bytes()


@dataclass(frozen=True, slots=True)
class Fetched:
    """One request that was let through to an object: its key, and the target and host as they were sent."""

    key: str
    target: str
    host: str


class FakeStore:
    """One bucket. `objects` are more than it has by itself, by key; `received` is what was asked for and allowed.

    The bucket is part of the host (`<bucket>.` before anything) or, for S3, the first part of the path; any other host
    is taken for a domain of its own. `url` is set while it is open.
    """

    def __init__(
        self,
        account: Account | None = None,
        *,
        bucket: str = "rec-bucket",
        region: str = "cn-beijing",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.account = account or Account()
        self.bucket = bucket
        self.region = region
        self.objects: dict[str, bytes] = {}
        self.received: deque[Fetched] = deque(maxlen=_RECEIVED_KEPT)
        self.url = ""
        self._addresses = AddressCheck(self.account, region, clock)
        self._video = video()
        self._answer_numbers = itertools.count(1)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Every request ends up here, whatever its path and method."""
        language = language_of(request.raw_path)
        try:
            return self._give(request, self._key_in(request, language))
        except StoreRefusal as refusal:
            return self._refuse(refusal, in_xml=language is S3)

    def _key_in(self, request: web.BaseRequest, language: Language | None) -> str:
        if request.method not in {"GET", "HEAD"}:
            raise StoreRefusal(405, "MethodNotAllowed", "The specified method is not allowed here.")
        if language is None:
            raise StoreRefusal(403, "AccessDenied", "Access Denied")
        self._addresses.check(request, language)
        path = unquote_to_bytes(request.raw_path.partition("?")[0]).decode()
        bucket, key = self.bucket, path.removeprefix("/")
        if language is S3 and not request.headers["Host"].startswith(f"{self.bucket}."):
            bucket, _, key = key.partition("/")
        if bucket != self.bucket:
            raise StoreRefusal(404, "NoSuchBucket", "The specified bucket does not exist.", BucketName=bucket)
        return key

    def _give(self, request: web.BaseRequest, key: str) -> web.Response:
        self.received.append(Fetched(key, request.raw_path, request.headers["Host"]))
        headers = {"Accept-Ranges": "bytes"}
        for name, value in decoded_pairs(request.raw_path):
            if name == b"response-content-disposition":
                headers["Content-Disposition"] = value.decode()
        if key in self.objects:
            return web.Response(body=self.objects[key], content_type="application/octet-stream", headers=headers)
        if key.endswith(".m3u8"):
            return web.Response(body=PLAYLIST, content_type="application/vnd.apple.mpegurl", headers=headers)
        if not _RECORDING.fullmatch(key):
            raise StoreRefusal(404, "NoSuchKey", "The specified key does not exist.", Key=key)
        return part_of(self._video, request, headers)

    def _refuse(self, refusal: StoreRefusal, *, in_xml: bool) -> web.Response:
        """As S3 writes errors, in XML, or as TOS does, in JSON."""
        number = f"{next(self._answer_numbers):016x}"
        said = {"Code": refusal.code, "Message": refusal.message, **refusal.quoted, "RequestId": number}
        if not in_xml:
            headers = {"X-Tos-Request-Id": number}
            return web.Response(
                text=json.dumps(said), status=refusal.status_code, content_type="application/json", headers=headers
            )
        parts = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in said.items())
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{parts}</Error>'
        return web.Response(text=text, status=refusal.status_code, content_type="application/xml")


def part_of(content: bytes, request: web.BaseRequest, headers: dict[str, str]) -> web.Response:
    """The video, or the range of it that is asked for, as players do."""
    asked = _RANGE.fullmatch(request.headers.get("Range", ""))
    if asked is None or int(asked[1]) >= len(content):
        return web.Response(body=content, content_type="video/webm", headers=headers)
    first, last = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
    headers = headers | {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
    return web.Response(body=content[first : last + 1], status=206, content_type="video/webm", headers=headers)


@asynccontextmanager
async def open_fake_store(fake: FakeStore, *, port: int = 0) -> AsyncIterator[FakeStore]:
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
