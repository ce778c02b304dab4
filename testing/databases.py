"""Migrated databases of each kind: a fresh one where a test opens it, or one that stays open and is emptied."""

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.storage.tables import metadata, schema_release
from testing.factories import SetClock
from testing.postgres import Postgres
from testing.stores import NOON, Stores, migrate, open_stores

TABLES = [table for table in metadata.sorted_tables if table is not schema_release]
EMPTY_ALL = f"TRUNCATE {', '.join(table.name for table in TABLES)} CASCADE"
KINDS = ["sqlite", "postgresql"]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file."""
    path = tmp_path_factory.mktemp("template") / "rectask.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> str:
    """The name of a migrated database."""
    migrate(postgres.create("migrated"))
    return "migrated"


@pytest.fixture(scope="session")
def postgres_database(postgres: Postgres, postgres_template: str) -> str:
    """The URL of a migrated database."""
    return postgres.create("contracts", template=postgres_template)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'rectask.db')}"


@pytest.fixture
def postgres_url(postgres: Postgres, postgres_database: str) -> str:
    postgres.execute(EMPTY_ALL, database="contracts")
    return postgres_database


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest) -> str:
    """A fresh database of each kind."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@dataclass(frozen=True, slots=True)
class Pair:
    """One database opened twice, by strangers that go by one clock."""

    url: str
    clock: SetClock
    one: Stores
    other: Stores


async def empty(stores: Stores, clock: SetClock) -> None:
    """As it was at noon."""
    clock.now = NOON
    async with stores.database.writing() as connection:
        for table in reversed(TABLES):
            await connection.execute(table.delete())


@pytest.fixture(scope="session", params=KINDS)
async def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """Opened once a session: a new engine would compile every statement anew for each test."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('open') / 'rectask.db'}"
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.create("open")
    clock = SetClock(NOON)
    async with AsyncExitStack() as exits:
        one, other = [await exits.enter_async_context(open_stores(url, clock)) for _ in range(2)]
        await one.database.prepare()
        await other.database.prepare()
        yield Pair(url, clock, one, other)


@pytest.fixture
async def stores(pair: Pair) -> Stores:
    """Of each kind, empty."""
    await empty(pair.one, pair.clock)
    return pair.one


@pytest.fixture
def other(stores: Stores, pair: Pair) -> Stores:
    """The same store, opened by somebody else."""
    del stores
    return pair.other
