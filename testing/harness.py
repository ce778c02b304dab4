"""The whole bot in its office: Slack on one side, RTC on the other, both over HTTP and sockets."""

import asyncio
import functools
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.app.config.load import load_settings
from bot.app.config.settings import Settings
from bot.app.serve import serve
from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.volcengine.rtc import FakeRtc, open_fake_rtc
from bot.volcengine.api.transport import Timeouts
from testing.factories import environ_for
from testing.stores import migrate

DATABASE = "rectask.db"
DOORS = ("http", "socket")
# What is the same behind both is proven behind one every day.
ONE_DOOR_AT_LEAST = ("socket", pytest.param("http", marks=pytest.mark.slow))
BRIEF = Timeouts(connect=0.5, attempt=0.6, total=4.0)


@functools.cache
def _migrated() -> bytes:
    """A new database: to migrate one takes a third of a second, and each office has its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, DATABASE)
        migrate(f"sqlite:///{path}")
        return path.read_bytes()


def copy_migrated(path: Path) -> None:
    path.write_bytes(_migrated())


@dataclass(frozen=True)
class Office:
    """What a test of a flow has at hand. `url` is the bot's own HTTP server."""

    rtc: FakeRtc
    slack: FakeSlack
    url: str
    stop: asyncio.Event
    serving: asyncio.Task[None]
    folder: Path

    async def end(self) -> None:
        """Tell the bot to stop, and wait until it has."""
        self.stop.set()
        await self.serving


def settings_for(rtc: FakeRtc, slack: FakeSlack, *, door: str, folder: Path, **more: str) -> Settings:
    environ = environ_for(rtc) | {
        "RECTASK_DATABASE_URL": f"sqlite:///{folder / DATABASE}",
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_API_URL": slack.api_url,
        "RECTASK_AUDIT": str(folder / "audit.jsonl"),
        "RECTASK_HOST": "127.0.0.1",
        "RECTASK_PORT": "0",
    }
    token = {"SLACK_APP_TOKEN": slack.app_token} if door == "socket" else {}
    secret = {"SLACK_SIGNING_SECRET": slack.signing_secret} if door == "http" else {}
    return load_settings(environ=environ | token | secret | more, env_file=Path(os.devnull), for_slack=True)


@asynccontextmanager
async def open_office(
    *,
    door: str,
    patience: Timeouts = BRIEF,
    slack: FakeSlack | None = None,
    rtc: FakeRtc | None = None,
    config: str = "",
    is_migrated: bool = True,
    timer: Callable[[], float] = time.monotonic,
    **more: str,
) -> AsyncIterator[Office]:
    """The bot, serving, with a new database; leaving the block stops it and passes on what it died of.

    `config` is what the configuration file says, `more` are settings; by `timer` memories grow old. Unless the
    database `is_migrated`, the bot makes it itself.
    """
    with tempfile.TemporaryDirectory() as folder:
        if is_migrated:
            await asyncio.to_thread(copy_migrated, Path(folder, DATABASE))
        async with open_fake_rtc(rtc or FakeRtc()) as fake_rtc, open_fake_slack(slack or FakeSlack()) as fake_slack:
            more = {"RECTASK_CONFIG": _written(Path(folder), config)} | more
            settings = settings_for(fake_rtc, fake_slack, door=door, folder=Path(folder), **more)
            async with serving(settings, fake_rtc, fake_slack, patience, Path(folder), timer=timer) as office:
                yield office


def _written(folder: Path, config: str) -> str:
    path = folder / "rectask.toml"
    path.write_text(config, encoding="utf-8")
    return str(path)


@asynccontextmanager
async def serving(
    settings: Settings,
    fake_rtc: FakeRtc,
    fake_slack: FakeSlack,
    patience: Timeouts,
    folder: Path,
    *,
    timer: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Office]:
    """The bot, between stand-ins that are there already."""
    stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
    running = asyncio.create_task(serve(settings, stop=stop, timer=timer, patience=patience, on_port=port.set_result))
    await asyncio.wait({running, port}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    office = Office(fake_rtc, fake_slack, f"http://127.0.0.1:{port.result()}", stop, running, folder)
    fake_slack.request_url = f"{office.url}/slack/events"
    try:
        yield office
    finally:
        await office.end()
