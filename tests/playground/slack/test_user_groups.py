"""User groups, as slack_sdk's own client finds them."""

from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack.server import FakeSlack
from bot.playground.slack.world import S_ONCALL, S_SUPPORT, U_ANA, U_BEN, U_GONE, U_GRID, U_GUEST
from testing.small_bot import Clock, refusal_of


async def test_who_is_in_a_group(fake: FakeSlack, client: AsyncWebClient) -> None:
    assert (await client.usergroups_users_list(usergroup=S_SUPPORT))["users"] == [U_BEN, U_GRID]
    assert (await client.usergroups_users_list(usergroup=S_ONCALL))["users"] == [U_ANA, U_GUEST]
    everybody = await client.usergroups_users_list(usergroup=S_ONCALL, include_disabled=True)
    assert everybody["users"] == [U_ANA, U_GUEST, U_GONE]
    fake.groups[S_SUPPORT].remove(U_BEN)
    assert (await client.usergroups_users_list(usergroup=S_SUPPORT))["users"] == [U_GRID]
    assert fake.complaints == []


async def test_what_is_refused(fake: FakeSlack, client: AsyncWebClient) -> None:
    assert await refusal_of(client.usergroups_users_list(usergroup="S0NONE")) == "no_such_subteam"
    fake.scopes -= {"usergroups:read"}
    assert await refusal_of(client.usergroups_users_list(usergroup=S_SUPPORT)) == "missing_scope"


async def test_how_often(fake: FakeSlack, client: AsyncWebClient, clock: Clock) -> None:
    fake.limits = True
    for _ in range(20):
        await client.usergroups_users_list(usergroup=S_SUPPORT)
    assert await refusal_of(client.usergroups_users_list(usergroup=S_SUPPORT)) == "ratelimited"
    clock.now += 60
    await client.usergroups_users_list(usergroup=S_SUPPORT)
