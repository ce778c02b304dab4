"""`check` and `serve` in the same worlds: what check calls well must come up, and what it calls broken must not."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from structlog.typing import EventDict

from bot.app.cli.check import check
from bot.app.serve import serve
from bot.notices.store import DatabaseUnusable
from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.volcengine.rtc import FakeRtc
from bot.slack.connection.auth import TokenRefused
from testing import broken_stores as worlds
from testing.broken_stores import World
from testing.factories import environ_for
from testing.harness import settings_for
from testing.pgbouncer import needs_pgbouncer
from testing.postgres import Postgres

UseEnviron = Callable[[Mapping[str, str]], None]
# Said by serve where it waits for its database, or can do nothing with it.
IN_VAIN = {"start.delayed", "store.lost", "rounds.failed"}
TRIES, PAUSE = 300, 0.1


def told(world: World, *, comes_up: bool, marks: object = ()) -> object:
    return pytest.param(world, comes_up, id=world.__name__, marks=marks)  # type: ignore[arg-type]


# Those that fail at once: test_broken_stores.py has those that are waited for, such as a lock or a silent server.
WORLDS = [
    told(worlds.fine, comes_up=True),
    told(worlds.missing, comes_up=True),
    told(worlds.without_a_byte, comes_up=True),
    told(worlds.nobody_listens, comes_up=False),
    told(worlds.read_only, comes_up=False),
    told(worlds.no_right_to_create, comes_up=False),
    told(worlds.no_right_to_write, comes_up=False),
    told(worlds.ascii_only, comes_up=False),
    told(worlds.pooled_by_statement, comes_up=False, marks=needs_pgbouncer),
]


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with open_fake_slack(FakeSlack()) as fake:
        yield fake


async def comes_up(fake_rtc: FakeRtc, slack: FakeSlack, folder: Path, logged: list[EventDict], **more: str) -> bool:
    settings = settings_for(fake_rtc, slack, door="http", folder=folder, **more)
    stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
    async with ending(asyncio.create_task(serve(settings, stop=stop, on_port=port.set_result)), stop) as serving:
        await asyncio.wait({serving, port}, return_when=asyncio.FIRST_COMPLETED)
        for _ in range(TRIES):
            if serving.done() or any(event["event"] in IN_VAIN for event in logged):
                return False
            if await is_ready(port.result()):
                return True
            await asyncio.sleep(PAUSE)
    raise AssertionError("neither ready, nor in vain")


@asynccontextmanager
async def ending(serving: asyncio.Task[None], stop: asyncio.Event) -> AsyncIterator[asyncio.Task[None]]:
    try:
        yield serving
    finally:
        stop.set()
        with contextlib.suppress(DatabaseUnusable, TokenRefused):
            await serving


async def is_ready(port: int) -> bool:
    with contextlib.suppress(aiohttp.ClientError):
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/readyz") as answer:
            return answer.status == 200
    return False


async def is_called_well(use_environ: UseEnviron, environ: Mapping[str, str]) -> bool:
    use_environ(environ)
    return await asyncio.to_thread(check, io.StringIO()) == 0


@asynccontextmanager
async def entered(world: World, folder: Path, postgres: Postgres) -> AsyncIterator[str]:
    """In a thread, for worlds have a loop of their own."""
    context = world(folder, postgres)
    url = await asyncio.to_thread(context.__enter__)
    try:
        yield url
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)


def environ_of(fake_rtc: FakeRtc, slack: FakeSlack, **more: str) -> dict[str, str]:
    own = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_API_URL": slack.api_url, "RECTASK_HOST": "127.0.0.1"}
    return environ_for(fake_rtc, **own, SLACK_SIGNING_SECRET=slack.signing_secret, RECTASK_PORT="0", **more)


@pytest.mark.parametrize(("world", "is_well"), WORLDS)
async def test_the_same_store(
    world: World,
    is_well: bool,  # a parameter of the test
    fake_rtc: FakeRtc,
    slack: FakeSlack,
    postgres: Postgres,
    tmp_path: Path,
    use_environ: UseEnviron,
    logged: list[EventDict],
) -> None:
    """Each finds it as it was."""
    for name in ("serve", "check"):
        (tmp_path / name).mkdir()
    async with entered(world, tmp_path / "serve", postgres) as url:
        assert await comes_up(fake_rtc, slack, tmp_path, logged, RECTASK_DATABASE_URL=url) == is_well
    async with entered(world, tmp_path / "check", postgres) as url:
        environ = environ_of(fake_rtc, slack, RECTASK_DATABASE_URL=url)
        assert await is_called_well(use_environ, environ) == is_well


async def test_a_token_that_slack_refuses(
    fake_rtc: FakeRtc, slack: FakeSlack, tmp_path: Path, use_environ: UseEnviron, logged: list[EventDict]
) -> None:
    slack.bot_token = "xoxb-another"  # of nobody
    other = {"SLACK_BOT_TOKEN": "xoxb-revoked"}
    assert not await comes_up(fake_rtc, slack, tmp_path, logged, **other)
    assert not await is_called_well(use_environ, environ_of(fake_rtc, slack) | other)
