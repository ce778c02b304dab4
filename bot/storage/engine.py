"""The connections to SQLite and PostgreSQL."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import aiosqlite
from sqlalchemy import URL, Connection, NullPool, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.database_urls import PostgresServer, SqliteFile
from bot.private_files import make_private

# For those who make a new file all at once.
TRIES, A_MOMENT = 100, 0.05
CONNECTIONS = 5
# What a URL may say otherwise. A server that went away without a word is missed after half a minute, not a quarter of
# an hour; of several servers the one that can be written to is meant.
_LIBPQ_DEFAULTS = {
    "connect_timeout": "10",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
    "fallback_application_name": "rectask",
}


def open_engine(target: SqliteFile | PostgresServer, *, patience: timedelta) -> AsyncEngine:
    """Connects when it is first used; to be disposed of by the caller.

    Half the patience is for a free connection, and on SQLite for another process's turn at writing: who waits longer
    than that is told what for.
    """
    pool = {"pool_size": CONNECTIONS, "max_overflow": 0, "pool_timeout": patience.total_seconds() / 2}
    if isinstance(target, SqliteFile):
        return _sqlite(target, patience=patience, keeps_foreign_keys=True, pool=pool)
    return _postgres(target, pool={**pool, "pool_pre_ping": True})


def open_migrating_engine(target: SqliteFile | PostgresServer, *, patience: timedelta) -> AsyncEngine:
    """Connections that are kept for nobody; SQLite's do not mind foreign keys, which would empty a rebuilt table."""
    pool = {"poolclass": NullPool}
    if isinstance(target, SqliteFile):
        return _sqlite(target, patience=patience, keeps_foreign_keys=False, pool=pool)
    return _postgres(target, pool=pool)


def for_writing(engine: AsyncEngine) -> AsyncEngine:
    """The same connections, whose transactions on SQLite wait for their turn at once, not when they first write.

    A transaction that reads first and finds another one's write afterwards would fail without waiting.
    """
    return engine.execution_options(begin="BEGIN IMMEDIATE")


def _sqlite(
    target: SqliteFile, *, patience: timedelta, keeps_foreign_keys: bool, pool: Mapping[str, Any]
) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(target.path)),
        connect_args={"timeout": patience.total_seconds() / 2},
        hide_parameters=True,
        **pool,
    )
    event.listen(engine.sync_engine, "connect", _sqlite_ways(keeps_foreign_keys=keeps_foreign_keys))
    event.listen(engine.sync_engine, "do_connect", lambda *_: make_private(target.path))
    event.listen(engine.sync_engine, "begin", _begin)
    event.listen(engine.sync_engine, "invalidate", _roll_back)
    return engine


def _sqlite_ways(*, keeps_foreign_keys: bool) -> Callable[[Any, object], None]:
    def set_ways(connection: Any, _record: object) -> None:
        # The driver's own transactions begin late and leave table definitions out (SQLAlchemy's page on SQLite).
        connection.isolation_level = None
        # Text that is no UTF-8 would raise while rows are fetched, and take the other rows along.
        connection.driver_connection.text_factory = _text
        connection.run_async(_keep_log)
        cursor = connection.cursor()
        # With NORMAL a power failure takes the last commits along, and with them what somebody was promised.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute(f"PRAGMA foreign_keys = {'ON' if keeps_foreign_keys else 'OFF'}")
        cursor.close()

    return set_ways


def _text(stored: bytes) -> str:
    return stored.decode(errors="replace")


async def _keep_log(connection: aiosqlite.Connection) -> None:
    """Let reading and writing go on beside each other; the file remembers it.

    SQLite does not wait here for another one that does the same to a new file: 3 of 60 starts of six at once failed.
    """
    for _ in range(TRIES):
        try:
            async with connection.execute("PRAGMA journal_mode = WAL"):
                return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            await asyncio.sleep(A_MOMENT)
    raise TimeoutError("database is locked")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def _roll_back(connection: Any, _record: object, _error: object) -> None:
    """Before a connection is closed whose task was cancelled.

    SQLite keeps it, and its lock, until every statement of it is done with, and nobody sees to that.
    """
    with contextlib.suppress(sqlite3.Error):
        connection.rollback()


def _postgres(target: PostgresServer, *, pool: Mapping[str, Any]) -> AsyncEngine:
    # The address is not in SQLAlchemy's URL, which is shown here and there.
    return create_async_engine(
        "postgresql+psycopg://",
        connect_args=_with_defaults(target.parameters),
        isolation_level="READ COMMITTED",
        use_native_hstore=False,
        hide_parameters=True,
        **pool,
    )


def _with_defaults(parameters: Mapping[str, str]) -> dict[str, str]:
    several = {"target_session_attrs": "read-write"} if "," in parameters.get("host", "") else {}
    return {**_LIBPQ_DEFAULTS, **several, **parameters}
