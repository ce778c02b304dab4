"""Looks that stand still: told where somebody looks, with a clock that can be set and a real database."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from bot.app.health import Readiness
from bot.app.http_server import Door, open_web
from bot.notices.store import STANDS_STILL_AFTER, Farthest
from bot.runtime.supervision import Supervisor
from bot.storage.database import open_database
from testing.factories import SetClock
from testing.stores import LEASE, MINUTE, RUNS, SECOND, stores_of

HOUR = timedelta(hours=1)
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


async def scrape(_accept: str) -> tuple[bytes, str]:
    return b"", "text/plain"


async def all_is_well() -> dict[str, bool]:
    return {"store": True}


async def test_looks_that_stand_still_are_a_warning_and_no_reason_to_go_elsewhere(tmp_path: Path) -> None:
    clock = SetClock(NOON)
    async with open_database(f"sqlite:///{tmp_path / 'rectask.db'}", clock=clock) as database:
        await database.prepare()
        stores = stores_of(database, clock)
        readiness = Readiness(Supervisor(), upkeep=stores.upkeep)
        web = open_web(
            host="127.0.0.1",
            port=0,
            door=Door(),
            checks=all_is_well,
            warnings=readiness.warnings,
            scrape=scrape,
        )
        async with web as port, aiohttp.ClientSession() as session:

            async def told() -> tuple[int, dict[str, bool]]:
                async with session.get(f"http://127.0.0.1:{port}/readyz") as response:
                    return response.status, (await response.json())["warnings"]

            assert await told() == (200, {"looks": True})
            await stores.subscribe()
            clock.move(STANDS_STILL_AFTER - SECOND)
            assert await told() == (200, {"looks": True})
            clock.move(SECOND)
            assert await told() == (200, {"looks": False})
            look = await stores.claim_look()
            await stores.looks.note_failure(look, "RTC is away.", next_look=MINUTE)
            assert await told() == (200, {"looks": True})


async def test_what_a_clock_ahead_has_left_behind_is_told_until_it_is_looked_at(tmp_path: Path) -> None:
    clock = SetClock(NOON)
    async with open_database(f"sqlite:///{tmp_path / 'rectask.db'}", clock=clock) as database:
        await database.prepare()
        stores = stores_of(database, clock)
        readiness = Readiness(Supervisor(), upkeep=stores.upkeep)
        clock.move(HOUR)
        await stores.subscribe()
        clock.move(-HOUR)
        assert await stores.due_times.pull_in(Farthest(look=5 * MINUTE, notice=HOUR, lease=LEASE)) == 1
        clock.move(STANDS_STILL_AFTER)
        assert await readiness.warnings() == {"looks": False}
        await stores.looks.note(await stores.claim_look(), RUNS, next_look=MINUTE, waiting_since=None)
        assert await readiness.warnings() == {"looks": True}


async def test_a_database_that_does_not_answer_is_the_check_of_the_store_alone() -> None:
    assert await Readiness(Supervisor()).warnings() == {"looks": True}
