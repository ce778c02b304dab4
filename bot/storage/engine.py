"""The connections to SQLite and PostgreSQL."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import aiosqlite
from sqlalchemy import URL, Connection, ExceptionContext, NullPool, event, exc
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from bot.notices.store import DatabaseUnusable
from bot.runtime.private_files import make_private
from bot.storage.url import PostgresServer, SqliteFile

# How often SQLite is asked for a lock that somebody else holds. It waits for `_BUSY_FOR` by itself, in a thread that
# nothing can interrupt: whoever gives up waits for no more than that.
A_MOMENT, _BUSY_FOR = 0.05, 0.25
CONNECTIONS = 5
_STATEMENT_POOLING = "not allowed in statement pooling mode"
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

    Half the patience is for a free connection; all of it, on SQLite, for another process's turn at writing.
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
        connect_args={"timeout": min(_BUSY_FOR, patience.total_seconds() / 2)},
        hide_parameters=True,
        **pool,
    )
    event.listen(engine.sync_engine, "do_connect", lambda *_: make_private(target.path))
    event.listen(engine.sync_engine, "connect", _sqlite_ways(patience, keeps_foreign_keys=keeps_foreign_keys))
    event.listen(engine.sync_engine, "begin", _sqlite_begin(patience))
    event.listen(engine.sync_engine, "invalidate", _roll_back)
    return engine


def _sqlite_ways(patience: timedelta, *, keeps_foreign_keys: bool) -> Callable[[Any, object], None]:
    def set_ways(connection: Any, _record: object) -> None:
        # The driver's own transactions begin late and leave table definitions out (SQLAlchemy's page on SQLite).
        connection.isolation_level = None
        # Text that is no UTF-8 would raise while rows are fetched, and take the other rows along.
        connection.driver_connection.text_factory = _text
        try:
            connection.run_async(partial(_enable_wal, patience))
        except BaseException:
            connection.close()  # the pool does not know of it yet
            raise
        cursor = connection.cursor()
        # With NORMAL a power failure takes the last commits along, and with them what somebody was promised.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute(f"PRAGMA foreign_keys = {'ON' if keeps_foreign_keys else 'OFF'}")
        cursor.close()

    return set_ways


def _text(stored: bytes) -> str:
    return stored.decode(errors="replace")


async def _enable_wal(patience: timedelta, connection: aiosqlite.Connection) -> None:
    """Let reading and writing go on beside each other; the file remembers it.

    SQLite does not wait here for another one that does the same to a new file: 3 of 60 starts of six at once failed.
    """
    is_late = _lateness(patience)
    while True:
        try:
            async with connection.execute("PRAGMA journal_mode = WAL"):
                return
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or is_late():
                raise
            await asyncio.sleep(A_MOMENT)


def _sqlite_begin(patience: timedelta) -> Callable[[Connection], None]:
    def begin(connection: Connection) -> None:
        """Wait for the lock in short turns, so that whoever waits can be cancelled."""
        statement, is_late = connection.get_execution_options().get("begin", "BEGIN"), _lateness(patience)
        while True:
            try:
                connection.exec_driver_sql(statement)
            except exc.OperationalError as error:
                if not _is_busy(error.orig) or is_late():
                    raise
                await_only(asyncio.sleep(A_MOMENT))
            else:
                return

    return begin


def _lateness(patience: timedelta) -> Callable[[], bool]:
    """Whether the patience is over, from now on."""
    loop = asyncio.get_running_loop()
    end = loop.time() + patience.total_seconds()
    return lambda: loop.time() >= end


def _is_busy(error: BaseException | None) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF == sqlite3.SQLITE_BUSY


def _roll_back(connection: Any, _record: object, _error: object) -> None:
    """Before a connection is closed whose task was cancelled.

    SQLite keeps it, and its lock, until every statement of it is done with, and nobody sees to that.
    """
    with contextlib.suppress(sqlite3.Error):
        connection.rollback()


def _postgres(target: PostgresServer, *, pool: Mapping[str, Any]) -> AsyncEngine:
    # The address is not in SQLAlchemy's URL, which is shown here and there.
    engine = create_async_engine(
        "postgresql+psycopg://",
        # Behind PgBouncer in transaction mode each transaction may have another server, which does not know what was
        # prepared. Statements are sent in UTF-8, whatever PGCLIENTENCODING or the database says.
        connect_args={**_with_defaults(target.parameters), "prepare_threshold": None, "client_encoding": "UTF8"},
        isolation_level="READ COMMITTED",
        use_native_hstore=False,
        hide_parameters=True,
        **pool,
    )
    event.listen(engine.sync_engine, "connect", _check_encoding)
    event.listen(engine.sync_engine, "handle_error", _name_statement_pooling)
    return engine


def _check_encoding(connection: Any, _record: object) -> None:
    """Raise DatabaseUnusable for a database that cannot hold what people write."""
    encoding = connection.driver_connection.info.parameter_status("server_encoding")
    if encoding not in {None, "UTF8"}:
        connection.close()  # as above
        raise DatabaseUnusable(
            f"The database is encoded in {encoding}, and Rectask needs UTF8. Create another one: "
            "CREATE DATABASE rectask ENCODING 'UTF8' TEMPLATE template0"
        )


def _name_statement_pooling(context: ExceptionContext) -> None:
    if _STATEMENT_POOLING in str(context.original_exception):
        raise DatabaseUnusable(
            "PgBouncer runs in statement mode, which allows no transactions, and Rectask needs them. Set "
            "pool_mode = transaction for this database in pgbouncer.ini, or connect to PostgreSQL directly."
        ) from context.original_exception


def _with_defaults(parameters: Mapping[str, str]) -> dict[str, str]:
    several = {"target_session_attrs": "read-write"} if "," in parameters.get("host", "") else {}
    return {**_LIBPQ_DEFAULTS, **several, **parameters}
