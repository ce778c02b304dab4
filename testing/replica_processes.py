"""What replicas live in: RTC in a process of its own, Slack and its people here, a real PostgreSQL, a real Redis."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bot.playground.slack.server import FakeSlack, open_fake_slack
from testing.forked_processes import fork, rectask
from testing.postgres import Postgres
from testing.redis_server import RedisServer, run_redis
from testing.stand_ins import ACCOUNT, Environ, Served, Server, fake_rtc


@dataclass
class City:
    """Everything but the replicas, which are made from `environ`."""

    rtc: Server
    slack: FakeSlack
    postgres: Postgres
    redis: RedisServer
    environ: Environ
    folder: Path


@asynccontextmanager
async def open_city(postgres: Postgres, folder: Path, *, name: str, replicas: int) -> AsyncIterator[City]:
    """With an empty database of that name."""
    with fake_rtc() as rtc, run_redis() as redis:
        async with open_fake_slack(FakeSlack(limits=False)) as slack:
            environ = {
                "RECTASK_DATABASE_URL": postgres.create(name),
                "RECTASK_REDIS_URL": redis.url,
                "RECTASK_REPLICAS": str(replicas),
                "RECTASK_RTC_ENDPOINT": rtc.url,
                "RECTASK_APP_ID": ACCOUNT.app_ids[0],
                "VOLC_ACCESSKEY": ACCOUNT.access_key,
                "VOLC_SECRETKEY": ACCOUNT.secret_key,
                "SLACK_BOT_TOKEN": slack.bot_token,
                "SLACK_APP_TOKEN": slack.app_token,
                "SLACK_API_URL": slack.api_url,
                "RECTASK_LOOKUPS_PER_MINUTE": "3600",
                "RECTASK_SUBSCRIPTIONS_PER_PERSON": "1000",
                "RECTASK_HOST": "127.0.0.1",
                "RECTASK_PORT": "0",
            }
            yield City(rtc, slack, postgres, redis, environ, folder)


@dataclass
class Fleet:
    """`rectask serve`, several times."""

    city: City
    replicas: list[Served] = field(default_factory=list)
    started: int = 0

    async def begin(self, size: int) -> None:
        """All at once, on an empty database at first."""
        self.replicas = [self._start() for _ in range(size)]
        for replica in self.replicas:
            await replica.until_ready()

    def _start(self) -> Served:
        self.started += 1
        log = self.city.folder / f"replica{self.started}.log"
        with log.open("wb") as stream, Path(os.devnull).open("wb") as nowhere:
            process = fork(
                rectask("serve"),
                environ=self.city.environ,
                stdout=nowhere.fileno(),
                stderr=stream.fileno(),
                folder=self.city.folder,
            )
        return Served(process, log)

    async def restart(self, place: int) -> int:
        """As a deployment does it: another one first, and SIGTERM for this one once that is ready; its exit code."""
        old, new = self.replicas[place], self._start()
        await new.until_ready()
        self.replicas[place] = new
        old.process.terminate()
        return int(await asyncio.to_thread(old.process.wait))

    async def kill(self, place: int) -> None:
        """Kill -9, and another one in its place."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self.replicas[place].process.kill()
        await asyncio.to_thread(self.replicas[place].process.wait)
        self.replicas[place] = self._start()

    async def stop(self, place: int, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after so long."""
        process = self.replicas[place].process
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        with contextlib.suppress(psutil.NoSuchProcess):  # it was killed meanwhile
            process.send_signal(signal.SIGCONT)

    async def end(self) -> None:
        for replica in self.replicas:
            with contextlib.suppress(psutil.NoSuchProcess):
                replica.process.send_signal(signal.SIGCONT)
                replica.process.terminate()
        for replica in self.replicas:
            await asyncio.to_thread(replica.process.wait)


@asynccontextmanager
async def open_fleet(city: City, size: int) -> AsyncIterator[Fleet]:
    fleet = Fleet(city)
    try:
        await fleet.begin(size)
        yield fleet
    finally:
        await fleet.end()


async def now_and_then(
    trouble: Callable[[], Awaitable[object]], dice: random.Random, *, between: tuple[float, float]
) -> None:
    """Make it, and again after a while, until cancelled; one that has begun comes to its end."""
    while True:
        await asyncio.sleep(dice.uniform(*between))
        await asyncio.shield(trouble())


@asynccontextmanager
async def troubled(*troubles: Awaitable[None]) -> AsyncIterator[None]:
    """While the block runs. A trouble that ends by itself, or fails, is a fault of the run, and raised."""
    running = [asyncio.ensure_future(trouble) for trouble in troubles]
    try:
        yield
    finally:
        ended = [trouble for trouble in running if trouble.done()]
        for trouble in running:
            trouble.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    for trouble in ended:
        trouble.result()
        raise RuntimeError("a trouble came to its end")


async def restart_postgres(postgres: Postgres) -> None:
    """Stopped at once, as when its machine goes, and started again."""
    await asyncio.to_thread(postgres.stop)
    await asyncio.to_thread(postgres.start)
