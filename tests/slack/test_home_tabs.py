"""Home tabs kept up to date: several changes are one publication, and no trouble with one stops the others."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
import pytest
from structlog.typing import EventDict

from bot.notices.person import Person
from bot.notices.store import DatabaseUnavailable
from bot.notices.subscription import Entry
from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.slack.world import T_HOME, U_ANA, U_BEN
from bot.slack.connection.client import make_slack
from bot.slack.home_tabs import HomeTabPublisher
from testing.slack_notices import ANA, NOW, entry

BEN = Person(T_HOME, U_BEN)


class Store:
    """As much of one as home tabs need."""

    def __init__(self) -> None:
        self.opened = {ANA, BEN}
        self.trouble: Exception | None = None

    async def listed(self, _person: Person, *, limit: int) -> Sequence[Entry]:
        assert limit
        return [entry()]

    async def note_home(self, person: Person) -> None:
        self.opened.add(person)

    async def has_home(self, person: Person) -> bool:
        if self.trouble is not None:
            trouble, self.trouble = self.trouble, None
            raise trouble
        return person in self.opened


class Hall:
    """Home tabs, and the pauses that they make, which take no time."""

    def __init__(self) -> None:
        self.slack = FakeSlack()
        self.store = Store()
        self.pauses: list[float] = []
        self.homes: HomeTabPublisher

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    def published(self) -> int:
        return sum(1 for call in self.slack.calls if call.method == "views.publish")


@asynccontextmanager
async def open_hall() -> AsyncIterator[Hall]:
    hall = Hall()
    async with open_fake_slack(hall.slack) as fake, aiohttp.ClientSession() as session:
        slack = make_slack(token=fake.bot_token, base_url=fake.api_url, session=session)
        store = hall.store
        async with HomeTabPublisher(slack, store, store, clock=lambda: NOW, sleep=hall.sleep) as hall.homes:  # type: ignore[arg-type]
            yield hall


async def test_several_changes_are_one_publication() -> None:
    async with open_hall() as hall:
        for _ in range(10):
            hall.homes.refresh(ANA)
        hall.homes.refresh(BEN)
        await hall.slack.wait_for(lambda: hall.slack.home_for(U_BEN))
        assert hall.published() == 2
        hall.homes.refresh(ANA)
        await hall.slack.wait_for(lambda: hall.published() == 3)


async def test_who_has_not_opened_theirs_is_left_alone() -> None:
    async with open_hall() as hall:
        hall.store.opened.remove(ANA)
        hall.homes.refresh(ANA)
        hall.homes.refresh(BEN)
        await hall.slack.wait_for(lambda: hall.slack.home_for(U_BEN))
        assert hall.slack.home_for(U_ANA) is None


@pytest.mark.parametrize(
    "kind",
    [
        *("500_before", "reset_before", "some_new_error", "user_not_found"),
        *("html_before", "cut_before", "lacking:ok", "null:ok", "odd:ok"),
    ],
)
async def test_trouble_with_one_is_logged_and_stops_no_other(logged: list[EventDict], kind: str) -> None:
    async with open_hall() as hall:
        hall.slack.fault("views.publish", kind)
        hall.homes.refresh(ANA)
        hall.homes.refresh(BEN)
        await hall.slack.wait_for(lambda: hall.slack.home_for(U_BEN))
        assert [event["event"] for event in logged] == ["home.not_published"]


@pytest.mark.parametrize(
    ("trouble", "said"), [(DatabaseUnavailable("gone"), []), (ValueError("a fault of our own"), ["home.not_published"])]
)
async def test_trouble_with_the_store_stops_nothing(
    logged: list[EventDict], trouble: Exception, said: list[str]
) -> None:
    async with open_hall() as hall:
        hall.store.trouble = trouble
        hall.homes.refresh(ANA)
        hall.homes.refresh(BEN)
        await hall.slack.wait_for(lambda: hall.slack.home_for(U_BEN))
        assert [event["event"] for event in logged] == said


async def test_a_pause_that_slack_asks_for_is_made_and_nothing_is_lost() -> None:
    async with open_hall() as hall:
        hall.slack.fault("views.publish", "ratelimited", retry_after=7)
        hall.homes.refresh(ANA)
        await hall.slack.wait_for(lambda: hall.slack.home_for(U_ANA))
        assert 7.0 in hall.pauses
        hall.slack.fault("views.publish", "ratelimited", retry_after=7_000)
        hall.homes.refresh(ANA)
        await hall.slack.wait_for(lambda: hall.published() == 4)
        assert max(hall.pauses) == 60.0
