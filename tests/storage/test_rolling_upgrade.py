"""A release before this one goes on working beside it: what it does not know of does not stand in its way."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from bot.notices.notice import NoticeState
from bot.storage.database import open_database
from bot.storage.engine import for_writing, open_migrating_engine
from bot.storage.migrations.upgrade import open_scripts, upgrade
from bot.storage.schema import HEAD, Schema, read_schema
from bot.storage.url import read_url
from testing.factories import SetClock
from testing.stores import ANN, NOON, REF, SECOND, open_stores
from tests.storage.test_schema import NewUrl, inspected, new_url

__all__ = ["new_url"]


Scripts = Callable[[str], ScriptDirectory]
BEFORE = [script.revision for script in open_scripts().walk_revisions() if script.revision != HEAD]
PREVIOUS = max(BEFORE)
# From the first on, all that came later is gone through.
FIRST, *OTHERS = sorted(BEFORE)


@pytest.fixture
def scripts_until(tmp_path: Path) -> Scripts:
    """As they were in the release that brought this revision."""

    def until(revision: str) -> ScriptDirectory:
        scripts = open_scripts(Path(shutil.copytree(open_scripts().dir, tmp_path / revision)))
        for path in Path(scripts.versions).glob("r*.py"):
            if path.name[1:5] > revision:
                path.unlink()
        return scripts

    return until


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


def unique_in(connection: Connection) -> dict[str, set[tuple[str, ...]]]:
    """What may be in each table once only."""
    found = inspect(connection)
    once: dict[str, set[tuple[str, ...]]] = {}
    for table in found.get_table_names():
        constraints = {tuple(each["column_names"]) for each in found.get_unique_constraints(table)}
        indexes = {tuple(map(str, each["column_names"])) for each in found.get_indexes(table) if each["unique"]}
        once[table] = constraints | indexes
    return once


async def raw(url: str, *statements: str) -> None:
    engine = open_migrating_engine(read_url(url), patience=SECOND)
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


@pytest.mark.parametrize("revision", [FIRST, *(pytest.param(other, marks=pytest.mark.slow) for other in OTHERS)])
async def test_nothing_that_is_there_is_changed(new_url: NewUrl, scripts_until: Scripts, revision: str) -> None:
    url = new_url()
    await migrate_with(url, scripts_until(revision))
    engine = open_migrating_engine(read_url(url), patience=SECOND)
    async with engine.connect() as connection:
        before, once_before = await connection.run_sync(form_of), await connection.run_sync(unique_in)
    await engine.dispose()
    after, once = await inspected(url, form_of), await inspected(url, unique_in)
    for table, columns in before.items():
        assert columns.items() <= after[table].items()
        assert all(may_be_empty for name, may_be_empty in after[table].items() if name not in columns)
        assert once[table] == once_before[table]
    assert await inspected(url, read_schema, release="0.1.0") == Schema(HEAD, "0.1.0")


# What 0.1.0 does when somebody subscribes and the recording ends.
WATCHED = (
    "INSERT INTO watched_tasks (app_id, app_name, room, task, started, phase, watched_since, next_look_at, failures, "
    "lease_until, lease_token) VALUES ('661e0000000000000000543c', 'prod', 'Room1', 'Task1', 0, "
    "'watching', 0, 0, 0, 0, 0)"
)
SUBSCRIBED = "INSERT INTO subscriptions (watched_task_id, team_id, user_id, subscribed_at) VALUES (1, 'T1', 'U1', 0)"


async def test_rows_from_before_and_from_beside_are_taken(new_url: NewUrl, scripts_until: Scripts) -> None:
    url = new_url()
    await migrate_with(url, scripts_until("0001"))
    await raw(url, WATCHED)
    async with open_database(url) as database:
        await database.prepare()
    await raw(url, SUBSCRIBED)
    async with open_stores(url, SetClock(NOON)) as stores:
        assert (await stores.entry(ANN)).watched.ref == REF
        await stores.conclude()
        assert (await stores.claim_notice()).notice.asked_in is None


# What the release before the newest migration does, from somebody's subscribing to what is told in the end. To be
# looked at with each new migration.
SUBSCRIBED_THERE = (
    "INSERT INTO subscriptions (watched_task_id, team_id, user_id, subscribed_at, asked_in) "
    "VALUES (1, 'T1', 'U1', 0, 'C1')"
)
RECORDED = (
    "INSERT INTO audit_records (id, at, team_id, user_id, deed, door, outcome, channel, app, room, task) "
    "VALUES ('r1', 0, 'T1', 'U1', 'subscribe', 'command', 'done', 'C1', 'prod', 'Room1', 'Task1')"
)
CLAIMED = "UPDATE watched_tasks SET lease_until = 1, lease_token = lease_token + 1 WHERE id = 1 AND phase <> 'closed'"
CONCLUDED = (
    "UPDATE watched_tasks SET phase = 'closed', closed_at = 1, lease_until = 0 WHERE id = 1 AND lease_token = 1",
    "INSERT INTO completions (watched_task_id, occasion, noticed_at) VALUES (1, 'gone', 1)",
    (
        "INSERT INTO notices (subscription_id, completion_id, key, state, attempts, due_at, queued_at, lease_until, "
        "lease_token) VALUES (1, 1, 'n1', 'pending', 0, 1, 1, 0, 0)"
    ),
)
DELIVERED = (
    "UPDATE notices SET state = 'sending', attempts = 1, lease_until = 2, lease_token = 1 WHERE key = 'n1'",
    (
        "UPDATE notices SET state = 'delivered', settled_at = 2, channel = 'D1', ts = '1.0', lease_until = 0 "
        "WHERE key = 'n1' AND lease_token = 1 AND settled_at IS NULL"
    ),
)


@pytest.mark.parametrize("who", ["this release", "the one before"])
async def test_what_the_release_before_has_begun_either_ends(new_url: NewUrl, scripts_until: Scripts, who: str) -> None:
    url = new_url()
    await migrate_with(url, scripts_until(PREVIOUS))
    await raw(url, WATCHED)
    async with open_stores(url, SetClock(NOON)) as stores:
        await stores.database.prepare()
        await raw(url, SUBSCRIBED_THERE, RECORDED, CLAIMED, *CONCLUDED)
        entry = await stores.entry(ANN)
        assert (entry.watched.ref, entry.notice_state) == (REF, NoticeState.PENDING)
        if who == "this release":
            assert (await stores.deliver()).notice.asked_in == "C1"
        else:
            await raw(url, *DELIVERED)
        assert (await stores.entry(ANN)).notice_state is NoticeState.DELIVERED
        assert await stores.claim_notices() == []
