"""The schema made ready at the start: left alone, migrated, or refused."""

import asyncio
import re
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.database_urls import PostgresServer, SqliteFile
from bot.storage.engine import for_writing, open_migrating_engine
from bot.storage.tables import schema_release
from bot.subscriptions.store import StoreUnavailable

log = structlog.get_logger()

# The revision that this code works with: the newest one in migrations/versions.
HEAD = "0003"
# Says "Rectask migrates" to those who ask PostgreSQL for the same lock; released with the transaction.
MIGRATING = 0x5EC7A5C


class SchemaTooNew(StoreUnavailable):
    """A newer release has changed the schema, so that this one can not work with it any more."""

    def __init__(self, *, found: str, needed: str) -> None:
        super().__init__(
            f"The database was migrated by a newer release: at least Rectask {needed} is needed, and this is {found}. "
            "Start a newer release, or restore the backup that was made before the upgrade."
        )
        self.found = found
        self.needed = needed


@dataclass(frozen=True, slots=True)
class Schema:
    """The revision that a database is at, and the oldest release that may run on it."""

    revision: str
    oldest_release: str

    @property
    def is_older(self) -> bool:
        return _numbers(self.revision) < _numbers(HEAD)


async def make_ready(
    engine: AsyncEngine, target: SqliteFile | PostgresServer, *, release: str, patience: timedelta
) -> None:
    """Migrate where that is due; raise SchemaTooNew where this release is too old. Alembic is imported when needed."""
    async with asyncio.timeout(patience.total_seconds()), engine.connect() as connection:
        found = await connection.run_sync(read_schema)
    if found is None or found.is_older:
        await _migrate(target, patience=patience)
    else:
        check_release(found, release=release)


def check_release(found: Schema, *, release: str) -> None:
    """Raise SchemaTooNew where the release may not run on what was found."""
    if found.revision != HEAD and _numbers(release) < _numbers(found.oldest_release):
        raise SchemaTooNew(found=release, needed=found.oldest_release)


def read_schema(connection: Connection) -> Schema | None:
    """None for an empty database."""
    if not inspect(connection).has_table(schema_release.name):
        return None
    row = connection.execute(select(schema_release.c.revision, schema_release.c.oldest_release)).one()
    return Schema(row.revision, row.oldest_release)


async def _migrate(target: SqliteFile | PostgresServer, *, patience: timedelta) -> None:
    engine = open_migrating_engine(target, patience=patience)
    try:
        async with for_writing(engine).begin() as connection:
            await connection.run_sync(_migrate_alone)
    finally:
        await engine.dispose()


def _migrate_alone(connection: Connection) -> None:
    """All in one transaction, which on SQLite has the only turn at writing from its first statement on."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATING})
    found = read_schema(connection)
    if found is not None and not found.is_older:
        return  # by another process that started at the same time

    from bot.storage.migrations.upgrade import open_scripts, upgrade  # noqa: PLC0415  # Alembic is needed only now

    upgrade(connection, open_scripts())
    log.info("schema.migrated", before=found.revision if found else None, now=HEAD)


def _numbers(version: str) -> tuple[int, ...]:
    """A release's or a revision's numbers, 1.2 as 1.2.0; what a pre-release adds to them does not count."""
    leading = re.match(r"[0-9.]*", version)
    assert leading is not None
    return tuple(int(number) for number in re.sub(r"(\.0+)+$", "", leading.group()).split(".") if number)
