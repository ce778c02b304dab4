"""The pace that replicas share, on a real Redis: who goes when, what a 429 does, and what is left when Redis is gone.

In real time, for the clock is Redis's. What is asserted is what may never be, and in what order; how fast it is stands
in docs/scale.md (make soak).
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis
from structlog.typing import EventDict

from bot.lookup.pacing import Pacer
from bot.lookup.redis.connection import ANSWERS_WITHIN, open_redis
from bot.lookup.redis.slots import SharedSlots
from bot.playground.volcengine.arrivals import worst_second
from bot.recording.reading import Priority, Urgency
from bot.runtime.supervision import Supervisor
from testing.fault_proxy import Fault, open_fault_proxy
from testing.redis_server import RedisServer, installed_redis, run_redis

LIMIT = 60
CERTIFICATES = Path(__file__).parents[2] / "certificates"


@dataclass(slots=True)
class Replica:
    """One process's pacer, with a connection of its own."""

    slots: SharedSlots
    pacer: Pacer
    turns: list[tuple[float, Priority]] = field(default_factory=list)

    async def take(self, priority: Priority = Priority.PERSON) -> None:
        (await self.pacer.turn(Urgency(priority))).answered()
        self.turns.append((time.monotonic(), priority))

    async def keep_taking(self, until: float, *, askers: int = 5) -> None:
        async def one() -> None:
            while time.monotonic() < until:
                await self.take()

        await asyncio.gather(*(one() for _ in range(askers)))


@asynccontextmanager
async def open_replica(
    url: str,
    *,
    prefix: str,
    replicas: int = 1,
    limit: int = LIMIT,
    timer: Callable[[], float] = time.monotonic,
    supervisor: Supervisor | None = None,
) -> AsyncIterator[Replica]:
    async with (
        open_redis(url, prefix=prefix) as link,
        SharedSlots(
            link,
            limit=limit,
            replicas=replicas,
            replica=uuid.uuid4().hex,
            timer=timer,
            supervisor=supervisor,
        ) as slots,
        Pacer(slots) as pacer,
    ):
        yield Replica(slots, pacer)


@asynccontextmanager
async def open_three(url: str, *, limit: int = LIMIT) -> AsyncIterator[list[Replica]]:
    prefix = a_prefix()
    async with (
        open_replica(url, prefix=prefix, limit=limit) as one,
        open_replica(url, prefix=prefix, limit=limit) as two,
        open_replica(url, prefix=prefix, limit=limit) as three,
    ):
        yield [one, two, three]


def a_prefix() -> str:
    return f"test-{uuid.uuid4().hex}:"


def turns_of(replicas: list[Replica]) -> list[float]:
    return sorted(at for replica in replicas for at, _ in replica.turns)


async def saturate(replicas: list[Replica], seconds: float, trouble: Awaitable[None] | None = None) -> None:
    until = time.monotonic() + seconds
    await asyncio.gather(*(replica.keep_taking(until) for replica in replicas), *([trouble] if trouble else []))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110  # what is waited for happens elsewhere and tells nobody
            await asyncio.sleep(0.02)


def changes(logged: list[EventDict]) -> list[str]:
    return [entry["event"] for entry in logged if entry["event"] in {"pacer.alone", "pacer.shared"}]


async def test_three_replicas_stay_within_the_limit_of_one(redis_server: RedisServer) -> None:
    async with open_three(redis_server.url) as replicas:
        await saturate(replicas, 1.5)
    assert worst_second(turns_of(replicas)) <= LIMIT
    # One row for all: none is left behind.
    shares = [len(replica.turns) for replica in replicas]
    assert min(shares) > max(shares) / 2


@pytest.mark.slow
async def test_a_flushed_redis_starts_a_second_ahead(redis_server: RedisServer) -> None:
    flushed_at = 0.0

    async def flush() -> None:
        nonlocal flushed_at
        await asyncio.sleep(1.5)
        await asyncio.to_thread(redis_server.flush)
        flushed_at = time.monotonic()

    async with open_three(redis_server.url) as replicas:
        await saturate(replicas, 3.5, flush())
    turns = turns_of(replicas)
    assert worst_second(turns) <= LIMIT
    # Those whose slot was reserved before may still go.
    assert sum(flushed_at + 0.1 < at < flushed_at + 0.9 for at in turns) == 0


@pytest.mark.slow
async def test_a_redis_that_is_killed_leaves_each_its_part_and_both_changes_are_logged_once(
    logged: list[EventDict],
) -> None:
    with run_redis() as server:

        async def kill_and_start() -> None:
            await asyncio.sleep(1.5)
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(4.0)
            await asyncio.to_thread(server.start)

        async with open_three(server.url) as replicas:
            await saturate(replicas, 7.5, kill_and_start())
            await until(lambda: all(replica.slots.is_shared for replica in replicas))
        turns = turns_of(replicas)
    assert worst_second(turns) <= LIMIT
    alone = [entry for entry in logged if entry["event"] == "pacer.alone"]
    assert [entry["requests_per_second"] for entry in alone] == [18.0, 18.0, 18.0]
    assert sorted(changes(logged)) == ["pacer.alone"] * 3 + ["pacer.shared"] * 3


async def test_a_persons_command_goes_before_what_other_replicas_do_in_the_background(
    redis_server: RedisServer,
) -> None:
    async with open_three(redis_server.url) as replicas:
        first, *others = replicas
        background = [asyncio.create_task(other.take(Priority.BACKGROUND)) for other in others for _ in range(500)]
        await until(lambda: len(turns_of(others)) > 5)
        began = time.monotonic()
        await asyncio.gather(*(first.take() for _ in range(20)))
        ended = time.monotonic()
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
    # The two others had reserved one slot each before, and may reserve another before the first person's word is heard.
    assert sum(began < at < ended for at in turns_of(others)) <= 4


async def test_too_many_requests_seen_by_one_slow_all(redis_server: RedisServer, logged: list[EventDict]) -> None:
    async with open_three(redis_server.url) as replicas:
        await replicas[0].take()
        replicas[0].slots.slow_down()
        await until(lambda: any(entry["event"] == "pacer.slowed" for entry in logged))
        since = time.monotonic()
        await saturate(replicas[1:], 1.0)
        went = sum(at < since + 1 for at in turns_of(replicas[1:]))
    slowed = [entry["requests_per_second"] for entry in logged if entry["event"] == "pacer.slowed"]
    assert slowed == [27.0]
    assert went <= 31


@pytest.mark.slow
async def test_one_that_can_not_be_told_from_dead_leaves_its_part_unused(redis_server: RedisServer) -> None:
    """It may be alive and go by its own part, for it alone has lost Redis."""
    prefix = a_prefix()
    async with (
        open_fault_proxy(redis_server.port) as proxy,
        open_replica(redis_server.url, prefix=prefix) as well,
        open_replica(f"redis://127.0.0.1:{proxy.port}/0", prefix=prefix) as cut_off,
    ):
        proxy.fault = "black_hole"
        await until(lambda: not cut_off.slots.is_shared)
        await saturate([well, cut_off], 4.5)
        turns = turns_of([well, cut_off])
    assert worst_second(turns) <= LIMIT


@pytest.mark.slow
async def test_one_cut_off_keeps_the_part_that_it_knew_when_another_joins(redis_server: RedisServer) -> None:
    prefix = a_prefix()
    async with (
        open_fault_proxy(redis_server.port) as proxy,
        open_replica(redis_server.url, prefix=prefix, replicas=2) as well,
        open_replica(f"redis://127.0.0.1:{proxy.port}/0", prefix=prefix, replicas=2) as cut_off,
    ):
        proxy.fault = "black_hole"
        await until(lambda: not cut_off.slots.is_shared)
        async with open_replica(redis_server.url, prefix=prefix, replicas=2) as joins:
            replicas = [well, cut_off, joins]
            await saturate(replicas, 5)
    assert worst_second(turns_of(replicas)) <= LIMIT


# As a replica's row stands in Redis: when it was last heard of, persons who wait there, its divisor, whether alone.
@pytest.mark.parametrize(
    ("row", "at_most"),
    [
        ("{now} 0 3 1", 40),  # heard of, and yet alone: its questions come, and the answers do not
        pytest.param("{now} 0 3 0 a newer release's 17", 60, marks=pytest.mark.slow),
        pytest.param("something else", 60, marks=pytest.mark.slow),
        pytest.param(
            "{ahead} 5 3 0", 40, marks=pytest.mark.slow
        ),  # from before the server's clock was set back: nobody waits there
    ],
)
async def test_rows_of_others(redis_server: RedisServer, row: str, at_most: int) -> None:
    prefix = a_prefix()
    now = round(time.time() * 1_000_000)
    async with open_replica(redis_server.url, prefix=prefix) as replica:
        with redis.Redis(port=redis_server.port) as client:
            client.hset(f"{prefix}pace", "replica:other", row.format(now=now, ahead=now + 50_000_000))
        await replica.take(Priority.BACKGROUND)
        await saturate([replica], 1.5)
        assert replica.slots.is_shared
    assert worst_second(turns_of([replica])) <= at_most


async def test_a_429_is_minded_after_the_servers_clock_was_set_back(
    redis_server: RedisServer, logged: list[EventDict]
) -> None:
    prefix = a_prefix()
    async with open_replica(redis_server.url, prefix=prefix) as replica:
        ahead = round((time.time() + 3600) * 1_000_000)
        with redis.Redis(port=redis_server.port) as client:
            client.hset(f"{prefix}pace", mapping={"slowed_at": ahead, "slowed_from": 1_000_000})
        await replica.take()
        await asyncio.sleep(1)  # what comes within a second is the same congestion
        replica.slots.slow_down()
        await until(lambda: any(entry["event"] == "pacer.slowed" for entry in logged))
    assert [entry["requests_per_second"] for entry in logged if entry["event"] == "pacer.slowed"] == [27.0]


async def test_the_urls_options_do_not_undo_ours(redis_server: RedisServer) -> None:
    options = "socket_timeout=30&socket_connect_timeout=20&max_connections=50&timeout=9&decode_responses=True"
    async with open_redis(f"{redis_server.url}?{options}", prefix=a_prefix()) as link:
        await link.ask(lambda: link.client.set(f"{link.prefix}x", b"\xff"))
        assert await link.ask(lambda: link.client.get(f"{link.prefix}x")) == b"\xff"
        pool = link.client.connection_pool
        assert (pool.max_connections, pool.connection_kwargs["socket_timeout"]) == (1, ANSWERS_WITHIN)


async def test_one_that_leaves_leaves_its_part_to_the_others(redis_server: RedisServer) -> None:
    prefix = a_prefix()
    async with open_replica(redis_server.url, prefix=prefix) as stays:
        async with open_replica(redis_server.url, prefix=prefix):
            assert field_names(redis_server, prefix) == 2
        assert field_names(redis_server, prefix) == 1
        await stays.take()


def field_names(server: RedisServer, prefix: str) -> int:
    with redis.Redis(port=server.port) as client:
        names = client.hkeys(f"{prefix}pace")
    return sum(name.startswith(b"replica:") for name in names)


async def test_who_gave_up_costs_the_others_nothing(redis_server: RedisServer) -> None:
    async with open_replica(redis_server.url, prefix=a_prefix(), limit=10) as replica:
        gone = [asyncio.create_task(replica.take()) for _ in range(50)]
        await asyncio.sleep(0)
        for task in gone:
            task.cancel()
        began = time.monotonic()
        await replica.take()
        assert time.monotonic() - began < 3  # fifty slots would take five seconds and more


@pytest.mark.parametrize(
    "fault",
    ["reset", pytest.param("reset_after", marks=pytest.mark.slow), pytest.param("black_hole", marks=pytest.mark.slow)],
)
async def test_each_fault_of_the_line_ends_with_a_turn_and_with_the_shared_pace(
    redis_server: RedisServer, logged: list[EventDict], fault: Fault
) -> None:
    async with (
        open_fault_proxy(redis_server.port) as proxy,
        open_replica(f"redis://127.0.0.1:{proxy.port}/0", prefix=a_prefix(), replicas=3) as replica,
    ):
        await replica.take()
        proxy.fault = fault
        await replica.take()
        assert not replica.slots.is_shared
        proxy.fault = "none"
        await until(lambda: replica.slots.is_shared)
        await replica.take()
    assert changes(logged) == ["pacer.alone", "pacer.shared"]
    assert len(replica.turns) == 3


async def test_a_slow_redis_is_as_good_as_none(redis_server: RedisServer) -> None:
    async with (
        open_fault_proxy(redis_server.port) as proxy,
        open_replica(f"redis://127.0.0.1:{proxy.port}/0", prefix=a_prefix()) as replica,
    ):
        proxy.delay = 0.6
        await replica.take()
        assert not replica.slots.is_shared


async def test_it_starts_without_redis_and_finds_it_later(logged: list[EventDict]) -> None:
    with run_redis() as server:
        server.kill()
        async with open_replica(server.url, prefix=a_prefix(), replicas=3) as replica:
            assert not replica.slots.is_shared
            server.start()
            await until(lambda: replica.slots.is_shared)
    assert [entry["requests_per_second"] for entry in logged if entry["event"] == "pacer.alone"] == [18.0]


async def test_one_connection_is_enough(redis_server: RedisServer) -> None:
    async with (
        open_fault_proxy(redis_server.port) as proxy,
        open_replica(f"redis://127.0.0.1:{proxy.port}/0", prefix=a_prefix(), limit=1000) as replica,
    ):
        await asyncio.gather(*(replica.take() for _ in range(200)))
        assert proxy.connections == 1


ACL = ("--user", "rectask", "on", ">correct-horse", "~test-*", "+@all", "-@admin")


@pytest.mark.parametrize(("password", "is_shared"), [("correct-horse", True), ("wrong", False)])
async def test_a_user_of_an_acl(logged: list[EventDict], password: str, *, is_shared: bool) -> None:
    with run_redis(options=ACL) as server:
        url = f"redis://rectask:{password}@127.0.0.1:{server.port}/0"
        async with open_replica(url, prefix=a_prefix()) as replica:
            assert replica.slots.is_shared is is_shared
    assert changes(logged) == ([] if is_shared else ["pacer.alone"])
    assert password not in str(logged)


@pytest.mark.skipif(
    installed_redis() is None, reason="the packaged Redis has no TLS; Debian's redis-server is not installed"
)
async def test_tls(logged: list[EventDict]) -> None:
    certificate, key = CERTIFICATES / "localhost.pem", CERTIFICATES / "localhost.key"
    options = ("--tls-cert-file", str(certificate), "--tls-key-file", str(key), "--tls-auth-clients", "no")
    with run_redis(binary=installed_redis(), options=options, is_tls=True) as server:
        trusted = f"rediss://localhost:{server.port}/0?ssl_ca_certs={certificate}"
        async with open_replica(trusted, prefix=a_prefix()) as replica:
            assert replica.slots.is_shared
            await replica.take()
        async with open_replica(f"rediss://localhost:{server.port}/0", prefix=a_prefix()) as replica:
            assert not replica.slots.is_shared
    assert changes(logged) == ["pacer.alone"]
