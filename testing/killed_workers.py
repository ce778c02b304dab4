"""kill -9 and SIGSTOP of random workers while notices go out: how many were lost, how many came twice."""

import asyncio
import random
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.notices.store import DatabaseUnavailable
from testing.postgres import Postgres
from testing.redis_server import RedisServer
from testing.replica_processes import now_and_then, restart_postgres, troubled
from testing.workers import SUBSCRIBERS, Crew, Town, open_crew, open_town

WORKERS = 4
HALF = 0.5


@dataclass(frozen=True, slots=True)
class Toll:
    """What came of a run."""

    notices: int
    lost: int
    twice: int
    killed: int
    stopped: int
    looked_for: int
    seconds: float

    def __str__(self) -> str:
        hits = ((self.killed, "kills"), (self.stopped, "stops"))
        how = " and ".join(f"{count} {name}" for count, name in hits if count)
        looked = f"{self.looked_for} looked for in the conversation"
        return f"{self.lost} lost, {self.twice} twice, of {self.notices:,}; {how} in {self.seconds:.0f} s, {looked}"


@dataclass(frozen=True, slots=True)
class Plan:
    """How it goes: `how` is "kill", "stop" or "both", `every` so many seconds one worker is hit; `seed` chooses which.

    With a Redis the workers share their pace, and it is flushed now and then; a PostgreSQL is restarted.
    """

    how: str
    notices: int
    every: float = 1.0
    seed: int = 1
    messages_per_second: float = 6.0
    lease: float = 6.0
    workers: int = WORKERS
    redis: RedisServer | None = None
    postgres: Postgres | None = None

    @property
    def stands_still_for(self) -> float:
        """Long enough for a whole lease to pass, and then some."""
        return self.lease + 2.0


async def run(plan: Plan, url: str, folder: Path) -> Toll:
    """Until all is settled; the database at the URL is empty."""
    dice = random.Random(plan.seed)  # noqa: S311  # which worker dies is no secret
    town_of = open_town(
        url,
        folder,
        rooms=plan.notices // SUBSCRIBERS,
        workers=plan.workers,
        redis_url=plan.redis.url if plan.redis else None,
        lease=plan.lease,
        messages_per_second=plan.messages_per_second,
    )
    async with town_of as town:
        await town.subscribe_all()
        town.end_all()
        began = asyncio.get_running_loop().time()
        async with open_crew(town.order, plan.workers, dice=dice) as crew:
            async with troubled(_haunt(crew, plan, dice), *_of_machines(plan, dice)):
                await _until_settled(town)
            # Whoever was stopped goes on, and may still do harm.
            await asyncio.sleep(1.0 if plan.how == "kill" else plan.stands_still_for)
        return _toll(town, crew, asyncio.get_running_loop().time() - began)


async def _haunt(crew: Crew, plan: Plan, dice: random.Random) -> None:
    async with asyncio.TaskGroup() as stops:
        while True:
            await asyncio.sleep(plan.every * dice.uniform(0.5, 1.5))
            if plan.how == "kill" or (plan.how == "both" and dice.random() < HALF):
                await crew.kill_one()
            else:
                stops.create_task(crew.stop_one(plan.stands_still_for))


def _of_machines(plan: Plan, dice: random.Random) -> Iterator[Awaitable[None]]:
    """PostgreSQL goes away every 5 to 15 seconds, Redis forgets everything every 3 to 9."""
    if (postgres := plan.postgres) is not None:
        yield now_and_then(lambda: restart_postgres(postgres), dice, between=(5, 15))
    if (redis := plan.redis) is not None:
        yield now_and_then(lambda: asyncio.to_thread(redis.flush), dice, between=(3, 9))


async def _until_settled(town: Town, *, at_most: float = 900.0) -> None:
    async with asyncio.timeout(at_most):
        while not await _is_settled(town):  # noqa: ASYNC110  # it is in a database
            await asyncio.sleep(1.0)


async def _is_settled(town: Town) -> bool:
    try:
        return await town.unsettled() == 0
    except DatabaseUnavailable:
        return False


def _toll(town: Town, crew: Crew, seconds: float) -> Toll:
    told, due = town.told(), town.due()
    assert not told.keys() - due, "somebody was told of what they had not subscribed to"
    return Toll(
        notices=len(due),
        lost=sum(1 for key in due if not told[key]),
        twice=sum(count - 1 for count in told.values()),
        killed=crew.killed,
        stopped=crew.stopped,
        looked_for=sum(1 for call in town.slack.calls if call.method == "conversations.history"),
        seconds=seconds,
    )
