"""A round over many watched tasks with two and with four replicas: how long it takes, what the database is asked."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from bot.playground.volcengine.arrivals import worst_second
from bot.storage.database import open_database
from testing.postgres import Postgres
from testing.replica_processes import City, Fleet, open_city, open_fleet
from testing.watched_tasks import watch

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
        async with open_fleet(city, replicas) as fleet:
            await watch(city.rtc.url, city.environ["RECTASK_DATABASE_URL"], tasks)
            before = _spent(city, fleet)
            with _Statements(postgres) as statements:
                arrivals = await _until_all_are_looked_at(city, tasks)
            spent = _spent(city, fleet) - before
    took, looks = arrivals[-1] - arrivals[0], len(arrivals)
    return (
        f"{took:.1f} s, {(looks - 1) / took:.1f} a second, worst second {worst_second(arrivals)}; "
        f"{statements.count / looks:.2f} statements a look; CPU a look {spent.a_look(looks)}"
    )


@dataclass(frozen=True, slots=True)
class _Spent:
    """CPU seconds of all processes of a kind."""

    replicas: float
    postgres: float
    redis: float

    def __sub__(self, other: Self) -> Self:
        return type(self)(self.replicas - other.replicas, self.postgres - other.postgres, self.redis - other.redis)

    def a_look(self, looks: int) -> str:
        kinds = {"the replicas": self.replicas, "PostgreSQL": self.postgres, "Redis": self.redis}
        return ", ".join(f"{seconds / looks * 1000:.2f} ms {kind}" for kind, seconds in kinds.items())


def _spent(city: City, fleet: Fleet) -> _Spent:
    """PostgreSQL's are those that serve now; the replicas keep their connections."""
    pid = int(Path(city.postgres.server.pgdata, "postmaster.pid").read_text(encoding="ascii").split()[0])
    server = psutil.Process(pid)
    assert city.redis.process is not None
    return _Spent(
        sum(_cpu(replica.process) for replica in fleet.replicas),
        sum(_cpu(process) for process in [server, *server.children()]),
        _cpu(psutil.Process(city.redis.process.pid)),
    )


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


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
