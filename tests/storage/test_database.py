"""What a database does beside its queries: its clock, its patience, and how it fails and recovers."""

import asyncio
import resource
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, exc, insert, select, text, update
from structlog.typing import EventDict

from bot.notices.person import Person
from bot.notices.store import DatabaseUnavailable, DatabaseUnusable
from bot.storage.database import Database, open_database, random_key
from bot.storage.engine import A_MOMENT
from bot.storage.tables import homes, notices
from bot.storage.upkeep import SqlUpkeep
from testing.factories import SetClock
from testing.postgres import Postgres
from testing.stores import ANN, BOB, INTERVAL, REF, SECOND, Stores, open_stores, stores_of

SECRET = "s3cr3t"
# All connections but the one that says so.
END_OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'contracts'"
READ_ONLY = "SET TRANSACTION READ ONLY"
SHORT = timedelta(seconds=0.3)
WAITING = 12


async def is_well(database: Database) -> bool:
    """Reads and writes."""
    upkeep = SqlUpkeep(database)
    await upkeep.note_home(ANN)
    return await upkeep.has_home(ANN)


@contextmanager
def no_room_for_files() -> Iterator[None]:
    """Nothing that is written to a file in the meantime gets there; to SQLite that is a disk that takes nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def remove(file: Path) -> None:
    file.unlink()


class TestTheClock:
    async def test_is_the_processes_own_with_sqlite(self, sqlite_url: str) -> None:
        before = datetime.now(UTC)
        assert before <= await self.read(sqlite_url) <= datetime.now(UTC)

    async def test_is_the_databases_own_with_postgres(self, postgres_url: str) -> None:
        async with open_database(postgres_url) as database:
            assert "clock_timestamp" in str(database.now())
        assert abs(await self.read(postgres_url) - datetime.now(UTC)) < timedelta(minutes=1)

    async def test_is_set_by_the_tests(self, url: str, set_clock: SetClock) -> None:
        async with open_stores(url, set_clock) as stores:
            await stores.subscribe()
            assert (await stores.watched()).watched_since == set_clock()

    async def test_is_looked_at_when_a_statement_is_executed(self, sqlite_url: str, set_clock: SetClock) -> None:
        """Not when it was written down, before others had their turn: a lease may have run out meanwhile."""
        async with open_database(sqlite_url, clock=set_clock) as database, database.reading() as connection:
            question = select(database.now())
            set_clock.move(SECOND)
            assert (await connection.execute(question)).scalar_one() == set_clock()

    async def test_goes_on_within_a_transaction(self, postgres_url: str) -> None:
        async with open_database(postgres_url) as database, database.reading() as connection:
            first, second = [(await connection.execute(select(database.now()))).scalar_one() for _ in range(2)]
        assert first < second

    async def test_is_asked_without_another_round_trip(self, postgres_url: str) -> None:
        statements: list[str] = []
        async with open_database(postgres_url) as database:
            await database.prepare()
            event.listen(
                database.engine.sync_engine, "before_cursor_execute", lambda _c, _u, said, *_: statements.append(said)
            )
            await stores_of(database, SetClock(datetime.now(UTC))).looks.claim_due(limit=9, lease=INTERVAL)
        assert len(statements) == 1

    async def read(self, url: str) -> datetime:
        async with open_database(url) as database, database.reading() as connection:
            now: datetime = (await connection.execute(select(database.now()))).scalar_one()
            return now


async def test_keys_are_the_callers(url: str, set_clock: SetClock) -> None:
    keys = iter(["one", "two"])
    async with open_database(url, clock=set_clock, new_key=lambda: next(keys)) as database:
        stores = stores_of(database, set_clock)
        await stores.subscribe(ANN)
        await stores.subscribe(BOB)
        await stores.conclude()
        assert [each.notice.key for each in await stores.claim_notices()] == ["one", "two"]
    assert len({random_key() for _ in range(100)}) == 100


class TestSqliteWays:
    async def test_are_those_of_a_file_that_is_shared(self, sqlite_url: str) -> None:
        async with open_database(sqlite_url) as database, database.reading() as connection:
            ways = {
                name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
        assert ways == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 250}

    async def test_writers_queue_in_the_order_they_come(self, sqlite_url: str) -> None:
        async with open_database(sqlite_url) as database:
            await database.prepare()
            written: list[int] = []

            async def write(number: int) -> None:
                async with database.writing() as connection:
                    await connection.execute(insert(homes).values(team_id="T", user_id=str(number)))
                    written.append(number)

            await asyncio.gather(*(write(number) for number in range(30)))
            assert written == list(range(30))

    async def test_readers_do_not_wait_for_a_writer(self, sqlite_url: str) -> None:
        async with open_database(sqlite_url, patience=SHORT) as database, database.writing() as connection:
            await connection.execute(insert(homes).values(team_id=ANN.team_id, user_id=ANN.user_id))
            assert not await SqlUpkeep(database).has_home(ANN)


async def test_a_transaction_that_raises_does_nothing(stores: Stores) -> None:
    async def fail() -> None:
        async with stores.database.writing() as connection:
            await connection.execute(insert(homes).values(team_id=ANN.team_id, user_id=ANN.user_id))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert not await stores.upkeep.has_home(ANN)


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
async def test_a_transaction_that_is_cancelled_does_nothing(url: str, set_clock: SetClock, step: int) -> None:
    """Nor does it leave a connection behind that is of no use, or a turn that nobody ends."""
    async with open_database(url, clock=set_clock, patience=2 * SECOND) as database:
        for turns in range(0, 60, step):
            await cancel_after(turns, stores_of(database, set_clock))


async def cancel_after(turns: int, stores: Stores) -> None:
    task = asyncio.create_task(stores.subscribe())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    entries = await stores.subscriptions.entries(ANN, limit=9)
    # What was committed already stays.
    assert len(entries) == 1 or task.cancelled()
    assert await is_well(stores.database)
    await stores.subscriptions.unsubscribe(REF, ANN)


class TestMistakes:
    """Of the program are not taken for an outage."""

    async def test_a_broken_constraint(self, stores: Stores) -> None:
        with pytest.raises(exc.IntegrityError):
            async with stores.database.writing() as connection:
                await connection.execute(insert(notices).values(subscription_id=1, completion_id=1, key="k"))
        assert await is_well(stores.database)

    async def test_a_wrong_statement(self, stores: Stores) -> None:
        with pytest.raises(exc.DBAPIError):
            async with stores.database.writing() as connection:
                await connection.execute(text("SELECT * FROM nowhere"))
        assert await is_well(stores.database)


class TestSqliteFails:
    @asynccontextmanager
    async def locked(self, url: str) -> AsyncIterator[None]:
        """By another process, as far as SQLite can tell."""
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
        finally:
            connection.close()

    async def test_while_another_process_writes_for_long(self, sqlite_url: str) -> None:
        async with open_database(sqlite_url, patience=SECOND) as database:
            await database.prepare()
            async with self.locked(sqlite_url):
                with pytest.raises(DatabaseUnavailable, match="database is locked") as failed:
                    await is_well(database)
                assert isinstance(failed.value.__cause__, (sqlite3.OperationalError, TimeoutError))
                with pytest.raises(DatabaseUnavailable, match="database is locked"):
                    await SqlUpkeep(database).ping()
            assert await is_well(database)

    @pytest.mark.parametrize("is_ready", [True, False])
    async def test_for_all_who_wait_at_the_same_time(self, sqlite_url: str, *, is_ready: bool) -> None:
        """And not for one after the other: each has one limit, whether it waits in front or behind."""
        async with open_database(sqlite_url, patience=SECOND) as database:
            if is_ready:
                await database.prepare()
            async with self.locked(sqlite_url):
                begun = time.monotonic()
                ends = await asyncio.gather(*(is_well(database) for _ in range(WAITING)), return_exceptions=True)
            assert all(isinstance(end, DatabaseUnavailable) for end in ends)
            assert time.monotonic() - begun < WAITING / 3

    async def test_for_a_new_file_that_stays_locked(self, tmp_path: Path) -> None:
        connection = sqlite3.connect(tmp_path / "rectask.db", isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        async with open_database(f"sqlite:///{tmp_path}/rectask.db", patience=SHORT) as database:
            with pytest.raises(DatabaseUnavailable, match="database is locked"):
                await database.prepare()
        connection.close()

    async def test_not_while_another_one_makes_the_file(self, tmp_path: Path) -> None:
        """SQLite itself does not wait for that."""
        connection = sqlite3.connect(tmp_path / "rectask.db", isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        async with open_database(f"sqlite:///{tmp_path}/rectask.db") as database:
            preparing = asyncio.create_task(database.prepare())
            done, _ = await asyncio.wait([preparing], timeout=2 * A_MOMENT)
            assert not done
            connection.close()
            await preparing
            assert await is_well(database)

    async def test_while_the_disk_is_full(self, sqlite_url: str) -> None:
        pages: dict[str, int] = {"max": 1}

        def limit(connection: Any, _record: object) -> None:
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA max_page_count = {pages['max']}")
            cursor.close()

        async with open_database(sqlite_url) as database:
            event.listen(database.engine.sync_engine, "connect", limit)
            with pytest.raises(DatabaseUnavailable, match="full"):
                async with database.writing() as connection:
                    await connection.execute(
                        insert(homes), [{"team_id": "T" * 99, "user_id": str(n)} for n in range(999)]
                    )
            await SqlUpkeep(database).ping()
            pages["max"] = 10_000
            await database.engine.dispose()
            assert await is_well(database)

    async def test_and_is_not_said_to_be_well_until_it_can_be_written_to(self, sqlite_url: str) -> None:
        async with open_database(sqlite_url) as database:
            upkeep = SqlUpkeep(database)
            await upkeep.ping()
            with no_room_for_files():
                await upkeep.ping()  # which nobody knows yet, for nothing was written
                with pytest.raises(DatabaseUnavailable):
                    await upkeep.note_home(ANN)
                async with database.writing():
                    pass  # which changes nothing, and so proves nothing
                with pytest.raises(DatabaseUnavailable):
                    await upkeep.ping()
            await upkeep.ping()
            assert not await upkeep.has_home(ANN)
            assert await is_well(database)

    async def test_while_its_file_is_away(self, sqlite_url: str, tmp_path: Path, logged: list[EventDict]) -> None:
        file, elsewhere = Path(sqlite_url.removeprefix("sqlite:///")), tmp_path / "elsewhere.db"
        async with open_database(sqlite_url) as database:
            upkeep = SqlUpkeep(database)
            await upkeep.ping()
            shutil.move(file, elsewhere)
            for use in (upkeep.ping, partial(upkeep.note_home, ANN), partial(upkeep.has_home, ANN)):
                with pytest.raises(DatabaseUnavailable, match="was deleted while Rectask was running"):
                    await use()
            shutil.move(elsewhere, file)
            assert await is_well(database)
        assert [event["event"] for event in logged] == ["store_file.lost", "store_file.returned"]

    async def test_while_another_file_has_its_place(self, sqlite_url: str, sqlite_template: Path) -> None:
        """A backup that was put there: what people are promised would stand in a file that is gone."""
        file = Path(sqlite_url.removeprefix("sqlite:///"))
        async with open_database(sqlite_url) as database:
            assert await is_well(database)
            remove(file)
            shutil.copy(sqlite_template, file)
            for _ in range(2):
                with pytest.raises(DatabaseUnavailable, match="was replaced while Rectask was running"):
                    await SqlUpkeep(database).note_home(BOB)
        async with open_database(sqlite_url) as database:
            assert not await SqlUpkeep(database).has_home(BOB)

    async def test_a_write_whose_file_went_away_meanwhile(self, sqlite_url: str) -> None:
        async with open_database(sqlite_url) as database:
            await SqlUpkeep(database).ping()

            async def write() -> None:
                async with database.writing() as connection:
                    await connection.execute(insert(homes).values(team_id="T1", user_id="U1"))
                    remove(Path(sqlite_url.removeprefix("sqlite:///")))

            with pytest.raises(DatabaseUnavailable, match="was deleted"):
                await write()

    async def test_on_a_file_that_is_something_else(self, tmp_path: Path) -> None:
        (tmp_path / "rectask.db").write_text("Dear diary, " * 99)
        async with open_database(f"sqlite:///{tmp_path}/rectask.db") as database:
            with pytest.raises(DatabaseUnavailable, match="not a database"):
                await database.prepare()

    async def test_in_a_folder_that_went_away(self, tmp_path: Path) -> None:
        folder = tmp_path / "data"
        folder.mkdir()
        async with open_database(f"sqlite:///{folder}/rectask.db") as database:
            folder.rmdir()
            with pytest.raises(DatabaseUnavailable, match="No such file"):
                await database.prepare()
            folder.mkdir()
            assert await is_well(database)


async def test_a_pool_that_is_used_up_is_waited_for_in_vain(url: str) -> None:
    async with open_database(url, patience=SHORT) as database:
        await database.prepare()
        is_done = asyncio.Event()

        async def hold() -> None:
            async with database.reading():
                await is_done.wait()

        holders = [asyncio.create_task(hold()) for _ in range(5)]
        await asyncio.sleep(0.01)
        with pytest.raises(DatabaseUnavailable) as failed:
            await SqlUpkeep(database).ping()
        assert isinstance(failed.value.__cause__, exc.TimeoutError)
        is_done.set()
        await asyncio.gather(*holders)
        assert await is_well(database)


class TestPostgresFails:
    """And a failed connection is not used again."""

    async def test_while_it_is_down(self, postgres: Postgres, postgres_url: str) -> None:
        async with open_database(postgres_url) as database:
            assert await is_well(database)
            postgres.stop()
            try:
                with pytest.raises(DatabaseUnavailable) as failed:
                    await is_well(database)
                assert isinstance(failed.value.__cause__, psycopg.OperationalError)
            finally:
                postgres.start()
            assert await is_well(database)

    async def test_not_when_it_was_down_meanwhile(self, postgres: Postgres, postgres_url: str) -> None:
        async with open_database(postgres_url) as database:
            assert await is_well(database)
            postgres.execute(END_OTHERS)
            assert await is_well(database)

    async def test_in_the_middle_of_a_transaction(self, postgres: Postgres, postgres_url: str) -> None:
        async with open_database(postgres_url) as database:

            async def be_cut_off() -> None:
                async with database.writing() as connection:
                    await connection.execute(insert(homes).values(team_id=BOB.team_id, user_id=BOB.user_id))
                    postgres.execute(END_OTHERS)
                    await connection.execute(select(homes))

            with pytest.raises(DatabaseUnavailable, match="terminating connection"):
                await be_cut_off()
            assert await is_well(database)
            assert not await SqlUpkeep(database).has_home(BOB)

    async def test_before_it_is_there(self, postgres: Postgres) -> None:
        postgres.create("later")
        postgres.execute("DROP DATABASE later")
        async with open_database(postgres.url("later")) as database:
            with pytest.raises(DatabaseUnavailable, match='"later" does not exist'):
                await database.prepare()
            postgres.create("later")
            assert await is_well(database)

    async def test_where_nobody_listens(self) -> None:
        url = f"postgresql://somebody:{SECRET}@127.0.0.1:1/rectask"
        async with open_database(url) as database:
            with pytest.raises(DatabaseUnavailable, match="refused") as failed:
                await database.prepare()
            assert SECRET not in repr(failed.value)
            assert SECRET not in repr(database.engine)

    async def test_when_two_wait_for_each_other(self, postgres_url: str) -> None:
        async with open_database(postgres_url) as database:
            for user in ("a", "b"):
                await SqlUpkeep(database).note_home(Person("T", user))
            both_hold = asyncio.Barrier(2)

            async def take(first: str, second: str) -> None:
                async with database.writing() as connection:
                    for user in (first, second):
                        await connection.execute(update(homes).where(homes.c.user_id == user).values(team_id="T"))
                        if user == first:
                            await both_hold.wait()

            ends = await asyncio.gather(take("a", "b"), take("b", "a"), return_exceptions=True)
            (loser,) = [end for end in ends if end is not None]
            assert isinstance(loser, DatabaseUnavailable)
            assert "deadlock" in str(loser)

    async def test_when_it_does_not_answer_in_time(self, postgres_url: str) -> None:
        async with (
            open_database(postgres_url) as other,
            open_database(postgres_url, patience=SHORT) as database,
            other.writing() as connection,
        ):
            await database.prepare()
            await connection.execute(text("LOCK TABLE homes"))
            with pytest.raises(DatabaseUnavailable) as failed:
                await is_well(database)
            assert isinstance(failed.value.__cause__, TimeoutError)
            await connection.rollback()
            assert await is_well(database)

    async def test_when_it_may_only_be_read(self, postgres_url: str) -> None:
        """As after a failover to a server that is none to write to."""
        async with open_database(postgres_url) as database:
            event.listen(database.engine.sync_engine, "begin", lambda begun: begun.exec_driver_sql(READ_ONLY))
            with pytest.raises(DatabaseUnavailable, match="read-only"):
                await is_well(database)

    async def test_while_its_user_may_not_make_tables(self, postgres: Postgres) -> None:
        """As it is for all but the owner of a new database, until they are granted that."""
        owned = postgres.create("owned")
        postgres.execute("DROP ROLE IF EXISTS guest")
        postgres.execute("CREATE ROLE guest LOGIN")
        async with open_database(owned.replace("postgres:@", "guest@")) as database:
            with pytest.raises(DatabaseUnavailable, match="permission denied for schema public"):
                await database.prepare()
            postgres.execute("GRANT CREATE ON SCHEMA public TO guest", database="owned")
            assert await is_well(database)
        postgres.execute("DROP DATABASE owned")

    @pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
    async def test_where_it_cannot_hold_what_people_write(self, postgres: Postgres, encoding: str) -> None:
        postgres.execute("DROP DATABASE IF EXISTS narrow")
        postgres.execute(f"CREATE DATABASE narrow ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
        async with open_database(postgres.url("narrow")) as database:
            with pytest.raises(DatabaseUnusable, match=f"encoded in {encoding}, and Rectask needs UTF8"):
                await database.prepare()
        postgres.execute("DROP DATABASE narrow")


async def test_of_several_servers_the_one_that_can_be_written_to_is_meant(
    postgres: Postgres, postgres_url: str
) -> None:
    del postgres_url
    folder = postgres.url("contracts").partition("host=")[2].replace("/", "%2F")
    async with open_database(f"postgresql://postgres@127.0.0.1:1,{folder}:5432/contracts") as database:
        assert await is_well(database)
