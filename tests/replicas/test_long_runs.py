"""The long runs of `make soak` in small: whole replicas as processes, on a real PostgreSQL and a real Redis.

The half hour of all faults has no small version: a lease that outlives a death takes a minute and a half to run out.
"""

import re
from pathlib import Path

import pytest

from testing.killed_workers import Plan, run
from testing.postgres import Postgres, run_postgres
from testing.redis_server import run_redis
from testing.rolling_restart import rolling_restart
from testing.shared_pace import shared_pace
from testing.shared_round import shared_round

pytestmark = pytest.mark.slow

LIMIT = 60


@pytest.mark.parametrize("trouble", ["flush", "kill"])
async def test_three_processes_stay_within_the_limit_whatever_befalls_redis(trouble: str) -> None:
    assert figure("worst second ([0-9]+)", await shared_pace(trouble, seconds=4)) <= LIMIT


@pytest.mark.parametrize("trouble", ["stall", "stop"])
async def test_three_processes_stay_within_the_limit_whatever_delays_them(trouble: str) -> None:
    """A network that holds all back for a second, and replicas that stand still one after the other."""
    told = await shared_pace(trouble, seconds=4, away=1.0 if trouble == "stall" else 0.5)
    assert figure("worst second ([0-9]+)", told) <= LIMIT


async def test_no_notice_is_lost_or_seen_twice(tmp_path: Path) -> None:
    """With servers of its own, for they are restarted and flushed."""
    with run_postgres() as postgres, run_redis() as redis:
        plan = Plan("both", 40, workers=3, every=2.0, lease=3.0, redis=redis, postgres=postgres)
        toll = await run(plan, postgres.create("deaths"), tmp_path)
    assert (toll.lost, toll.twice) == (0, 0)


async def test_a_rolling_restart_fails_no_command(postgres: Postgres, tmp_path: Path) -> None:
    rolled, same = await rolling_restart(postgres, tmp_path, rounds=1, per_second=5)
    assert rolled.startswith("0 of ")
    assert ", 0 without a card" in rolled
    assert "exit code 0" in rolled
    assert figure("([0-9]+) requests to RTC", same) <= 3
    assert "0 of 100 failed" in same


async def test_a_round_of_several_replicas_asks_the_database_as_much_as_that_of_one(tmp_path: Path) -> None:
    """With a server of its own, whose log is counted."""
    with run_postgres() as postgres:
        told = await shared_round(postgres, tmp_path, tasks=100, replicas=2)
    assert figure("worst second ([0-9]+)", told) <= LIMIT
    assert figure("([0-9.]+) statements a look", told) < 7


def figure(pattern: str, told: str) -> float:
    found = re.search(pattern, told)
    assert found is not None, told
    return float(found[1])
