"""Who people are and which groups they are in: asked once, remembered for a while, forgotten when something changes."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from structlog.typing import EventDict

from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.slack.world import (
    E_HOME,
    S_ONCALL,
    S_SUPPORT,
    T_GRID,
    T_HOME,
    U_ANA,
    U_BEN,
    U_GONE,
    U_GRID,
    U_GUEST,
    U_SINGLE,
    U_STRANGER,
)
from bot.slack.authorization.group_members import GroupNotThere, Members
from bot.slack.authorization.user_groups import Groups
from bot.slack.authorization.users import People
from bot.slack.connection.client import make_slack
from bot.slack.connection.workspace import Workspace
from bot.slack.errors import ProfileOvertaken

HOME = Workspace(T_HOME, E_HOME, "U0BOT00001", None)
ALONE = Workspace(T_HOME, None, "U0BOT00001", None)


class Timer:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def fake() -> AsyncIterator[FakeSlack]:
    async with open_fake_slack(FakeSlack()) as opened:
        yield opened


@pytest.fixture
async def slack(fake: FakeSlack) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession() as session:
        yield make_slack(token=fake.bot_token, base_url=fake.api_url, session=session)


def calls(fake: FakeSlack, method: str = "users.info") -> int:
    return sum(1 for call in fake.calls if call.method == method)


@pytest.mark.parametrize(
    ("user", "workspace", "is_ours", "is_guest"),
    [
        (U_ANA, HOME, True, False),
        (U_ANA, ALONE, True, False),
        (U_GUEST, HOME, True, True),
        (U_SINGLE, HOME, True, True),
        (U_GRID, HOME, True, False),
        (U_GRID, ALONE, False, False),
        (U_STRANGER, HOME, False, False),
        (U_STRANGER, ALONE, False, False),
        (U_GONE, HOME, False, False),
        ("U0NOBODY01", HOME, False, False),
    ],
)
async def test_who_is_who(
    slack: AsyncWebClient, user: str, workspace: Workspace, *, is_ours: bool, is_guest: bool
) -> None:
    profile = await People().ask(user, slack)
    assert (profile.user_id, profile.belongs_to(workspace), profile.is_guest) == (user, is_ours, is_guest)


async def test_asked_once_however_many_want_to_know_and_again_after_ten_minutes(
    fake: FakeSlack, slack: AsyncWebClient
) -> None:
    timer = Timer()
    people = People(timer=timer)
    await asyncio.gather(*(people.ask(U_ANA, slack) for _ in range(300)))
    assert calls(fake) == 1
    assert people.recall(U_ANA) is not None
    timer.now = 600
    assert people.recall(U_ANA) is None
    await people.ask(U_ANA, slack)
    assert calls(fake) == 2


async def test_a_change_and_who_is_gone_are_asked_anew(fake: FakeSlack, slack: AsyncWebClient) -> None:
    people = People()
    assert not (await people.ask(U_BEN, slack)).is_guest
    fake.people[U_BEN].is_restricted = True
    people.forget(U_BEN)
    assert (await people.ask(U_BEN, slack)).is_guest
    for _ in range(2):
        assert (await people.ask(U_GONE, slack)).is_gone
    assert calls(fake) == 4


async def test_a_failure_is_passed_on_and_not_remembered(fake: FakeSlack, slack: AsyncWebClient) -> None:
    people = People()
    fake.fault("users.info", "ratelimited")
    with pytest.raises(SlackApiError):
        await people.ask(U_ANA, slack)
    assert not (await people.ask(U_ANA, slack)).is_guest


async def test_an_answer_that_was_on_its_way_when_somebody_changed_is_not_believed(
    fake: FakeSlack, slack: AsyncWebClient
) -> None:
    people = People()
    fake.fault("users.info", "slow_after", seconds=0.2)  # it is carried out first: Slack tells how it was
    asking = [asyncio.create_task(people.ask(U_BEN, slack)) for _ in range(3)]
    await fake.wait_for(lambda: calls(fake) == 1)
    fake.people[U_BEN].is_restricted = True
    people.forget(U_BEN)
    assert all(profile.is_guest for profile in await asyncio.gather(*asking))
    known = people.recall(U_BEN)
    assert known is not None
    assert known.is_guest
    assert calls(fake) == 2


async def test_who_changes_again_and_again_is_not_known(fake: FakeSlack, slack: AsyncWebClient) -> None:
    people = People()
    fake.fault("users.info", "slow_after", seconds=0.05, times=None)
    asking = asyncio.create_task(people.ask(U_BEN, slack))
    for number in (1, 2, 3):
        await fake.wait_for(lambda number=number: calls(fake) == number)  # type: ignore[misc]  # bound at once
        people.forget(U_BEN)
    with pytest.raises(ProfileOvertaken):
        await asking
    assert people.recall(U_BEN) is None


async def test_who_stops_waiting_spoils_it_for_nobody(fake: FakeSlack, slack: AsyncWebClient) -> None:
    people = People()
    fake.fault("users.info", "slow_before", seconds=0.1)
    first, second = (asyncio.create_task(people.ask(U_ANA, slack)) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    assert (await second).user_id == U_ANA
    assert calls(fake) == 1


class TestGroups:
    async def test_without_any_slack_is_never_asked(self, fake: FakeSlack, slack: AsyncWebClient) -> None:
        groups = Groups(slack, ())
        assert groups.recall(U_ANA) == await groups.of(U_ANA) == frozenset()
        assert calls(fake, "usergroups.users.list") == 0

    async def test_asked_once_for_all_and_again_after_five_minutes(
        self, fake: FakeSlack, slack: AsyncWebClient
    ) -> None:
        timer = Timer()
        groups = Groups(slack, {S_ONCALL, S_SUPPORT}, timer=timer)
        assert groups.recall(U_BEN) is None
        found = await asyncio.gather(*(groups.of(user) for user in (U_ANA, U_BEN, U_STRANGER)))
        assert found == [{S_ONCALL}, {S_SUPPORT}, set()]
        assert calls(fake, "usergroups.users.list") == 2
        fake.groups[S_SUPPORT].remove(U_BEN)
        timer.now = 299
        assert groups.recall(U_BEN) == frozenset({S_SUPPORT})
        timer.now = 300
        assert groups.recall(U_BEN) is None
        assert await groups.of(U_BEN) == frozenset()

    async def test_what_slack_does_not_tell_is_as_it_told_last_for_an_hour(
        self, fake: FakeSlack, slack: AsyncWebClient, logged: list[EventDict]
    ) -> None:
        timer = Timer()
        groups = Groups(slack, {S_SUPPORT, "S0NOSUCH01"}, timer=timer)
        assert await groups.of(U_BEN) == {S_SUPPORT}
        assert groups.not_known == frozenset()  # that a group is not there is an answer
        timer.now = 300
        fake.scopes -= {"usergroups:read"}
        for timer.now in (300, 330, 3599):
            assert await groups.of(U_BEN) == {S_SUPPORT}
            assert groups.not_known == {S_SUPPORT, "S0NOSUCH01"}
        timer.now = 3630
        assert await groups.of(U_BEN) == frozenset()
        fake.scopes |= {"usergroups:read"}
        timer.now = 3660
        assert await groups.of(U_BEN) == {S_SUPPORT}
        assert groups.not_known == frozenset()
        said = [(event["event"], event["group"], event.get("error")) for event in logged]
        assert said == [
            ("group.not_known", "S0NOSUCH01", "no_such_subteam"),
            ("group.not_known", S_SUPPORT, "missing_scope"),
            ("group.known_again", S_SUPPORT, None),
        ]

    async def test_of_what_slack_never_told_nobody_is_a_member(self, fake: FakeSlack, slack: AsyncWebClient) -> None:
        fake.fault("usergroups.users.list", "reset_before", times=None)
        groups = Groups(slack, {S_SUPPORT})
        assert await groups.of(U_BEN) == frozenset()
        assert groups.not_known == {S_SUPPORT}


class TestGroupsOfAnOrganization:
    """The token of an app that is installed for an organization is of no single workspace."""

    @pytest.fixture(autouse=True)
    def is_org_wide(self, fake: FakeSlack) -> None:
        fake.world.is_org_wide = True
        fake.limits = None

    @pytest.mark.parametrize("team", [T_HOME, T_GRID])
    async def test_a_group_is_found_in_whichever_workspace_it_is(
        self, fake: FakeSlack, slack: AsyncWebClient, team: str
    ) -> None:
        fake.world.group_teams[S_SUPPORT] = team
        members = Members(slack, is_org_wide=True)
        assert await members.of(S_SUPPORT) == {U_BEN, U_GRID}
        asked = len(fake.calls)
        assert await members.of(S_SUPPORT) == {U_BEN, U_GRID}
        assert len(fake.calls) == asked + 1, "its workspace is remembered"
        fake.world.group_teams[S_SUPPORT] = {T_HOME: T_GRID, T_GRID: T_HOME}[team]
        assert await members.of(S_SUPPORT) == {U_BEN, U_GRID}
        assert not fake.complaints

    async def test_without_the_workspace_slack_refuses(self, slack: AsyncWebClient) -> None:
        groups = Groups(slack, {S_SUPPORT})
        assert await groups.of(U_BEN) == frozenset()
        assert groups.not_known == {S_SUPPORT}
        groups = Groups(slack, {S_SUPPORT}, is_org_wide=True)
        assert await groups.of(U_BEN) == {S_SUPPORT}

    async def test_a_group_that_is_nowhere(self, slack: AsyncWebClient) -> None:
        with pytest.raises(GroupNotThere):
            await Members(slack, is_org_wide=True).of("S0NOSUCH01")

    async def test_a_workspace_that_cannot_be_asked_matters_only_where_the_group_is_in_no_other(
        self, fake: FakeSlack, slack: AsyncWebClient
    ) -> None:
        fake.fault("usergroups.users.list", "team_access_not_granted")
        assert await Members(slack, is_org_wide=True).of(S_SUPPORT) == {U_BEN, U_GRID}
        fake.fault("usergroups.users.list", "team_access_not_granted")
        with pytest.raises(SlackApiError, match="team_access_not_granted"):
            await Members(slack, is_org_wide=True).of("S0NOSUCH01")

    async def test_a_search_goes_on_where_a_rate_limit_broke_it_off(
        self, fake: FakeSlack, slack: AsyncWebClient
    ) -> None:
        fake.world.org_teams = [*(f"T0EMPTY{number:03}" for number in range(30)), T_HOME]
        members = Members(slack, is_org_wide=True)
        fake.limits = True
        with pytest.raises(SlackApiError, match="ratelimited"):
            await members.of(S_SUPPORT)
        fake.limits = None
        before = calls(fake, "usergroups.users.list")
        assert await members.of(S_SUPPORT) == {U_BEN, U_GRID}
        assert calls(fake, "usergroups.users.list") - before < 20

    async def test_many_workspaces_come_in_pages(self, fake: FakeSlack, slack: AsyncWebClient) -> None:
        fake.world.org_teams = [*(f"T{number:09}" for number in range(1_200)), T_HOME]
        found = [team async for team in Members(slack, is_org_wide=True).teams()]
        assert found == fake.world.org_teams
