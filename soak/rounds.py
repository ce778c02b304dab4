"""A round over many watched tasks with two and with four replicas: how long it takes, what the database is asked."""

import asyncio
import time
from pathlib import Path
from typing import Self

from benchmarks.watching import watch
from bot.playground.fake_rtc import worst_second
from bot.storage.database import open_database
from soak.city import City, open_city, open_fleet
from tests.contracts.postgres import Postgres

# Times what it should take, should something hang.
FAR_TOO_LATE = 3.0
PACE = 54
STATEMENT = b"statement: "
EXECUTED = b"execute "


async def shared_round(postgres: Postgres, folder: Path, *, tasks: int, replicas: int) -> str:
    """All of them due at once; from the first look to the last."""
    async with open_city(postgres, folder, name=f"round{replicas}", replicas=replicas) as city:
        async with open_database(city.environ["RECTASK_DATABASE_URL"]) as database:
            await database.prepare()
        # Nobody looks twice before all have been looked at.
        city.environ["RECTASK_WATCH_INTERVAL"] = "3600"
        async with open_fleet(city, replicas):
            await watch(city.rtc.url, city.environ["RECTASK_DATABASE_URL"], tasks)
            with _Statements(postgres) as statements:
                arrivals = await _until_all_are_looked_at(city, tasks)
    took = arrivals[-1] - arrivals[0]
    return (
        f"{took:.1f} s, {(len(arrivals) - 1) / took:.1f} a second, worst second {worst_second(arrivals)}; "
        f"{statements.count / len(arrivals):.2f} statements a look"
    )


async def _until_all_are_looked_at(city: City, tasks: int) -> list[float]:
    """When each look came to RTC."""
    before, give_up_at = city.rtc.count(), time.monotonic() + FAR_TOO_LATE * tasks / PACE
    while (count := city.rtc.count() - before) < tasks and time.monotonic() < give_up_at:  # noqa: ASYNC110
        await asyncio.sleep(1 if count < tasks - 2 * PACE else 0.02)
    arrivals = city.rtc.arrivals()[before:]
    assert len(arrivals) >= tasks, f"only {len(arrivals)} looks came"
    return arrivals[:tasks]


class _Statements:
    """Counts what PostgreSQL is asked while the block runs, by its own log."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self.count = 0

    def __enter__(self) -> Self:
        self._set("all")
        self._from = Path(self._postgres.server.log).stat().st_size
        return self

    def __exit__(self, *_: object) -> None:
        self._set("none")
        with Path(self._postgres.server.log).open("rb") as log:
            log.seek(self._from)
            self.count = sum(STATEMENT in line or EXECUTED in line for line in log)

    def _set(self, what: str) -> None:
        self._postgres.execute(f"ALTER SYSTEM SET log_statement = '{what}'")
        self._postgres.execute("SELECT pg_reload_conf()")
