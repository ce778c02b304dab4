"""The bodies of answers: unpacked as browsers do, in any encoding of JSON, bounded before objects are made of them."""

import asyncio
import json
import zlib
from collections.abc import Callable
from typing import TypeVar

import httpx

T = TypeVar("T")

BODY_LIMIT = 10 * 1024 * 1024
# A recording of 72 hours with 100 streams, three formats and a file every four hours has 5,400 files, with two objects
# each. Ten megabytes of `{}` took 28 s and 4 GB before there was a bound.
OBJECTS_AT_MOST = 40_000
MARKS_AT_MOST = 400_000
# What is larger is read in a thread. 170 files, which have as many, took 3 ms, as much as the loop can spare; the way
# into a thread and back took 0.4 ms (measured).
_OBJECTS_ON_THE_LOOP = 500
_BYTES_ON_THE_LOOP = 64 * 1024
# zlib's ways of asking for gzip, and for deflate with its header or without.
_GZIP = 16 + zlib.MAX_WBITS
_DEFLATE, _RAW_DEFLATE = zlib.MAX_WBITS, -zlib.MAX_WBITS
_UTF_8 = ("utf-8", "utf-8-sig")


def is_large(body: bytes) -> bool:
    """Whether it takes so long to read that others would notice; found in one pass, without making any object."""
    return len(body) > _BYTES_ON_THE_LOOP or body.count(b"{") + body.count(b"[") > _OBJECTS_ON_THE_LOOP


def excess(body: bytes) -> str | None:
    """What there is too much of, as a clause; None where all is within its bound."""
    if body.count(b"{") + body.count(b"[") > OBJECTS_AT_MOST:
        return f"it has more than {OBJECTS_AT_MOST:,} objects and lists"
    if body.count(b",") + body.count(b":") > MARKS_AT_MOST:
        return f"it has more than {MARKS_AT_MOST:,} values"
    return None


async def apart(is_large: bool, work: Callable[[], T]) -> T:  # noqa: FBT001  # the question that the name asks
    """What the work brings, done in a thread where it is large."""
    return await asyncio.to_thread(work) if is_large else work()


def in_utf_8(body: bytes) -> bytes:
    """JSON comes in UTF-8, 16 or 32, with a byte order mark or without; its first bytes tell (RFC 4627, section 3)."""
    encoding = json.detect_encoding(body)
    if encoding in _UTF_8:
        return body.removeprefix(b"\xef\xbb\xbf")
    return body.decode(encoding, errors="replace").encode()


class _Deflated:
    """Deflate as it comes: most servers send zlib's header, some do not."""

    def __init__(self) -> None:
        self._unpacker = zlib.decompressobj(_DEFLATE)
        self._has_begun = False

    @property
    def eof(self) -> bool:
        return self._unpacker.eof

    def decompress(self, chunk: bytes, most: int) -> bytes:
        try:
            unpacked = self._unpacker.decompress(chunk, most)
        except zlib.error:
            if self._has_begun:
                raise
            self._unpacker = zlib.decompressobj(_RAW_DEFLATE)
            unpacked = self._unpacker.decompress(chunk, most)
        self._has_begun = True
        return unpacked


async def read_whole(response: httpx.Response) -> bytes | None:
    """The body, unpacked; None as soon as it passes the limit, before more than that is unpacked.

    Words that nobody knows are passed over: the body under them is often not packed at all, and else it is no JSON.
    Raises httpx.DecodingError for packing that is broken, or done twice: that can make gigabytes of some kilobytes.
    """
    unpacker = _unpacker_for(response.headers.get("content-encoding", ""))
    body, received = bytearray(), 0
    async for chunk in response.aiter_raw():
        received += len(chunk)
        try:
            body += chunk if unpacker is None else _unpacked(unpacker, chunk)
        except zlib.error as failure:
            raise httpx.DecodingError(str(failure)) from failure
        if max(len(body), received) > BODY_LIMIT:
            return None
    if unpacker is not None and received and not unpacker.eof:
        raise httpx.DecodingError("the packed body ends too soon")
    return bytes(body)


def _unpacked(unpacker: "_Deflated | zlib._Decompress", chunk: bytes) -> bytes:
    """What comes after the end is passed over: zlib would copy all of it once more for each chunk."""
    return b"" if unpacker.eof else unpacker.decompress(chunk, BODY_LIMIT + 1)


def _unpacker_for(header: str) -> "_Deflated | zlib._Decompress | None":
    words = [word.strip().lower().removeprefix("x-") for word in header.split(",")]
    packings = [word for word in words if word in {"gzip", "deflate"}]
    if len(packings) > 1:
        raise httpx.DecodingError(f"content-encoding {header}")
    if packings == ["gzip"]:
        return zlib.decompressobj(_GZIP)
    return _Deflated() if packings else None
