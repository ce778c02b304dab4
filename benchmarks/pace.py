"""The pace as the server counts it, with the whole bot, and how soon a person's look-up is sent."""

import asyncio
import statistics
import time

from benchmarks.worlds import fake_rtc, settings_for, stall_each_second
from bot.app import Bot, open_bot
from bot.playground.arrivals import worst_second
from bot.recording.reading import Priority, Urgency
from bot.recording.task import TaskRef
from bot.volcengine.transport import Patience

CALLERS, ROUNDS = 200, 3
WAITING, PERSONS = 1000, 20
UNHURRIED = Patience(total=600)


def measure() -> list[tuple[str, str, str]]:
    """Rows: what, what it must reach, the figure."""
    return [
        _row("worst second, 200 callers, cold start", "<= 60, >= 54 a second"),
        _row("the same, our event loop stalled 150 ms once a second", "<= 60, >= 48 a second", our_stall=0.15),
        _row("the same, the server stalled 150 ms once a second", "reported", server_stall=0.15),
        _persons_row(),
    ]


def _row(what: str, bar: str, *, our_stall: float = 0.0, server_stall: float = 0.0) -> tuple[str, str, str]:
    with fake_rtc(stall=server_stall) as server:
        asyncio.run(_ask_all(server.url, our_stall))
        arrivals = [at for at, _ in server.received()]
    pace = (len(arrivals) - 1) / (arrivals[-1] - arrivals[0])
    return what, bar, f"worst second {worst_second(arrivals)}, {pace:.1f} a second over {len(arrivals)} requests"


async def _ask_all(url: str, our_stall: float) -> None:
    async with open_bot(settings_for(url), patience=UNHURRIED) as bot:
        stalling = asyncio.create_task(stall_each_second(our_stall))
        await asyncio.gather(*(_ask_in_turn(bot, caller) for caller in range(CALLERS)))
        stalling.cancel()


async def _ask_in_turn(bot: Bot, caller: int) -> None:
    for number in range(ROUNDS):
        await bot.reader.read(TaskRef(bot.apps[0], "Room1", f"{caller}-{number}"), urgency=Urgency(Priority.PERSON))


def _persons_row() -> tuple[str, str, str]:
    with fake_rtc() as server:
        asked = asyncio.run(_persons_among_background(server.url))
        received = server.received()
    came = {task: at for at, target in received for task in asked if f"TaskId={task}&" in target}
    waits = [came[task] - at for task, at in asked.items()]
    worst, median = max(waits) * 1000, statistics.median(waits) * 1000
    said = f"at the server within {worst:.0f} ms at worst, {median:.0f} ms in the median of {len(waits)}"
    return "a person's look-up while 1,000 background ones wait", "<= 50 ms", said


async def _persons_among_background(url: str) -> dict[str, float]:
    """When each person asked, by the task asked about."""
    asked = {}
    async with open_bot(settings_for(url), patience=UNHURRIED) as bot:
        waiting = [
            asyncio.create_task(
                bot.reader.read(TaskRef(bot.apps[0], "Room1", f"b{n}"), urgency=Urgency(Priority.BACKGROUND))
            )
            for n in range(WAITING)
        ]
        await asyncio.sleep(1)
        for number in range(PERSONS):
            asked[f"person{number}."] = time.monotonic()
            ref = TaskRef(bot.apps[0], "Room1", f"person{number}.")
            await bot.reader.read(ref, urgency=Urgency(Priority.PERSON))
            await asyncio.sleep(0.05)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
    return asked
