"""Several replicas of the whole bot between one Slack and one RTC, on one PostgreSQL and one Redis."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.volcengine.rtc import FakeRtc, open_fake_rtc
from bot.volcengine.api.transport import Timeouts
from testing.harness import Office, serving, settings_for
from testing.metrics import scrape

THREE = 3
# As much as a busy machine may need; nothing here is about how fast it is.
UNHURRIED = Timeouts(connect=3.0, attempt=8.0, total=12.0)
WITHIN = 20.0


@dataclass
class Replicas:
    """What runs now, each with an address, a memory and a connection to Redis of its own."""

    rtc: FakeRtc
    slack: FakeSlack
    door: str
    more: dict[str, str]
    folder: Path
    stack: AsyncExitStack
    running: list[Office] = field(default_factory=list)

    @property
    def any(self) -> Office:
        """Slack and RTC are the same for each."""
        return self.running[0]

    async def start(self) -> Office:
        """One more, which Slack knows of as soon as it can serve."""
        began = await self.begin()
        await until_ready(began)
        self.running.append(began)
        self._balance()
        return began

    async def begin(self) -> Office:
        """One more, which may not be able to serve yet."""
        settings = settings_for(self.rtc, self.slack, door=self.door, folder=self.folder, **self.more)
        began = await self.stack.enter_async_context(
            serving(settings, self.rtc, self.slack, UNHURRIED, self.folder),
        )
        self._balance()
        return began

    async def stop(self, replica: Office) -> None:
        """Tell it to stop, and wait until it has; the balancer finds out by itself."""
        await replica.end()
        self.running.remove(replica)
        self._balance()

    def _balance(self) -> None:
        self.slack.balance([f"{each.url}/slack/events" for each in self.running])

    async def counted(self, name: str, **labels: str) -> list[float]:
        """What each replica tells of itself."""
        return [(await scrape(each.url)).get(name, **labels) or 0 for each in self.running]


@asynccontextmanager
async def open_replicas(
    *,
    door: str,
    database_url: str,
    redis_url: str,
    count: int = THREE,
    slack: FakeSlack | None = None,
    **more: str,
) -> AsyncIterator[Replicas]:
    """So many, ready; leaving the block stops what still runs."""
    shared = {
        "RECTASK_DATABASE_URL": database_url,
        "RECTASK_REDIS_URL": redis_url,
        "RECTASK_REDIS_PREFIX": f"test-{uuid.uuid4().hex}:",
        "RECTASK_REPLICAS": str(THREE),
        "RECTASK_LOOKUPS_PER_MINUTE": "3600",
        "RECTASK_SUBSCRIPTIONS_PER_PERSON": "1000",
    }
    with TemporaryDirectory() as folder:
        async with (
            open_fake_rtc(FakeRtc()) as rtc,
            open_fake_slack(slack or FakeSlack(limits=False, ack_limit=WITHIN)) as fake_slack,
            AsyncExitStack() as stack,
        ):
            replicas = Replicas(rtc, fake_slack, door, shared | more, Path(folder), stack)
            for _ in range(count):
                await replicas.start()
            yield replicas


async def until_ready(replica: Office) -> None:
    """As an orchestrator finds out; what it dies of meanwhile is passed on."""
    async with asyncio.timeout(WITHIN), aiohttp.ClientSession() as session:
        while True:
            if replica.serving.done():
                await replica.serving
            async with session.get(f"{replica.url}/readyz") as response:
                if response.status == 200:
                    return
            await asyncio.sleep(0.02)
