"""The schema at the start: left alone, migrated, or refused."""

import asyncio
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import structlog
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from bot import __version__
from bot.notices.store import DatabaseUnavailable
from bot.storage.database import open_database
from bot.storage.engine import for_writing, open_migrating_engine
from bot.storage.migrations.upgrade import open_scripts, upgrade
from bot.storage.schema import HEAD, Schema, SchemaTooNew, SchemaUnreadable, read_schema
from bot.storage.tables import metadata, schema_release
from bot.storage.upkeep import SqlUpkeep
from bot.storage.url import read_url
from testing.factories import SetClock
from testing.postgres import Postgres
from testing.stores import ANN, NOON, REF, SECOND, Stores, migrate, open_stores

# The revision that the next release would bring.
NEWER = f"{int(HEAD) + 1:04}"

PREPARE = """
import sys
from testing.stores import migrate
sys.stdin.readline()
migrate(sys.argv[1])
print("alembic" in sys.modules)
"""
NewUrl = Callable[[], str]


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> NewUrl:
    """Makes an empty database of each kind."""
    if request.param == "sqlite":
        names = (f"sqlite:///{tmp_path}/new{number}.db" for number in range(9))
        return lambda: next(names)
    postgres: Postgres = request.getfixturevalue("postgres")
    return lambda: postgres.create("new")


def start(*urls: str) -> list[bool]:
    """Processes that prepare these all at once; whether each of them needed Alembic."""
    processes = [
        subprocess.Popen(  # noqa: S603  # what is run is written here
            [sys.executable, "-c", PREPARE, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            text=True,
        )
        for url in urls
    ]
    said = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        said.append(output.splitlines()[-1] == "True")
    return said


async def inspected(url: str, question: Callable[[Connection], Any], *, release: str = __version__) -> Any:
    async with open_database(url, release=release) as database, database.reading() as connection:
        return await connection.run_sync(question)


async def rewrite(url: str, revision: str, oldest_release: str) -> None:
    """As a newer release would have left it."""
    async with open_database(url) as database, database.writing() as connection:
        await connection.execute(schema_release.update().values(revision=revision, oldest_release=oldest_release))


class TestAnEmptyDatabase:
    async def test_is_migrated(self, new_url: NewUrl, logged: list[structlog.typing.EventDict]) -> None:
        url = new_url()
        assert await inspected(url, read_schema) == Schema(HEAD, "0.1.0")
        assert logged == [{"event": "schema.migrated", "before": None, "now": HEAD, "log_level": "info"}]

    async def test_is_migrated_once(self, new_url: NewUrl, logged: list[structlog.typing.EventDict]) -> None:
        url = new_url()

        async def prepare() -> None:
            async with open_database(url) as database:
                await asyncio.gather(database.prepare(), SqlUpkeep(database).ping(), database.prepare())

        await asyncio.gather(*(prepare() for _ in range(6)))
        assert len(logged) == 1

    @pytest.mark.slow
    def test_is_migrated_once_by_processes_that_start_together(self, new_url: NewUrl) -> None:
        url = new_url()
        start(url, url, url)
        assert asyncio.run(inspected(url, read_schema)) == Schema(HEAD, "0.1.0")

    async def test_becomes_what_the_tables_say(self, new_url: NewUrl) -> None:
        def differences(connection: Connection) -> Sequence[Any]:
            def is_ours(_object: object, name: str | None, *_more: object) -> bool:
                return name != "alembic_version"

            options = {"compare_server_default": True, "include_object": is_ours}
            context = MigrationContext.configure(connection, opts=options)
            return list(compare_metadata(context, metadata))

        assert await inspected(new_url(), differences) == []

    async def test_becomes_what_the_tables_say_to_the_letter(self, sqlite_url: str, tmp_path: Path) -> None:
        """Which Alembic does not compare: conditions of indexes, what happens to orphans, that ids never come back."""
        async with open_database(f"sqlite:///{tmp_path}/made.db") as database, database.writing() as connection:
            for table in ("alembic_version", *reversed([table.name for table in metadata.sorted_tables])):
                await connection.exec_driver_sql(f"DROP TABLE {table}")
            await connection.run_sync(metadata.create_all)
        migrated, made = (definitions(url) for url in (sqlite_url, f"sqlite:///{tmp_path}/made.db"))
        assert migrated == made

    async def test_becomes_what_the_tables_say_to_the_letter_on_postgres(self, postgres: Postgres) -> None:
        found = []
        for name, prepare in (("migrated", True), ("made", False)):
            url = postgres.create(name)
            async with open_database(url) as database:
                if prepare:
                    await database.prepare()
                async with database.engine.begin() as connection:
                    if not prepare:
                        await connection.run_sync(metadata.create_all)
                    found.append({question: await answers(connection, question) for question in QUESTIONS})
        assert found[0] == found[1]


QUESTIONS = (
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT conrelid::regclass::text || pg_get_constraintdef(oid) FROM pg_constraint WHERE contype IN ('f', 'u', 'p')",
    (
        "SELECT concat(table_name, column_name, data_type, is_nullable, column_default) "
        "FROM information_schema.columns WHERE table_schema = 'public'"
    ),
)


async def answers(connection: Any, question: str) -> list[str]:
    rows = await connection.execute(text(question))
    return sorted(row[0] for row in rows if "alembic_version" not in row[0])


def definitions(url: str) -> list[str]:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    try:
        found = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    finally:
        connection.close()
    return sorted(in_order(" ".join(sql.split())) for (sql,) in found if "alembic_version" not in sql)


def in_order(sql: str) -> str:
    """A table's columns and constraints sorted, for a column that came later stands behind them."""
    head, opened, rest = sql.partition("(")
    parts = re.split(r",(?![^(]*\))", rest.rpartition(")")[0])
    return head + opened + ", ".join(sorted(part.strip() for part in parts)) + rest.rpartition(")")[2]


class TestADatabaseOfThisRelease:
    async def test_is_left_alone(self, stores: Stores, logged: list[structlog.typing.EventDict]) -> None:
        await stores.database.prepare()
        await stores.upkeep.ping()
        assert logged == []

    @pytest.mark.slow
    def test_needs_no_alembic(self, new_url: NewUrl) -> None:
        url = new_url()
        assert start(url) == [True]
        assert start(url) == [False]

    async def test_keeps_its_rows(self, new_url: NewUrl) -> None:
        url = new_url()
        for _ in range(2):
            async with open_database(url) as database:
                await SqlUpkeep(database).note_home(ANN)
        async with open_database(url) as database:
            assert await SqlUpkeep(database).has_home(ANN)


class TestADatabaseOfANewerRelease:
    @pytest.mark.parametrize("revision", [NEWER, "9999"])
    @pytest.mark.parametrize("release", ["1.2.0", "1.2.0rc1", "1.2", "1.10.0", "2.0"])
    async def test_is_used_where_it_may_be(self, sqlite_url: str, revision: str, release: str) -> None:
        await rewrite(sqlite_url, revision, "1.2.0")
        async with open_database(sqlite_url, release=release) as database:
            await SqlUpkeep(database).note_home(ANN)

    @pytest.mark.parametrize("release", ["1.1.99", "0.9", "1.2"])
    async def test_is_refused_where_it_may_not_be(self, sqlite_url: str, release: str) -> None:
        await rewrite(sqlite_url, NEWER, "1.2.1")
        async with open_database(sqlite_url, release=release) as database:
            words = f"at least Rectask 1.2.1 is needed, and this is {release}"
            with pytest.raises(SchemaTooNew, match=words) as refused:
                await database.prepare()
            assert (refused.value.found, refused.value.needed) == (release, "1.2.1")
            with pytest.raises(DatabaseUnavailable):
                await SqlUpkeep(database).ping()

    async def test_is_used_or_refused_but_not_changed(self, new_url: NewUrl) -> None:
        url = new_url()
        await rewrite(url, NEWER, "0.1.0")
        assert await inspected(url, read_schema) == Schema(NEWER, "0.1.0")
        await rewrite(url, NEWER, "99.0")
        with pytest.raises(SchemaTooNew):
            await inspected(url, read_schema)


NEXT = f"""
import sqlalchemy as sa
from alembic import op

revision = "{NEWER}"
down_revision = "{HEAD}"
oldest_release = "0.2.0"


def upgrade():
    with op.batch_alter_table("watched_tasks") as table:
        table.alter_column("last_error", type_=sa.String(200))
"""


@pytest.fixture
def next_scripts(tmp_path: Path) -> ScriptDirectory:
    """Those of a release that is not there yet."""
    scripts = open_scripts(Path(shutil.copytree(open_scripts().dir, tmp_path / "migrations")))
    Path(scripts.versions, f"r{NEWER}_next.py").write_text(NEXT)
    return scripts


async def test_a_database_of_an_older_release_is_migrated(new_url: NewUrl, next_scripts: ScriptDirectory) -> None:
    """SQLite makes the table anew for it, and drops the old one, with whose rows those of other tables would go."""
    url = new_url()
    async with open_stores(url, SetClock(NOON)) as stores:
        await stores.subscribe(ANN)
        engine = open_migrating_engine(read_url(url), patience=SECOND)
        async with for_writing(engine).begin() as connection:
            await connection.run_sync(upgrade, next_scripts)
        await engine.dispose()
        assert (await stores.entry(ANN)).watched.ref == REF
    assert await inspected(url, read_schema, release="0.2.0") == Schema(NEWER, "0.2.0")


class TestAMigrationThatFails:
    async def test_leaves_nothing_behind(self, new_url: NewUrl) -> None:
        url = new_url()
        async with open_database(url) as database:
            async with database.engine.begin() as connection:
                await connection.exec_driver_sql("CREATE TABLE notices (id INTEGER)")
            with pytest.raises(SchemaUnreadable, match=r"tables of Rectask's names \(notices\)"):
                await database.prepare()
            async with database.engine.begin() as connection:
                assert await connection.run_sync(lambda found: inspect(found).get_table_names()) == ["notices"]
                await connection.exec_driver_sql("DROP TABLE notices")
            await database.prepare()


NONSENSE = "names no schema and release, but"
DAMAGES = [
    ("DELETE FROM schema_release", "schema_release has no rows instead of one"),
    ("INSERT INTO schema_release VALUES (2, '0001', '0.1.0')", "schema_release has 2 rows instead of one"),
    ("DROP TABLE schema_release", "tables of Rectask's names .*, but no table schema_release"),
    ("ALTER TABLE schema_release RENAME COLUMN revision TO version", "schema_release is not Rectask's"),
    *((f"UPDATE schema_release SET revision = '{odd}'", NONSENSE) for odd in ("newest", "-1", "x" * 999)),  # noqa: S608  # in a test
    *((f"UPDATE schema_release SET oldest_release = '{odd}'", NONSENSE) for odd in ("", "...", "\u0663")),  # noqa: S608  # in a test
    ("UPDATE schema_release SET revision = '0000'", "schema_release and alembic_version disagree"),
    ("DROP TABLE alembic_version; UPDATE schema_release SET revision = '0001'", "disagree on its revision"),
]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def migrated_url(request: pytest.FixtureRequest) -> str:
    """A database of this release."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.create("new", template=request.getfixturevalue("postgres_template"))


@pytest.mark.parametrize(("damage", "said"), DAMAGES)
async def test_a_damaged_schema_row_is_told_with_what_to_do(migrated_url: str, damage: str, said: str) -> None:
    """And nothing is changed."""
    url = migrated_url
    async with open_database(url) as database, database.engine.begin() as connection:
        before = await connection.run_sync(lambda found: sorted(inspect(found).get_table_names()))
        for statement in damage.split("; "):
            await connection.exec_driver_sql(statement)
    async with open_database(url) as database:
        with pytest.raises(SchemaUnreadable, match=said) as refused:
            await database.prepare()
        assert "Restore a backup of it, or set RECTASK_DATABASE_URL to an empty database" in str(refused.value)
        assert len(str(refused.value)) < 500
        async with database.engine.begin() as connection:
            after = await connection.run_sync(lambda found: inspect(found).get_table_names())
    assert sorted(after) == [name for name in before if f"DROP TABLE {name}" not in damage]


class TestTheScripts:
    def test_end_where_this_code_begins(self) -> None:
        assert open_scripts().get_heads() == [HEAD]

    def test_name_the_oldest_release_that_may_run_on_them(self) -> None:
        for script in open_scripts().walk_revisions():
            assert script.module.oldest_release.count(".") == 2
            assert len(script.revision) == 4

    def test_are_packed(self) -> None:
        """The wheel takes the package's folder as it is."""
        folder = Path(open_scripts().versions)
        assert folder.is_relative_to(Path(sys.modules["bot"].__path__[0]))


async def test_sqlite_keeps_its_log_through_a_migration(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    async with open_database(url) as database:
        await database.prepare()
    connection = sqlite3.connect(tmp_path / "new.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_migrating_outside_a_loop(new_url: NewUrl) -> None:
    migrate(new_url())
