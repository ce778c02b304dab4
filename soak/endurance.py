"""Three whole replicas under everything at once, for half an hour: who is told, and what the replicas hold on to.

The first replica is never killed, so that what it keeps can be seen; all else happens to it too.
"""

import asyncio
import collections
import itertools
import random
import re
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil
import redis
from prometheus_client.parser import text_string_to_metric_families

from bot.app.wiring.notices import stores_of
from bot.notices.person import Person
from bot.notices.store import DatabaseUnavailable
from bot.notices.subscription import Entry
from bot.playground.slack.world import T_HOME
from bot.storage.database import open_database
from testing.postgres import Postgres
from testing.replica_processes import City, Fleet, now_and_then, open_city, open_fleet, restart_postgres, troubled

REPLICAS, PEOPLE = 3, 60
ROOM = "running"
ROOMS = ("idle", "many-files", "nowhere", "Room1", "running", "hls-running")
SLACK_FAULTS = ("ratelimited", "reset_after", "500_before", "500_after", "reset_before")
RTC_FAULTS = ("ServiceUnavailableTemp", "FlowLimitExceeded", "reset")
# After all faults: until what is still due has come, and until connections that are not needed are closed.
QUIET = 150.0
# Few enough to be in every replica's memory of answers within the first third, after which its slope is looked at.
TASKS = 10
SETTLES_WITHIN = 240.0
LOOKS_EVERY = 5.0
PAST_THE_LEASES = 95.0
MEGABYTE = 1_000_000
_TASK = re.compile(r"endures[0-9]+\.")

Trouble = Callable[[], Awaitable[object]]


@dataclass(slots=True)
class Held:
    """What the first replica had at one moment: seconds since the start, bytes, and counts."""

    at: float
    resident: int
    connections: int
    descriptors: int
    tasks: int


@dataclass
class Story:
    """What happened."""

    dice: random.Random
    commands: int = 0
    failed: int = 0
    troubles: collections.Counter[str] = field(default_factory=collections.Counter)
    held: list[Held] = field(default_factory=list)


async def endure(postgres: Postgres, folder: Path, *, seconds: float, seed: int = 1) -> list[str]:
    """Lines of what came of it."""
    story = Story(random.Random(seed))  # noqa: S311  # the same troubles in each run
    async with open_city(postgres, folder, name="endurance", replicas=REPLICAS) as city:
        people = [Person(T_HOME, user) for user in city.slack.add_people(PEOPLE)]
        async with open_fleet(city, REPLICAS) as fleet:
            began = time.monotonic()
            async with troubled(_watch_closely(fleet, story, began)):
                await asyncio.sleep(min(30.0, seconds / 10))
                async with troubled(*_troubles(city, fleet, story), *_people(city, story, people)):
                    await asyncio.sleep(seconds)
                city.slack.heal()
                city.rtc.fail_with(None)
                entries = await _settled(city, people)
                await asyncio.sleep(min(QUIET, seconds))
    return [_told(city, entries), _of_people(story), _of_memory(story.held), _of_leaks(story.held)]


def _troubles(city: City, fleet: Fleet, story: Story) -> Iterator[Awaitable[None]]:
    dice = story.dice
    table: list[tuple[str, Trouble, tuple[float, float]]] = [
        ("kill -9", lambda: fleet.kill(dice.randrange(1, REPLICAS)), (20, 60)),
        ("SIGSTOP", lambda: fleet.stop(dice.randrange(REPLICAS), dice.uniform(2, 20)), (30, 90)),
        ("SIGSTOP past the leases", lambda: fleet.stop(dice.randrange(REPLICAS), PAST_THE_LEASES), (200, 400)),
        ("PostgreSQL restarted", lambda: restart_postgres(city.postgres), (30, 90)),
        ("Redis flushed", lambda: asyncio.to_thread(city.redis.flush), (20, 60)),
        ("Redis gone", lambda: _lose_redis(city, dice.uniform(2, 15)), (60, 120)),
        ("RTC failing", lambda: _lose_rtc(city, dice.choice(RTC_FAULTS), dice.uniform(5, 20)), (60, 120)),
        ("Slack failing", lambda: _trouble_slack(city, dice.choice(SLACK_FAULTS), dice.randrange(1, 6)), (5, 20)),
        ("sockets dropped", city.slack.drop_sockets, (60, 120)),
    ]
    for name, trouble, between in table:
        yield now_and_then(_counted(story, name, trouble), dice, between=between)


def _counted(story: Story, name: str, trouble: Trouble) -> Trouble:
    async def happen() -> None:
        story.troubles[name] += 1
        # A process that is gone cannot be stopped, a Redis that is gone not be flushed.
        with suppress(ProcessLookupError, psutil.NoSuchProcess, redis.ConnectionError):
            await trouble()

    return happen


async def _lose_redis(city: City, seconds: float) -> None:
    await asyncio.to_thread(city.redis.kill)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(city.redis.start)


async def _lose_rtc(city: City, fault: str, seconds: float) -> None:
    city.rtc.fail_with(fault)
    await asyncio.sleep(seconds)
    city.rtc.fail_with(None)


async def _trouble_slack(city: City, fault: str, times: int) -> None:
    city.slack.fault("chat.postMessage", fault, times=times)


def _people(city: City, story: Story, people: list[Person]) -> Iterator[Awaitable[None]]:
    """Somebody looks something up twice a second, and every other second somebody waits for an end that comes."""
    dice, numbers = story.dice, itertools.count()

    async def look_up() -> None:
        await _command(city, story, f"{dice.choice(ROOMS)} Task{dice.randrange(TASKS)}", dice.choice(people).user_id)

    async def wait_for_an_end() -> None:
        task = f"endures{next(numbers)}."
        await _command(city, story, f"watch {ROOM} {task}", dice.choice(people).user_id)
        asyncio.get_running_loop().call_later(dice.uniform(5, 60), city.rtc.end, ROOM, task)

    yield now_and_then(look_up, dice, between=(0.2, 0.8))
    yield now_and_then(wait_for_an_end, dice, between=(1, 3))


async def _command(city: City, story: Story, text: str, user: str) -> None:
    story.commands += 1
    outcome = await city.slack.command(text, user=user, channel=None)
    story.failed += not outcome.acked or outcome.error is not None


async def _settled(city: City, people: list[Person]) -> list[Entry]:
    """Every subscription there is, once all are told, or far too late."""
    give_up_at = time.monotonic() + SETTLES_WITHIN
    async with open_database(city.environ["RECTASK_DATABASE_URL"]) as database:
        subscriptions = stores_of(database).subscriptions
        while True:
            with suppress(DatabaseUnavailable):
                entries = [entry for person in people for entry in await subscriptions.entries(person, limit=10_000)]
                if all(entry.settled_at for entry in entries) or time.monotonic() > give_up_at:
                    return entries
            await asyncio.sleep(1)


def _told(city: City, entries: list[Entry]) -> str:
    """By what stands in the conversations."""
    said = collections.Counter(
        task
        for message in city.slack.messages
        if message.is_bot and message.ephemeral_to is None
        for task in set(_TASK.findall(message.text))
    )
    tasks = [entry.watched.ref.task for entry in entries]
    lost = sum(not said[task] for task in tasks)
    return f"{len(tasks):,} notices: {lost} lost, {sum(max(said[task] - 1, 0) for task in tasks)} twice"


def _of_people(story: Story) -> str:
    troubles = ", ".join(f"{name} {count}" for name, count in story.troubles.items())
    return f"{story.failed} of {story.commands:,} commands failed, sent to whichever replica, through: {troubles}"


async def _watch_closely(fleet: Fleet, story: Story, began: float) -> None:
    replica = fleet.replicas[0]
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        while True:
            with suppress(TimeoutError, aiohttp.ClientError):  # it is stopped at the moment
                async with session.get(f"{replica.url}/metrics") as answer:
                    story.held.append(_held(replica.process, await answer.text(), time.monotonic() - began))
            await asyncio.sleep(LOOKS_EVERY)


def _held(process: psutil.Process, metrics: str, at: float) -> Held:
    connections = [one for one in process.net_connections() if one.status == psutil.CONN_ESTABLISHED]
    samples = {
        sample.name: sample.value for family in text_string_to_metric_families(metrics) for sample in family.samples
    }
    resident = process.memory_info().rss
    return Held(at, resident, len(connections), process.num_fds(), int(samples["rectask_asyncio_tasks"]))


def _of_memory(held: list[Held]) -> str:
    """The slope after the first third, in which caches fill."""
    later = [each for each in held if each.at >= held[-1].at / 3]
    slope = statistics.linear_regression([each.at for each in later], [each.resident for each in later]).slope
    first, last = (_megabytes(statistics.median(each.resident for each in part)) for part in (held[:6], held[-6:]))
    middle = _megabytes(statistics.median(each.resident for each in later[:6]))
    return (
        f"memory {first} at first, {middle} after a third, {last} at the end; "
        f"slope after the first third {slope * 60 / 1000:+.0f} kB a minute"
    )


def _of_leaks(held: list[Held]) -> str:
    def went(name: str) -> str:
        counts = [getattr(each, name) for each in held]
        return f"{name} {min(counts[:3])} before, at most {max(counts)}, {min(counts[-3:])} after"

    return "; ".join(went(name) for name in ("connections", "descriptors", "tasks"))


def _megabytes(size: float) -> str:
    return f"{size / MEGABYTE:.1f} MB"
