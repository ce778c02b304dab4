"""The long runs of `make soak`, in small: real processes, killed, stopped, and racing.

Every day the same is proven with lives that end inside one process: in `test_boundaries.py`, `test_any_order.py`, and
`test_races.py` of the contracts.
"""

from pathlib import Path

import pytest

from testing.killed_workers import Plan, run
from testing.postgres import Postgres
from testing.subscribe_race import race

pytestmark = pytest.mark.slow


async def test_workers_that_are_killed_lose_no_notice_and_repeat_none(sqlite_url: str, tmp_path: Path) -> None:
    plan = Plan("kill", notices=40, every=1.0, lease=3.0)
    toll = await run(plan, sqlite_url, tmp_path)
    assert (toll.notices, toll.lost, toll.twice) == (40, 0, 0)
    assert toll.killed > 2


async def test_workers_that_stand_still_lose_no_notice(postgres: Postgres, tmp_path: Path) -> None:
    plan = Plan("stop", notices=60, every=0.7, lease=2.0)
    toll = await run(plan, postgres.create("stops"), tmp_path)
    assert (toll.notices, toll.lost) == (60, 0)
    assert toll.stopped > 0
    # Repeated only where the stop came between the last look and the socket, which is a matter of a millisecond.
    assert toll.twice <= 1


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_whoever_subscribes_at_the_moment_of_the_end_is_told(postgres: Postgres, tmp_path: Path, kind: str) -> None:
    url = f"sqlite:///{tmp_path / 'race.db'}" if kind == "sqlite" else postgres.create("races")
    tally = race(url, times=60)
    assert tally.by_neither == 0
    assert tally.by_card + tally.by_notice == 60
