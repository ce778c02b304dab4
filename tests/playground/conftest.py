"""What the tests of the stand-in for Slack are given."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.server import FakeSlack, open_fake_slack
from testing.small_bot import Clock, SmallBot, connected


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def fake(clock: Clock, tmp_path: Path) -> AsyncIterator[FakeSlack]:
    (tmp_path / "index.html").write_text("<h1>The page</h1>")
    async with open_fake_slack(FakeSlack(ack_limit=1.0, clock=clock, page=tmp_path)) as opened:
        yield opened


@pytest.fixture(params=["http", "sockets"])
async def small_bot(fake: FakeSlack, request: pytest.FixtureRequest) -> AsyncIterator[SmallBot]:
    small = SmallBot(fake)
    async with connected(small, fake, request.param):
        yield small
    assert fake.complaints == []
    assert fake.refusals == []


@pytest.fixture
def client(fake: FakeSlack) -> AsyncWebClient:
    return AsyncWebClient(token=fake.bot_token, base_url=fake.api_url, retry_handlers=[])


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session
