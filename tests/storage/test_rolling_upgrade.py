"""A release before this one goes on working beside it: what it does not know of does not stand in its way."""

import shutil
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from bot.database_urls import read_url
from bot.storage.database import open_database
from bot.storage.engine import for_writing, open_migrating_engine
from bot.storage.migrations.upgrade import open_scripts, upgrade
from bot.storage.schema import HEAD, Schema, read_schema
from tests.contracts.stores import ANN, NOON, REF, SECOND, open_stores
from tests.storage.test_schema import NewUrl, inspected, new_url
from tests.world import SetClock

__all__ = ["new_url"]


@pytest.fixture
def first_scripts(tmp_path: Path) -> ScriptDirectory:
    """As they were in 0.1.0."""
    scripts = open_scripts(Path(shutil.copytree(open_scripts().dir, tmp_path / "migrations")))
    for path in Path(scripts.versions).glob("r*.py"):
        if not path.name.startswith("r0001"):
            path.unlink()
    return scripts


async def migrate_with(url: str, scripts: ScriptDirectory) -> None:
    engine = open_migrating_engine(read_url(url), patience=SECOND)
    async with for_writing(engine).begin() as connection:
        await connection.run_sync(upgrade, scripts)
    await engine.dispose()


def form_of(connection: Connection) -> dict[str, dict[str, bool]]:
    """Each table's columns, and whether they may be empty."""
    found = inspect(connection)
    return {
        table: {column["name"]: bool(column["nullable"]) for column in found.get_columns(table)}
        for table in found.get_table_names()
    }


async def raw(url: str, *statements: str) -> None:
    engine = open_migrating_engine(read_url(url), patience=SECOND)
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


async def test_nothing_that_is_there_is_changed(new_url: NewUrl, first_scripts: ScriptDirectory) -> None:
    url = new_url()
    await migrate_with(url, first_scripts)
    engine = open_migrating_engine(read_url(url), patience=SECOND)
    async with engine.connect() as connection:
        before = await connection.run_sync(form_of)
    await engine.dispose()
    after = await inspected(url, form_of)
    for table, columns in before.items():
        assert columns.items() <= after[table].items()
        assert all(may_be_empty for name, may_be_empty in after[table].items() if name not in columns)
    assert await inspected(url, read_schema, release="0.1.0") == Schema(HEAD, "0.1.0")


# What 0.1.0 does when somebody subscribes and the recording ends.
WATCHED = (
    "INSERT INTO watched_tasks (app_id, app_name, room, task, started, phase, watched_since, next_look_at, failures, "
    "lease_until, lease_token) VALUES ('661e0000000000000000543c', 'prod', 'Room1', 'Task1', 0, "
    "'watching', 0, 0, 0, 0, 0)"
)
SUBSCRIBED = "INSERT INTO subscriptions (watched_task_id, team_id, user_id, subscribed_at) VALUES (1, 'T1', 'U1', 0)"


async def test_rows_from_before_and_from_beside_are_taken(new_url: NewUrl, first_scripts: ScriptDirectory) -> None:
    url = new_url()
    await migrate_with(url, first_scripts)
    await raw(url, WATCHED)
    async with open_database(url) as database:
        await database.prepare()
    await raw(url, SUBSCRIBED)
    async with open_stores(url, SetClock(NOON)) as stores:
        assert (await stores.entry(ANN)).watched.ref == REF
        await stores.conclude()
        assert (await stores.claim_notice()).notice.asked_in is None
