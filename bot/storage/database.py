"""A database: its connections, its transactions, its clock, and its schema made ready."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from sqlalchemy import BigInteger, Table, bindparam, cast, delete, extract, func, literal, select, text, type_coerce
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql import ColumnElement

from bot import __version__
from bot.notices.store import DatabaseUnavailable
from bot.storage.columns import MICROSECOND, Moment
from bot.storage.driver_errors import translating_driver_errors
from bot.storage.engine import for_writing, open_engine
from bot.storage.rows import AppNames, Decoder
from bot.storage.schema import make_ready
from bot.storage.sqlite_file import SameFile
from bot.storage.tables import homes
from bot.storage.url import PostgresServer, SqliteFile, read_url

# One limit for whatever somebody waits for: a free connection, a lock, an answer. Who waits behind others has no more.
PATIENCE = timedelta(seconds=10)
# Whose row is written and deleted again to see whether the database takes one.
_NOBODY = {"team_id": "", "user_id": ""}

Clock = Callable[[], datetime]


def random_key() -> str:
    """Unique for ever."""
    return secrets.token_urlsafe(16)


@asynccontextmanager
async def open_database(
    url: str,
    *,
    clock: Clock | None = None,
    new_key: Callable[[], str] = random_key,
    release: str = __version__,
    patience: timedelta = PATIENCE,
    app_names: Mapping[str, str] = MappingProxyType({}),
    creates: bool = True,
) -> AsyncIterator["Database"]:
    """The database that the URL leads to; it is connected to when it is first used. Raises ValueError for the URL.

    Without a clock PostgreSQL's own one is used, so that all who share it agree, and with SQLite this process's.
    `patience` is how long one transaction may take altogether before the store counts as unavailable. `app_names` has
    the configured name of each app's id; what was stored of another app keeps the name that it had.
    Unless it `creates`, DatabaseUnusable is raised where there is no database, or an empty one.
    """
    target = read_url(url)
    engine = open_engine(target, patience=patience)
    try:
        yield Database(
            target,
            engine,
            clock=clock,
            new_key=new_key,
            release=release,
            patience=patience,
            names=AppNames(app_names),
            creates=creates,
        )
    finally:
        await engine.dispose()


class Database:
    """What the stores share."""

    def __init__(
        self,
        target: SqliteFile | PostgresServer,
        engine: AsyncEngine,
        *,
        clock: Clock | None,
        new_key: Callable[[], str],
        release: str,
        patience: timedelta,
        names: AppNames,
        creates: bool,
    ) -> None:
        self.new_key = new_key
        self.decoder = Decoder(names)
        self._target = target
        self._engine = engine
        self._is_sqlite = isinstance(target, SqliteFile)
        self._clock = _wall_clock if clock is None and self._is_sqlite else clock
        self._release = release
        self._patience = patience
        self._creates = creates
        self._preparing = asyncio.Lock()
        self._is_ready = False
        self._file = SameFile(target.path) if isinstance(target, SqliteFile) else None
        self._is_writing_in_doubt = False
        # SQLite lets one write at a time and does not queue the others, it lets them try again.
        self._turn = asyncio.Lock() if self._is_sqlite else None

    @property
    def engine(self) -> AsyncEngine:
        """For those who watch what is executed."""
        return self._engine

    async def prepare(self) -> None:
        """Make the schema what this release works with. Raises DatabaseUnavailable, and SchemaTooNew, which is one.

        Once done there is nothing to do; every transaction does it first where it has not been done yet.
        """
        with translating_driver_errors(self._waited_for):
            await self._prepare()

    async def _prepare(self) -> None:
        async with self._preparing:
            if not self._is_ready:
                await make_ready(
                    self._engine,
                    self._target,
                    release=self._release,
                    patience=self._patience,
                    creates=self._creates,
                )
                self._is_ready = True
                if self._file is not None:
                    self._file.remember()

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction that only reads. Leaving any transaction raises DatabaseUnavailable where that is the case."""
        return self._transaction(self._engine, nullcontext())

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that writes, or does nothing if its body raises."""
        try:
            async with self._transaction(for_writing(self._engine), self._turn or nullcontext()) as connection:
                yield connection
        except DatabaseUnavailable:
            self._is_writing_in_doubt = True
            raise

    async def prove(self) -> None:
        """Raise DatabaseUnavailable unless the database answers, and accepts a row again after it refused one.

        Not every write that is committed proves anything: one that changes nothing succeeds on a full disk.
        """
        async with self.reading() as connection:
            await connection.execute(text("SELECT 1"))
        if self._is_writing_in_doubt:
            async with self.writing() as connection:
                await connection.execute(self.insert(homes).values(_NOBODY).on_conflict_do_nothing())
                await connection.execute(delete(homes).filter_by(**_NOBODY))
            self._is_writing_in_doubt = False

    @asynccontextmanager
    async def _transaction(
        self, engine: AsyncEngine, turn: AbstractAsyncContextManager[None]
    ) -> AsyncIterator[AsyncConnection]:
        with translating_driver_errors(self._waited_for):
            async with asyncio.timeout(self._patience.total_seconds()):
                if not self._is_ready:
                    await self._prepare()
                async with turn:
                    self._check_file()  # before a connection is made, which would make a new file
                    async with engine.begin() as connection:
                        yield connection
                    self._check_file()

    @property
    def _waited_for(self) -> str:
        """What a transaction says that took too long."""
        seconds = f"{self._patience.total_seconds():g} s"
        if self._is_sqlite:
            return f"database is locked by another process, or its disk is slow ({seconds})"
        return f"no answer within {seconds}; the database may be overloaded, or locked by another session"

    def _check_file(self) -> None:
        if self._file is not None:
            self._file.check()

    async def queue_up(self, connection: AsyncConnection, name: str) -> None:
        """Until this transaction ends, no other one goes on from here with the same name."""
        if not self._is_sqlite:
            key = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True)
            await connection.execute(select(func.pg_advisory_xact_lock(key)))

    def now(self) -> ColumnElement[datetime]:
        """The store's clock as an expression. In one transaction it goes on."""
        return self.after(timedelta())

    def after(self, span: timedelta) -> ColumnElement[datetime]:
        """The moment that far from now."""
        clock = self._clock
        if clock is not None:
            # Looked at when the statement is executed: its transaction may have waited for its turn.
            return bindparam("moment", callable_=lambda: clock() + span, type_=Moment(), unique=True)
        microseconds = cast(extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger)
        return type_coerce(microseconds + literal(span // MICROSECOND, BigInteger()), Moment())

    def insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """An INSERT that can say what to do on a conflict, which both dialects say alike."""
        return sqlite.insert(table) if self._is_sqlite else postgresql.insert(table)


def _wall_clock() -> datetime:
    return datetime.now(UTC)
