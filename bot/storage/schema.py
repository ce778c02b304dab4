"""The schema made ready at the start: left alone, migrated, or refused."""

import asyncio
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog
from sqlalchemy import Connection, Inspector, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.notices.store import DatabaseUnusable
from bot.storage.engine import for_writing, open_migrating_engine
from bot.storage.tables import metadata, schema_release
from bot.storage.url import PostgresServer, SqliteFile

log = structlog.get_logger()

# The revision that this code works with: the newest one in migrations/versions.
HEAD = "0005"
# Says "Rectask migrates" to those who ask PostgreSQL for the same lock; released with the transaction.
MIGRATING = 0x5EC7A5C
_NOTHING_CREATED = (
    "Nothing was created. RECTASK_DATABASE_URL says which database is used; "
    "run this with the settings of `rectask serve`, in the same folder."
)
# Where Alembic keeps the revision for itself.
_ALEMBIC = "alembic_version"
_REVISION = re.compile("[0-9]{4}")
_RELEASE = re.compile(r"[0-9]+(\.[0-9]+)*([a-z.+-][a-z0-9.+-]*)?")


class SchemaTooNew(DatabaseUnusable):
    """A newer release has changed the schema, so that this one cannot work with it any more."""

    def __init__(self, *, found: str, needed: str) -> None:
        super().__init__(
            f"The database was migrated by a newer release: at least Rectask {needed} is needed, and this is {found}. "
            "Start a newer release, or restore the backup that was made before the upgrade."
        )
        self.found = found
        self.needed = needed


class SchemaUnreadable(DatabaseUnusable):
    """The row that names the schema's revision is gone or damaged, so nobody can say what the tables are."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The database cannot be used: {what}. Restore a backup of it, or set RECTASK_DATABASE_URL to an empty "
            'database. docs/operations.md, "The schema row", says how to repair it.'
        )


@dataclass(frozen=True, slots=True)
class Schema:
    """The revision that a database is at, and the oldest release that may run on it."""

    revision: str
    oldest_release: str

    @property
    def is_older(self) -> bool:
        return _numbers(self.revision) < _numbers(HEAD)


async def make_ready(
    engine: AsyncEngine, target: SqliteFile | PostgresServer, *, release: str, patience: timedelta, creates: bool = True
) -> None:
    """Migrate where that is due; raise SchemaTooNew where this release is too old. Alembic is imported when needed.

    Unless it `creates`, an empty database is left empty, and DatabaseUnusable is raised.
    """
    if not creates and isinstance(target, SqliteFile) and is_nothing(target.path):
        raise DatabaseUnusable(f"There is no database at {target.path.absolute()}. {_NOTHING_CREATED}")
    async with asyncio.timeout(patience.total_seconds()), engine.connect() as connection:
        found = await connection.run_sync(read_schema)
    if found is None and not creates:
        raise DatabaseUnusable(f"There are no tables of Rectask in the database. {_NOTHING_CREATED}")
    if found is None or found.is_older:
        await _migrate(target, patience=patience)
    else:
        check_release(found, release=release)


def check_release(found: Schema, *, release: str) -> None:
    """Raise SchemaTooNew where the release may not run on what was found."""
    if found.revision != HEAD and _numbers(release) < _numbers(found.oldest_release):
        raise SchemaTooNew(found=release, needed=found.oldest_release)


def read_schema(connection: Connection) -> Schema | None:
    """None for an empty database. Raises SchemaUnreadable."""
    inspector = inspect(connection)
    if not inspector.has_table(schema_release.name):
        _check_empty(inspector)
        return None
    if not {"revision", "oldest_release"} <= {column["name"] for column in inspector.get_columns(schema_release.name)}:
        raise SchemaUnreadable(f"its table {schema_release.name} is not Rectask's")
    rows = connection.execute(select(schema_release.c.revision, schema_release.c.oldest_release)).all()
    if len(rows) != 1:
        raise SchemaUnreadable(f"its table {schema_release.name} has {len(rows) or 'no'} rows instead of one")
    found = Schema(rows[0].revision, rows[0].oldest_release)
    if not (_is(found.revision, _REVISION) and _is(found.oldest_release, _RELEASE)):
        raise SchemaUnreadable(f"its table {schema_release.name} names no schema and release, but {_shown(found)}")
    return found


def _check_empty(inspector: Inspector) -> None:
    """Raise SchemaUnreadable where there are tables that a migration would make."""
    found = {*metadata.tables, _ALEMBIC}.intersection(inspector.get_table_names())
    if found:
        names = ", ".join(sorted(found))
        raise SchemaUnreadable(f"it has tables of Rectask's names ({names}), but no table {schema_release.name}")


def _is(value: object, form: re.Pattern[str]) -> bool:
    return isinstance(value, str) and form.fullmatch(value) is not None


def _shown(found: Schema) -> str:
    return f"{found.revision!r:.40} and {found.oldest_release!r:.40}"


async def _migrate(target: SqliteFile | PostgresServer, *, patience: timedelta) -> None:
    engine = open_migrating_engine(target, patience=patience)
    try:
        async with for_writing(engine).begin() as connection:
            is_done, before = await connection.run_sync(migrate_in)
        if is_done:
            log.info("schema.migrated", before=before and before.revision, now=HEAD)
    finally:
        await engine.dispose()


def is_nothing(path: Path) -> bool:
    """Whether no SQLite database is there: no file, or one without a byte."""
    return not path.exists() or (path.is_file() and path.stat().st_size == 0)


def migrate_in(connection: Connection) -> tuple[bool, Schema | None]:
    """Whether there was something to do, and what was found before.

    All in one transaction, which on SQLite has the only turn at writing from its first statement on.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATING})
    found = read_schema(connection)
    if found is not None and not found.is_older:
        return False, found  # by another process that started at the same time

    from bot.storage.migrations.upgrade import open_scripts, revision_of, upgrade  # noqa: PLC0415  # Alembic is needed only now

    revision = revision_of(connection)
    if revision != (found.revision if found else None):
        raise SchemaUnreadable(f"{schema_release.name} and {_ALEMBIC} disagree on its revision ({revision!r:.40})")
    upgrade(connection, open_scripts())
    return True, found


def _numbers(version: str) -> tuple[int, ...]:
    """A release's or a revision's numbers, 1.2 as 1.2.0; what a pre-release adds to them does not count."""
    leading = re.match(r"[0-9.]*", version)
    assert leading is not None
    return tuple(int(number) for number in re.sub(r"(\.0+)+$", "", leading.group()).split(".") if number)
