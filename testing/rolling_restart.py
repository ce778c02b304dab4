"""Commands while three replicas are replaced one after the other, and many of the same at once."""

import asyncio
import math
import time
from pathlib import Path

from bot.playground.slack.delivery import Outcome
from testing.postgres import Postgres
from testing.replica_processes import City, Fleet, open_city, open_fleet

REPLICAS, SAME = 3, 100
CARDS_WITHIN = 20.0


async def rolling_restart(
    postgres: Postgres, folder: Path, *, rounds: int, per_second: float = 20.0
) -> tuple[str, str]:
    """What became of the commands during that many restarts of all, and of the same command sent many times."""
    async with open_city(postgres, folder, name="rolling", replicas=REPLICAS + 1) as city:
        async with open_fleet(city, REPLICAS) as fleet:
            same = await _ask_the_same(city)
            rolled = await _roll(city, fleet, rounds, per_second)
        return rolled, same


async def _ask_the_same(city: City) -> str:
    before = len(city.rtc.arrivals())
    outcomes = await asyncio.gather(*(city.slack.command("Room1 TheSame") for _ in range(SAME)))
    failed = sum(not outcome.acked or outcome.error is not None for outcome in outcomes)
    return f"{len(city.rtc.arrivals()) - before} requests to RTC, {failed} of {SAME} failed"


async def _roll(city: City, fleet: Fleet, rounds: int, per_second: float) -> str:
    outcomes: dict[str, Outcome] = {}
    commanding = asyncio.create_task(_command(city, outcomes, per_second))
    began = time.monotonic()
    codes = [await fleet.restart(place) for _ in range(rounds) for place in range(REPLICAS)]
    took = time.monotonic() - began
    commanding.cancel()
    await asyncio.wait([commanding])
    await asyncio.sleep(1)
    give_up_at = time.monotonic() + CARDS_WITHIN
    while (missing := outcomes.keys() - _answered(city, outcomes)) and time.monotonic() < give_up_at:  # noqa: ASYNC110
        await asyncio.sleep(0.5)
    failed = sum(not outcome.acked or outcome.error is not None for outcome in outcomes.values())
    acks = sorted(outcome.seconds for outcome in outcomes.values())
    p99 = acks[math.ceil(len(acks) * 0.99) - 1]
    ends = "all with exit code 0" if not any(codes) else f"exit codes {codes}"
    return (
        f"{failed} of {len(outcomes)} failed, {len(missing)} without a card; ack {p99:.2f} s p99, {acks[-1]:.2f} s at "
        f"worst; {len(codes)} replicas replaced in {took:.0f} s, {ends}"
    )


async def _command(city: City, outcomes: dict[str, Outcome], per_second: float) -> None:
    """Each for a task of its own; those under way when it is cancelled come to their end."""
    under_way = set()

    async def one(task: str) -> None:
        outcomes[task] = await city.slack.command(f"Room1 {task}")

    try:
        number = 0
        while True:
            number += 1
            under_way.add(asyncio.create_task(one(f"rolling{number}.")))
            await asyncio.sleep(1 / per_second)
    finally:
        await asyncio.wait(under_way)


def _answered(city: City, outcomes: dict[str, Outcome]) -> set[str]:
    """The tasks that somebody was shown a card of."""
    shown = "\n".join(message.text for message in city.slack.messages)
    return {task for task in outcomes if task in shown}
