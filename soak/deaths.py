"""kill -9 and SIGSTOP of random workers while notices go out: how many were lost, how many came twice."""

import asyncio
import random
from dataclasses import dataclass
from pathlib import Path

from soak.town import SUBSCRIBERS, Crew, Town, open_crew, open_town

WORKERS = 4


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
        how = f"{self.killed} kills" if self.killed else f"{self.stopped} stops"
        looked = f"{self.looked_for} looked for in the conversation"
        return f"{self.lost} lost, {self.twice} twice, of {self.notices:,}; {how} in {self.seconds:.0f} s, {looked}"


@dataclass(frozen=True, slots=True)
class Plan:
    """How it goes: `how` is "kill" or "stop", `every` so many seconds one worker is hit; `seed` chooses which."""

    how: str
    notices: int
    every: float = 1.0
    seed: int = 1
    messages_per_second: float = 6.0
    lease: float = 6.0

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
        workers=WORKERS,
        lease=plan.lease,
        messages_per_second=plan.messages_per_second,
    )
    async with town_of as town:
        await town.subscribe_all()
        town.end_all()
        began = asyncio.get_running_loop().time()
        async with open_crew(town.order, WORKERS, dice=dice) as crew:
            haunting = asyncio.create_task(_haunt(crew, plan, dice))
            try:
                await _until_settled(town)
            finally:
                haunting.cancel()
                await asyncio.wait([haunting])
            # Whoever was stopped goes on, and may still do harm.
            await asyncio.sleep(plan.stands_still_for if plan.how == "stop" else 1.0)
        return _toll(town, crew, asyncio.get_running_loop().time() - began)


async def _haunt(crew: Crew, plan: Plan, dice: random.Random) -> None:
    async with asyncio.TaskGroup() as stops:
        while True:
            await asyncio.sleep(plan.every * dice.uniform(0.5, 1.5))
            if plan.how == "kill":
                await crew.kill_one()
            else:
                stops.create_task(crew.stop_one(plan.stands_still_for))


async def _until_settled(town: Town, *, at_most: float = 900.0) -> None:
    async with asyncio.timeout(at_most):
        while await town.unsettled():  # noqa: ASYNC110  # it is in a database
            await asyncio.sleep(1.0)


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
