"""What was stored when an app had another name is told by the name that it has now."""

from collections.abc import AsyncIterator

import pytest

from bot.notices.completion import Occasion
from bot.recording.reading import Reading
from bot.storage.database import open_database
from testing.factories import SetClock
from testing.stores import ANN, APP, BOB, IS_OVER, LATER_START, RUNS, Stores, open_stores, reading, stores_of


@pytest.fixture
async def renamed(url: str, set_clock: SetClock) -> AsyncIterator[Stores]:
    """Where Ann was told and Bob watches, by readings that call the app `prod`."""
    async with open_stores(url, set_clock) as before:
        await before.subscribe(ANN)
        await before.conclude(Occasion.REPLACED, about=IS_OVER, newer=reading(start=LATER_START))
        await before.subscribe(BOB, reading(start=LATER_START))
    async with open_database(url, clock=set_clock, app_names={APP.app_id: "main", "6" * 24: "prod"}) as database:
        yield stores_of(database, set_clock)


def name_in(read: Reading | None) -> str:
    assert read is not None
    return read.task.ref.app.name


async def test_in_a_list(renamed: Stores) -> None:
    watched = await renamed.watched(ANN)
    assert (watched.ref.app.name, name_in(watched.seen)) == ("main", "main")


async def test_at_a_look(renamed: Stores) -> None:
    watched = (await renamed.claim_look()).watched
    assert (watched.ref.app.name, name_in(watched.seen)) == ("main", "main")


async def test_in_a_notice(renamed: Stores) -> None:
    told = (await renamed.claim_notice()).notice.completion
    assert (name_in(told.reading), name_in(told.newer)) == ("main", "main")


async def test_in_the_answer_to_who_comes_after_the_end(renamed: Stores) -> None:
    told = (await renamed.subscribe(BOB, RUNS)).completion
    assert told is not None
    assert name_in(told.reading) == "main"


async def test_an_app_that_is_not_configured_any_more_keeps_its_name(url: str, set_clock: SetClock) -> None:
    async with open_database(url, clock=set_clock, app_names={"6" * 24: "main"}) as database:
        stores = stores_of(database, set_clock)
        await stores.subscribe(ANN)
        assert (await stores.watched(ANN)).ref.app == APP
