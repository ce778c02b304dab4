"""Bolt behind its socket door, and Slack's stand-in, in virtual time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
from slack_bolt.async_app import AsyncAck

from bot.app.metrics.prometheus import Meters, make_meters
from bot.playground.slack.delivery import Outcome
from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.slack.world import C_ONCALL, T_HOME, U_ANA
from bot.slack.background import BackgroundTasks
from bot.slack.connection.bolt_app import make_bolt
from bot.slack.connection.client import make_slack
from bot.slack.connection.command_middleware import Commands
from bot.slack.connection.socket_endpoint import SocketDoor
from bot.slack.connection.workspace import Workspace
from bot.slack.meter import CallOutcome
from bot.slack.request.payload import Body
from testing.clock import VirtualTimeLoopWithSockets, run_in_virtual_time

HOME = Workspace(team_id=T_HOME, enterprise_id=None, bot_user_id="U0BOT", bot_id="B0BOT")
# The longest pauses, which are the worst case for coming back in time.
LONGEST = 0.999


def now() -> float:
    return asyncio.get_running_loop().time()


class Openings:
    """SlackMetrics, and when each opening came to its end."""

    def __init__(self, meters: Meters) -> None:
        self._meter = meters.slack
        self.ended_at: list[float] = []
        self.outcomes: Counter[str] = Counter()

    def called(self, method: str, outcome: CallOutcome) -> None:
        self._meter.called(method, outcome)
        if method == "apps.connections.open":
            self.ended_at.append(now())
            self.outcomes[outcome] += 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._meter, name)


@dataclass
class Scene:
    """What a test has at hand. The door is entered and left by `entered`."""

    slack: FakeSlack
    door: SocketDoor
    openings: Openings
    meters: Meters

    async def command(self, text: str = "help") -> Outcome:
        return await self.slack.command(text, user=U_ANA, channel=C_ONCALL)

    async def until_answered(self, *, within: float) -> None:
        """Somebody asks again and again."""
        async with asyncio.timeout(within):
            while not (await self.command()).acked:  # noqa: ASYNC110  # nobody is told when it would be
                await asyncio.sleep(1)

    async def settle(self) -> None:
        await self.until_answered(within=5.0)
        await asyncio.sleep(90)

    def count(self, metric: str) -> float:
        """Over all labels."""
        samples = (sample for family in self.meters.registry.collect() for sample in family.samples)
        return sum(sample.value for sample in samples if sample.name == metric)


async def listen(ack: AsyncAck, body: Body) -> None:
    if str(body["text"]).startswith("slow"):
        await asyncio.sleep(1.5)
    await ack(text="Here it is.")


@asynccontextmanager
async def entered(fake: FakeSlack, *, random: Callable[[], float] = lambda: LONGEST) -> AsyncIterator[Scene]:
    meters = make_meters(version="1", clock=lambda: datetime.now(UTC))
    openings = Openings(meters)
    async with aiohttp.ClientSession() as session, BackgroundTasks() as work:
        slack = make_slack(token=fake.bot_token, base_url=fake.api_url, session=session, meter=openings)
        bolt = make_bolt(slack, HOME)
        bolt.use(Commands(listen))
        door = SocketDoor(
            bolt, app_token=fake.app_token, slack=slack, work=work, timer=now, random=random, meter=openings
        )
        async with door:
            yield Scene(fake, door, openings, meters)


def play(script: Callable[[FakeSlack], Coroutine[Any, Any, None]]) -> None:
    """Run it beside a stand-in whose time is the virtual one as well."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        fake = FakeSlack(clock=lambda: 1_800_000_000.0 + loop.time())
        async with open_fake_slack(fake):
            await script(fake)

    run_in_virtual_time(main(), loop_factory=VirtualTimeLoopWithSockets)
