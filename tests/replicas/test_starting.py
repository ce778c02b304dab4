"""Replicas that start: at once on an empty database, and on one that a newer release has migrated."""

import asyncio
import json
from pathlib import Path

import pytest
from structlog.typing import EventDict

from bot import __version__
from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.volcengine.rtc import FakeRtc
from bot.storage.database import open_database
from bot.storage.tables import schema_release
from testing.conversation import nothing_amiss, typed, words_of
from testing.postgres import Postgres
from testing.redis_server import RedisServer
from testing.replica_harness import Replicas, open_replicas
from tests.app.cli.test_serve import environ_of, start


@pytest.fixture(params=[pytest.param("sqlite", marks=pytest.mark.slow), "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty one."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/replicas.db"
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.create("starting")


async def test_two_that_start_at_once_on_an_empty_database_both_serve(
    database_url: str, redis_server: RedisServer, logged: list[EventDict]
) -> None:
    async with open_replicas(door="http", database_url=database_url, redis_url=redis_server.url, count=0) as replicas:
        await asyncio.gather(replicas.start(), replicas.start())
        assert "You will get a message when it ends" in words_of(await typed(replicas.any, "watch running Task1"))
        assert "`running`" in words_of(await typed(replicas.any, "list"))
        assert await both_answered(replicas)
        assert nothing_amiss(replicas.slack)
    events = [entry["event"] for entry in logged]
    assert events.count("schema.migrated") == 1
    assert not {"start.delayed", "store.lost", "rounds.failed"} & set(events)


async def both_answered(replicas: Replicas) -> bool:
    return all(await replicas.counted("rectask_ack_seconds_count", kind="command"))


@pytest.mark.slow
async def test_one_that_is_too_old_for_the_schema_says_so_and_ends(
    database_url: str, fake_rtc: FakeRtc, tmp_path: Path
) -> None:
    async with open_database(database_url) as database, database.writing() as connection:
        await connection.execute(schema_release.update().values(revision="9999", oldest_release="99.1.0"))
    async with open_fake_slack(FakeSlack()) as slack:
        environ = environ_of(fake_rtc, slack, tmp_path, RECTASK_DATABASE_URL=database_url)
        process = await start("serve", environ=environ)
        _, said = await process.communicate()
        assert not slack.calls
    assert process.returncode == 69
    lines = said.decode().splitlines()
    assert [json.loads(line)["event"] for line in lines[:-1]] == ["server.opened"]
    assert lines[-1].startswith("rectask: The database was migrated by a newer release: at least Rectask 99.1.0")
    assert f"and this is {__version__}" in lines[-1]
