"""Slack tells one replica that somebody has changed; the others know within a second."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.access.changes import ProfileChanges
from bot.notices.store import DatabaseUnavailable
from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.slack.world import T_GRID, T_HOME, U_ANA, U_BEN
from bot.slack.authorization.profile_changes import Hearsay
from bot.slack.authorization.users import UNHEARD_FOR, People
from bot.slack.connection.client import make_slack
from bot.storage.database import open_database
from bot.storage.profile_changes import SqlProfileChanges
from testing.databases import Pair
from testing.stores import NOON, Stores
from tests.slack.authorization.test_users import Timer

SECOND = timedelta(seconds=1)


@dataclass
class Replica:
    people: People
    hearsay: Hearsay
    slack: AsyncWebClient

    async def takes_for_guest(self, user: str) -> bool:
        return (await self.people.ask(user, self.slack)).is_guest


@pytest.fixture
async def fake() -> AsyncIterator[FakeSlack]:
    async with open_fake_slack(FakeSlack(limits=False)) as opened:
        yield opened


def replica(fake: FakeSlack, session: aiohttp.ClientSession, changes: ProfileChanges, timer: Timer) -> Replica:
    people = People(timer=timer)
    people.heard()
    slack = make_slack(token=fake.bot_token, base_url=fake.api_url, session=session)
    return Replica(people, Hearsay(people, changes, timer=timer), slack)


@asynccontextmanager
async def two_replicas(fake: FakeSlack, one: Stores, other: Stores) -> AsyncIterator[tuple[Replica, Replica]]:
    timer = Timer()
    async with aiohttp.ClientSession() as session:
        first, second = (
            replica(fake, session, SqlProfileChanges(stores.database, T_HOME), timer) for stores in (one, other)
        )
        yield first, second


async def test_the_other_replica_asks_anew(fake: FakeSlack, stores: Stores, other: Stores) -> None:
    async with two_replicas(fake, stores, other) as (first, second):
        assert not await first.takes_for_guest(U_BEN)
        assert not await second.takes_for_guest(U_BEN)
        assert not await second.takes_for_guest(U_ANA)
        fake.people[U_BEN].is_restricted = True
        first.people.note_change(U_BEN)
        assert await first.takes_for_guest(U_BEN)
        await first.hearsay.round()
        await second.hearsay.round()
        assert second.people.recall(U_BEN) is None
        assert second.people.recall(U_ANA) is not None
        assert await second.takes_for_guest(U_BEN)
        asked = len(fake.calls)
        await second.hearsay.round()
        assert await second.takes_for_guest(U_BEN)
        assert len(fake.calls) == asked, "the same change is heard once"


async def test_a_second_change_is_heard_too(fake: FakeSlack, stores: Stores, other: Stores, pair: Pair) -> None:
    async with two_replicas(fake, stores, other) as (first, second):
        for is_guest in (True, False):
            fake.people[U_BEN].is_restricted = is_guest
            first.people.note_change(U_BEN)
            await first.hearsay.round()
            await second.hearsay.round()
            assert await second.takes_for_guest(U_BEN) is is_guest
            pair.clock.move(SECOND)


async def test_what_another_workspace_hears_is_its_own(stores: Stores) -> None:
    await SqlProfileChanges(stores.database, T_GRID).note({U_BEN})
    assert await SqlProfileChanges(stores.database, T_HOME).recent(within=SECOND) == {}


async def test_what_everybody_has_heard_is_deleted(stores: Stores, pair: Pair) -> None:
    changes = SqlProfileChanges(stores.database, T_HOME)
    await changes.note({f"U{number:05}" for number in range(1_200)})
    assert len(await changes.recent(within=SECOND)) == 1_200
    pair.clock.move(timedelta(minutes=30))
    await changes.note({U_BEN})
    assert await changes.recent(within=SECOND) == {U_BEN: NOON + timedelta(minutes=30)}
    pair.clock.move(timedelta(minutes=30))
    await changes.forget(older_than=timedelta(hours=1))
    assert list(await changes.recent(within=timedelta(days=1))) == [U_BEN]


async def test_while_nothing_can_be_heard_memory_is_good_for_a_moment_only(fake: FakeSlack, tmp_path: Path) -> None:
    """And what was to be passed on is passed on later."""
    path = tmp_path / "no-database.db"
    path.write_text("This is no database.")
    async with open_database(f"sqlite:///{path}") as gone, aiohttp.ClientSession() as session:
        timer = Timer()
        alone = replica(fake, session, SqlProfileChanges(gone, T_HOME), timer)
        assert not await alone.takes_for_guest(U_BEN)
        alone.people.note_change(U_ANA)
        with pytest.raises(DatabaseUnavailable):
            await alone.hearsay.round()
        assert alone.people.take_changed() == {U_ANA}
        timer.now = UNHEARD_FOR.total_seconds() - 1
        assert alone.people.recall(U_BEN) is not None
        timer.now += 1
        assert alone.people.recall(U_BEN) is None
        assert not await alone.takes_for_guest(U_BEN)
        assert alone.people.recall(U_BEN) is not None


async def test_it_goes_on_by_itself_and_says_what_is_left_at_the_end(
    fake: FakeSlack, stores: Stores, other: Stores
) -> None:
    async with two_replicas(fake, stores, other) as (first, second):
        async with first.hearsay:
            first.people.note_change(U_ANA)
        assert not await second.takes_for_guest(U_ANA)
        fake.people[U_ANA].is_restricted = True
        async with second.hearsay:
            await fake.wait_for(lambda: True)
            await second.hearsay.round()
        assert await second.takes_for_guest(U_ANA)
