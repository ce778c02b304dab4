"""What Slack has sent already: remembered for all who share the database, and not for ever."""

import asyncio

from testing.stores import MINUTE, SECOND, Stores

HOUR = 60 * MINUTE


async def test_the_first_one_is_told_so_and_nobody_after_it(stores: Stores, other: Stores) -> None:
    assert await stores.requests.is_first("a")
    assert not await stores.requests.is_first("a")
    assert not await other.requests.is_first("a")
    assert await other.requests.is_first("b")


async def test_of_many_at_once_one_is_the_first(stores: Stores, other: Stores) -> None:
    for key in "abcdefghij":
        asked = await asyncio.gather(*(each.requests.is_first(key) for each in (stores, other) * 5))
        assert asked.count(True) == 1


async def test_it_is_remembered_for_an_hour(stores: Stores) -> None:
    await stores.requests.is_first("a")
    stores.clock.move(HOUR - SECOND)
    await stores.requests.is_first("b")
    assert await stores.requests.forget(older_than=HOUR, at_most=9) == 0
    stores.clock.move(SECOND)
    assert await stores.requests.forget(older_than=HOUR, at_most=9) == 1
    assert await stores.requests.is_first("a")
    assert not await stores.requests.is_first("b")


async def test_forgetting_takes_so_many_at_a_time_the_oldest_first(stores: Stores) -> None:
    for key in "abc":
        await stores.requests.is_first(key)
        stores.clock.move(SECOND)
    stores.clock.move(HOUR)
    assert await stores.requests.forget(older_than=HOUR, at_most=2) == 2
    assert [row[0] for row in (await stores.rows())["requests"]] == ["c"]
    assert await stores.requests.forget(older_than=HOUR, at_most=2) == 1
