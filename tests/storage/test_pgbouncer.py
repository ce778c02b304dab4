"""PgBouncer between the bot and PostgreSQL, as most hosted databases have it."""

import asyncio
from collections.abc import Iterator

import pytest

from bot.notices.person import Person
from bot.notices.store import DatabaseUnusable
from bot.storage.database import open_database
from bot.storage.upkeep import SqlUpkeep
from testing.factories import SetClock
from testing.pgbouncer import PgBouncer, needs_pgbouncer, run_pgbouncer
from testing.postgres import Postgres
from testing.stores import ANN, LEASE, Stores, reading, stores_of

pytestmark = needs_pgbouncer
CLIENTS = 3
ROUNDS = 7


@pytest.fixture
def pooled(postgres: Postgres) -> Iterator[PgBouncer]:
    """In transaction mode, with two connections for all, before an empty database."""
    postgres.create("pooled")
    with run_pgbouncer(postgres.url("pooled"), pool_mode="transaction") as bouncer:
        yield bouncer


async def use(stores: Stores, number: int) -> None:
    """Each statement often enough to be prepared by a driver that does that."""
    person = Person("T1", f"U{number}")
    for _ in range(ROUNDS):
        assert (await stores.subscribe(person)).is_new
        await stores.looks.claim_due(limit=3, lease=LEASE)
        assert await stores.subscriptions.is_subscribed(reading().task, person)
        await stores.notices.claim_due(limit=3, lease=LEASE)
        await stores.upkeep.census()
        assert await stores.subscriptions.unsubscribe(reading().task.ref, person)


async def test_transaction_mode_works_without_a_setting(pooled: PgBouncer, set_clock: SetClock) -> None:
    """Clients that share two server connections, from an empty database on."""

    async def be_one(number: int) -> None:
        async with open_database(pooled.url("pooled"), clock=set_clock) as database:
            await use(stores_of(database, set_clock), number)

    await asyncio.gather(*(be_one(number) for number in range(CLIENTS)))


async def test_a_connection_that_is_cut_off_is_replaced(pooled: PgBouncer, postgres: Postgres) -> None:
    async with open_database(pooled.url("pooled")) as database:
        await SqlUpkeep(database).note_home(ANN)
        postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'pooled'")
        await asyncio.sleep(0.1)
        assert await SqlUpkeep(database).has_home(ANN)


async def test_session_mode_works(postgres: Postgres) -> None:
    postgres.create("pooled")
    with run_pgbouncer(postgres.url("pooled"), pool_mode="session", pool_size=6) as bouncer:
        async with open_database(bouncer.url("pooled")) as database:
            await SqlUpkeep(database).note_home(ANN)
            assert await SqlUpkeep(database).has_home(ANN)


async def test_statement_mode_is_refused_with_its_reason(postgres: Postgres) -> None:
    postgres.create("pooled")
    with run_pgbouncer(postgres.url("pooled"), pool_mode="statement") as bouncer:
        async with open_database(bouncer.url("pooled")) as database:
            with pytest.raises(DatabaseUnusable, match="pool_mode = transaction"):
                await database.prepare()
