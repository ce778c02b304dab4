"""Redis gone while three replicas serve: people are answered by each, and all share again when it is back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from testing.conversation import nothing_amiss, typed
from testing.fault_proxy import open_fault_proxy
from testing.metrics import scrape_until
from testing.postgres import Postgres
from testing.redis_server import RedisServer, run_redis
from testing.replica_harness import THREE, Replicas, open_replicas

# Redis's address, what takes it away, and what brings it back.
Trouble = tuple[str, Callable[[], None], Callable[[], None]]


@asynccontextmanager
async def silenced(redis_server: RedisServer) -> AsyncIterator[Trouble]:
    """Its connections stay, and nothing comes through them."""
    async with open_fault_proxy(redis_server.port) as proxy:

        def silence() -> None:
            proxy.fault = "black_hole"

        def heal() -> None:
            proxy.fault = "none"

        yield f"redis://127.0.0.1:{proxy.port}/0", silence, heal


@asynccontextmanager
async def killed(_redis_server: RedisServer) -> AsyncIterator[Trouble]:
    """A server of its own, which comes back empty at the same address."""
    with run_redis() as server:
        yield server.url, server.kill, server.start


@pytest.mark.parametrize("trouble", [pytest.param(silenced, marks=pytest.mark.slow), killed])
async def test_commands_go_on(
    trouble: Callable[[RedisServer], AbstractAsyncContextManager[Trouble]],
    postgres: Postgres,
    redis_server: RedisServer,
) -> None:
    async with trouble(redis_server) as (redis_url, begin, end):
        database_url = postgres.create("without_redis")
        async with open_replicas(door="http", database_url=database_url, redis_url=redis_url) as replicas:
            await until_paced(replicas, is_shared=True)
            begin()
            await every_replica_answers(replicas, "Without")
            await until_paced(replicas, is_shared=False)
            await every_replica_answers(replicas, "Alone")
            end()
            await until_paced(replicas, is_shared=True)
            await replicas_share_answers(replicas)
            assert nothing_amiss(replicas.slack)


async def until_paced(replicas: Replicas, *, is_shared: bool) -> None:
    async with asyncio.TaskGroup() as waiting:
        for each in replicas.running:
            waiting.create_task(scrape_until(each.url, lambda told: told.get("rectask_pacer_shared") == is_shared))


async def every_replica_answers(replicas: Replicas, task: str) -> None:
    """Each by asking RTC itself."""
    before = await replicas.counted("rectask_answers_total", source="rtc")
    for number in range(THREE):
        assert "Ended after" in (await typed(replicas.any, f"Room1 {task}{number}")).text
    after = await replicas.counted("rectask_answers_total", source="rtc")
    assert [now - then for now, then in zip(after, before, strict=True)] == [1] * THREE


async def replicas_share_answers(replicas: Replicas) -> None:
    asked = len(replicas.rtc.received)
    for _ in range(THREE):
        assert "Ended after" in (await typed(replicas.any, "Room1 Together")).text
    assert len(replicas.rtc.received) == asked + 1
    assert sum(await replicas.counted("rectask_answers_total", source="shared")) == THREE - 1
