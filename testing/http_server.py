"""An HTTP server with Slack's door in it and a listener behind that, for tests that send it anything at all."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import aiohttp
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.app.http_connections import Limits
from bot.app.http_server import Door, open_web
from bot.app.metrics.prometheus import make_meters
from bot.app.metrics.scrape import Scraping
from bot.slack.connection.admission import Reason
from bot.slack.connection.bolt_app import make_bolt
from bot.slack.connection.client import make_slack
from bot.slack.connection.http_endpoint import http_door
from bot.slack.connection.workspace import Workspace

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
FORM = {"command": "/rectask", "text": "help", "team_id": "T1", "user_id": "U1"}
COMMAND = urlencode(FORM).encode()
MEGABYTE = 1024 * 1024


def signed(body: bytes, **more: str) -> dict[str, str]:
    """The headers that Slack would send."""
    at = str(int(time.time()))
    signature = hmac.new(SECRET.encode(), f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": at,
        "X-Slack-Signature": f"v0={signature}",
        **more,
    }


def forged(**more: str) -> dict[str, str]:
    """What looks as if Slack had signed it, until the body is there."""
    return signed(b"another body", **more)


def head(headers: Mapping[str, str], *, path: str = "/slack/events", method: str = "POST", length: int = 0) -> bytes:
    """A request without its body."""
    lines = {"Host": "bot", "Content-Length": str(length), **headers}
    return (
        f"{method} {path} HTTP/1.1\r\n".encode()
        + b"".join(f"{name}: {value}\r\n".encode() for name, value in lines.items())
        + b"\r\n"
    )


def request(body: bytes, headers: Mapping[str, str]) -> bytes:
    """All of it."""
    return head({"Connection": "close", **headers}, length=len(body)) + body


@dataclass
class House:
    """The server's port, what its listener heard, and what was refused."""

    heard: list[dict[str, Any]] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    port: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def refused(self, reason: Reason) -> None:
        """The protocol DoorMeter."""
        self.reasons.append(reason)

    async def connect(self, *parts: bytes) -> asyncio.StreamReader:
        """A connection that stays open, over which this was sent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        for part in parts:
            writer.write(part)
            with suppress(ConnectionError):
                await writer.drain()
        return reader

    async def send(self, *parts: bytes) -> bytes:
        """All that comes back until the server closes the connection; nothing where it is cut."""
        reader = await self.connect(*parts)
        async with asyncio.timeout(10):
            try:
                return await reader.read()
            except ConnectionError:
                return b""

    async def say_and_leave(self, sent: bytes) -> None:
        """Send it, and nothing more ever."""
        reader = await self.connect(sent)
        self.writers[-1].write_eof()
        with suppress(ConnectionError):
            await reader.read()

    async def status_of(self, *parts: bytes) -> int:
        return int((await self.send(*parts)).split(b" ", 2)[1])

    async def command(self) -> float:
        """Send a good one, and say how many seconds its answer took."""
        began = time.monotonic()
        answer = await self.send(request(COMMAND, signed(COMMAND)))
        assert answer.startswith(b"HTTP/1.1 200"), answer
        assert answer.endswith(b"heard"), answer
        return time.monotonic() - began


@asynccontextmanager
async def open_house(limits: Limits | None = None, *, logged_every: float = 60.0) -> AsyncIterator[House]:
    house, door = House(), Door()
    scraping = Scraping(make_meters(version="1", clock=lambda: datetime.now(UTC)).registry)
    async with aiohttp.ClientSession() as session:
        door.handler = http_door(_bolt(session, house.heard), signing_secret=SECRET)
        web = open_web(
            host="127.0.0.1",
            port=0,
            door=door,
            checks=_all_is_well,
            scrape=scraping.scrape,
            limits=limits,
            meter=house,
            logged_every=logged_every,
        )
        async with web as port:
            house.port = port
            try:
                yield house
            finally:
                for writer in house.writers:
                    writer.close()


def _bolt(session: aiohttp.ClientSession, heard: list[dict[str, Any]]) -> AsyncApp:
    slack = make_slack(token="xoxb-1", base_url="http://127.0.0.1:9/", session=session)
    bolt = make_bolt(slack, Workspace(team_id="T1", enterprise_id=None, bot_user_id="U0", bot_id="B0"))

    async def listen(ack: AsyncAck, body: dict[str, Any]) -> None:
        heard.append({name: body[name] for name in body if name in FORM})
        await ack("heard")

    bolt.command("/rectask")(listen)
    return bolt


async def _all_is_well() -> Mapping[str, bool]:
    return {"all": True}
