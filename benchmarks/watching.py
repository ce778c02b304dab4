"""Watching at scale: a round over 10,000 tasks with the whole bot, and how soon the end of a task is told.

`python -m benchmarks.watching --quick` does the same with fewer tasks and a shorter interval.
"""

import argparse
import asyncio
import json
import math
import os
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import psutil

from benchmarks.table import Claim, Part, print_table
from bot.app.log_setup import configure_logs
from bot.playground.slack.world import Message, dm_id
from bot.playground.volcengine.arrivals import worst_second
from testing.stand_ins import StandIns, open_stand_ins, serving
from testing.watched_tasks import ROOMS, watch

TASKS, QUICK_TASKS = 10_000, 200
COMMANDS = 40
# By design: nine tenths of the limit, and a tenth more of time.
WITHIN_A_TASK = 1.1 / 54
# What the pacer really does; so that the commands are spread over the whole round.
EXPECTED_A_TASK = 1 / 58
MEGABYTE = 1_000_000

TOLD_WITHIN = 120.0


@dataclass(frozen=True)
class Ends:
    """Tasks that end, to whom that is told, and the seconds between looks."""

    interval: int = 30
    tasks: int = 80
    people: int = 20


QUICK_ENDS = Ends(interval=5, tasks=20, people=5)


def parts(*, quick: bool, tasks: int = TASKS) -> Iterator[Part]:
    yield _round_part(QUICK_TASKS if quick else tasks)
    yield _told_part(QUICK_ENDS if quick else Ends())


def _round_part(tasks: int) -> Part:
    claims = (
        Claim(
            f"{tasks:,} watched tasks, all due: a full round at limit 60",
            f"<= {tasks * WITHIN_A_TASK:.1f} s, worst second <= 60",
        ),
        Claim("`/rectask` of an uncached task meanwhile", "<= 50 ms to RTC"),
        Claim("the bot's memory meanwhile", "< 200 MB resident"),
        Claim("its CPU meanwhile", "< half a core"),
    )
    return Part(claims, lambda: asyncio.run(_round(tasks)))


def _told_part(ends: Ends) -> Part:
    claim = Claim(f"end of a task to its message, a look every {ends.interval} s", f"< {ends.interval + 2} s, p95")
    return Part((claim,), lambda: [asyncio.run(_told(ends))])


async def _round(tasks: int) -> list[str]:
    async with open_stand_ins() as world:
        async with serving(world):
            pass  # it makes its tables
        await watch(world.rtc.url, world.environ["RECTASK_DATABASE_URL"], tasks)
        async with serving(world) as bot, _measuring(bot.process) as body:
            asked_at = await _ask_now_and_then(world, tasks)
        assert not world.slack.complaints + world.slack.refusals, (world.slack.complaints, world.slack.refusals)
        return [*_rtc_figures(world.rtc.received(), tasks, asked_at), *_body_figures(body)]


@dataclass
class _Body:
    """What the bot's process took: CPU seconds and wall seconds, and its memory now and then, in bytes."""

    cpu: float = 0.0
    wall: float = 0.0
    resident: list[int] = field(default_factory=list)


@asynccontextmanager
async def _measuring(process: psutil.Process) -> AsyncIterator[_Body]:
    body, begun, spent = _Body(), time.monotonic(), _cpu_of(process)

    async def look() -> None:
        while True:
            body.resident.append(process.memory_info().rss)
            await asyncio.sleep(0.5)

    looking = asyncio.create_task(look())
    yield body
    looking.cancel()
    body.cpu, body.wall = _cpu_of(process) - spent, time.monotonic() - begun


def _cpu_of(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


async def _ask_now_and_then(world: StandIns, tasks: int) -> dict[str, float]:
    """Until all are looked at, or far too late; when each command was sent, by the task it asks about."""
    asked_at: dict[str, float] = {}
    begun, pause = time.monotonic(), tasks * EXPECTED_A_TASK / COMMANDS
    while time.monotonic() - begun < 1.5 * tasks * WITHIN_A_TASK:
        if len(asked_at) < COMMANDS:
            await asyncio.sleep(pause)
            task = f"person{len(asked_at)}."
            asked_at[task] = time.monotonic()
            outcome = await world.slack.command(f"Room1 {task}")
            assert outcome.acked, outcome
        elif _is_round_over(world, tasks):
            break
        else:
            await asyncio.sleep(1)
    return asked_at


def _is_round_over(world: StandIns, tasks: int) -> bool:
    """The count is asked for first: a list so long makes the stand-in stand still."""
    if world.rtc.count() < tasks + COMMANDS + len(ROOMS):
        return False
    return len(_first_asked(world.rtc.received(), "watched")) == tasks


def _first_asked(received: list[tuple[float, str]], prefix: str) -> dict[str, float]:
    """When each task was first asked for, of those whose ids begin so."""
    first: dict[str, float] = {}
    for at, target in received:
        task = parse_qs(urlsplit(target).query)["TaskId"][0]
        if task.startswith(prefix):
            first.setdefault(task, at)
    return first


def _rtc_figures(received: list[tuple[float, str]], tasks: int, asked_at: dict[str, float]) -> list[str]:
    looked_at = _first_asked(received, "watched")
    first, last = min(looked_at.values()), max(looked_at.values())
    took, worst = last - first, worst_second([at for at, _ in received if first <= at <= last])
    came = _first_asked(received, "person")
    waits = sorted((came[task] - at) * 1000 for task, at in asked_at.items())
    pace = (len(looked_at) - 1) / took
    missing = "" if len(looked_at) == tasks else f" ONLY {len(looked_at)} WERE LOOKED AT,"
    return [
        f"{took:.1f} s,{missing} {pace:.1f} a second, worst second {worst}",
        f"{waits[-1]:.0f} ms at worst, {statistics.median(waits):.0f} ms in the median of {len(waits)}",
    ]


def _body_figures(body: _Body) -> list[str]:
    peak, at_first = (size / MEGABYTE for size in (max(body.resident), body.resident[0]))
    return [
        f"{peak:.0f} MB at most, {at_first:.0f} MB at first",
        f"{body.cpu / body.wall:.0%} of a core ({body.cpu:.1f} s in {body.wall:.1f} s)",
    ]


async def _told(ends: Ends) -> str:
    async with open_stand_ins(RECTASK_WATCH_INTERVAL=str(ends.interval)) as world, serving(world):
        people = world.slack.add_people(ends.people)
        askers = {f"notice{number}.": people[number % ends.people] for number in range(ends.tasks)}
        await _subscribe(world, askers, ends.interval)
        ended_at = await _end(world, list(askers), ends.interval)
        with suppress(TimeoutError):  # the figure tells
            await world.slack.wait_for(lambda: len(_notices(world)) >= ends.tasks, timeout=TOLD_WITHIN)
        assert not world.slack.complaints + world.slack.refusals, (world.slack.complaints, world.slack.refusals)
        told_at = {task: _told_at(world, task, user) for task, user in askers.items()}
    waits = sorted(at - ended_at[task] for task, times in told_at.items() for at in times[:1])
    p95, median = waits[math.ceil(len(waits) * 0.95) - 1], statistics.median(waits)
    told_once = sum(len(times) == 1 for times in told_at.values())
    to_whom = f"{told_once} of {ends.tasks} told once, to {ends.people} people"
    return f"{p95:.1f} s p95, {median:.1f} s in the median, {waits[-1]:.1f} s at worst; {to_whom}"


async def _subscribe(world: StandIns, askers: dict[str, str], interval: int) -> None:
    """Over one interval, so that looks fall at any moment of it, as with people who come when they come."""
    for task, user in askers.items():
        outcome = await world.slack.command(f"watch {ROOMS[0]} {task}", user=user, channel=None)
        assert outcome.acked, outcome
        await asyncio.sleep(interval / len(askers))


async def _end(world: StandIns, tasks: list[str], interval: int) -> dict[str, float]:
    """Over another interval, in any order; when each one ended."""
    ended_at: dict[str, float] = {}
    random.Random(4).shuffle(tasks)  # noqa: S311  # the same order in each run
    for task in tasks:
        ended_at[task] = world.rtc.end(ROOMS[0], task)
        await asyncio.sleep(interval / len(tasks))
    return ended_at


def _notices(world: StandIns) -> list[Message]:
    """Direct messages; answers to commands are seen by the asker only."""
    return [message for message in world.slack.messages if message.is_bot and message.ephemeral_to is None]


def _told_at(world: StandIns, task: str, user: str) -> list[float]:
    """When (seconds since the epoch) the person was told of the task."""
    theirs = [message for message in _notices(world) if message.channel == dm_id(user)]
    return [float(message.ts) for message in theirs if task in json.dumps(message.blocks)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.watching", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"with {QUICK_TASKS} watched tasks")
    parser.add_argument("--tasks", type=int, default=TASKS, help=f"so many of them (default {TASKS})")
    parser.add_argument("--only", choices=("round", "told"), help="one of the two")
    arguments = parser.parse_args()
    configure_logs(level="error", as_json=True, secrets=())
    both = dict(zip(("round", "told"), parts(quick=arguments.quick, tasks=arguments.tasks), strict=True))
    print("load before:", os.getloadavg())
    are_measured = print_table([both[arguments.only]] if arguments.only else both.values())
    print("load after:", os.getloadavg())
    return 0 if are_measured else 1


if __name__ == "__main__":
    sys.exit(main())
