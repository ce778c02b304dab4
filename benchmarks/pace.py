"""The pace as the server counts it, with the whole bot, and how soon a person's look-up is sent."""

import asyncio
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from benchmarks.table import Claim, Part
from bot.app.wiring.lookup import Bot, open_bot
from bot.playground.volcengine.arrivals import worst_second
from bot.recording.reading import Priority, Urgency
from bot.recording.task_ref import TaskRef
from bot.volcengine.api.transport import Timeouts
from testing.stand_ins import fake_rtc, settings_for, stall_each_second

UNHURRIED = Timeouts(total=600)


@dataclass(frozen=True)
class Size:
    callers: int = 200
    rounds: int = 3
    waiting: int = 1_000
    persons: int = 20


QUICK = Size(callers=60, rounds=2, waiting=200, persons=5)


def parts(*, quick: bool) -> Iterator[Part]:
    size = QUICK if quick else Size()
    yield Part(
        (Claim(f"worst second, {size.callers} callers, cold start", "<= 60, >= 54 a second"),),
        partial(_measure, size),
    )
    yield Part(
        (Claim("the same, our event loop stalled 150 ms once a second", "<= 60, >= 48 a second"),),
        partial(_measure, size, our_stall=0.15),
    )
    yield Part(
        (Claim("the same, the server stalled 150 ms once a second", "reported"),),
        partial(_measure, size, server_stall=0.15),
    )
    yield Part(
        (Claim(f"a person's look-up while {size.waiting:,} background ones wait", "<= 50 ms"),),
        partial(_measure_persons, size),
    )


def _measure(size: Size, *, our_stall: float = 0.0, server_stall: float = 0.0) -> list[str]:
    with fake_rtc(stall=server_stall) as server:
        asyncio.run(_ask_all(server.url, size, our_stall))
        arrivals = [at for at, _ in server.received()]
    pace = (len(arrivals) - 1) / (arrivals[-1] - arrivals[0])
    return [f"worst second {worst_second(arrivals)}, {pace:.1f} a second over {len(arrivals)} requests"]


async def _ask_all(url: str, size: Size, our_stall: float) -> None:
    async with open_bot(settings_for(url), patience=UNHURRIED) as bot:
        stalling = asyncio.create_task(stall_each_second(our_stall))
        await asyncio.gather(*(_ask_in_turn(bot, caller, size.rounds) for caller in range(size.callers)))
        stalling.cancel()


async def _ask_in_turn(bot: Bot, caller: int, rounds: int) -> None:
    for number in range(rounds):
        await bot.reader.read(TaskRef(bot.apps[0], "Room1", f"{caller}-{number}"), urgency=Urgency(Priority.PERSON))


def _measure_persons(size: Size) -> list[str]:
    with fake_rtc() as server:
        asked = asyncio.run(_persons_among_background(server.url, size))
        received = server.received()
    came = {task: at for at, target in received for task in asked if f"TaskId={task}&" in target}
    waits = [came[task] - at for task, at in asked.items()]
    worst, median = max(waits) * 1000, statistics.median(waits) * 1000
    return [f"at the server within {worst:.0f} ms at worst, {median:.0f} ms in the median of {len(waits)}"]


async def _persons_among_background(url: str, size: Size) -> dict[str, float]:
    """When each person asked, by the task asked about."""
    asked = {}
    async with open_bot(settings_for(url), patience=UNHURRIED) as bot:
        waiting = [
            asyncio.create_task(
                bot.reader.read(TaskRef(bot.apps[0], "Room1", f"b{n}"), urgency=Urgency(Priority.BACKGROUND))
            )
            for n in range(size.waiting)
        ]
        await asyncio.sleep(1)
        for number in range(size.persons):
            asked[f"person{number}."] = time.monotonic()
            ref = TaskRef(bot.apps[0], "Room1", f"person{number}.")
            await bot.reader.read(ref, urgency=Urgency(Priority.PERSON))
            await asyncio.sleep(0.05)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
    return asked
