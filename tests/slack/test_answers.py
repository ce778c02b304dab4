"""Slack says ok and leaves something out: nothing is known, so nothing is shown, given up or closed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.notices.completion import Occasion
from bot.notices.messenger import OutcomeUnknown, Retryable
from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.slack.world import C_ONCALL, C_SHARED, E_HOME, S_ONCALL, T_HOME, U_ANA, U_BOT, Channel
from bot.slack.answers import AnswerIncomplete
from bot.slack.authorization.audience import Reach, audience_of
from bot.slack.authorization.group_members import Members
from bot.slack.authorization.user_groups import Groups
from bot.slack.authorization.users import People
from bot.slack.connection.auth import authenticate, check_app_token
from bot.slack.connection.client import Timeouts, make_slack
from bot.slack.connection.workspace import TokenHealth, Workspace
from bot.slack.delivery.dm_messenger import SlackMessenger
from testing.slack_notices import NOW, notice

HOME = Workspace(T_HOME, E_HOME, U_BOT, None)


@dataclass(frozen=True)
class Line:
    """A client of Slack, and the Slack that it reaches."""

    fake: FakeSlack
    slack: AsyncWebClient

    @property
    def messenger(self) -> SlackMessenger:
        return SlackMessenger(self.slack, TokenHealth(), clock=lambda: NOW)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    async with (
        open_fake_slack(FakeSlack(clock=NOW.timestamp, limits=False)) as fake,
        aiohttp.ClientSession() as session,
    ):
        yield Line(fake, make_slack(token=fake.bot_token, base_url=fake.api_url, session=session))


def spoilt(*fields: str, optional: tuple[str, ...] = ()) -> list[str]:
    """The faults for fields that have to be there, and for those that may be missing but not be anything."""
    always = [f"{how}:{field}" for field in ("ok", *fields) for how in ("lacking", "null", "odd")]
    return [*always, *(f"{how}:{field}" for field in optional for how in ("null", "odd"))]


USER = spoilt(
    *("user", "user.team_id", "user.deleted", "user.is_restricted", "user.is_ultra_restricted"),
    "user.enterprise_user.enterprise_id",
    optional=("user.enterprise_user",),
)
MESSAGES = spoilt(
    *("messages", "has_more", "messages.0.ts", "messages.0.metadata.event_type"),
    "messages.0.metadata.event_payload",
    optional=("messages.0", "messages.0.metadata"),
)


async def greeted(line: Line) -> object:
    return await authenticate(line.slack)


async def socket_address(line: Line) -> object:
    return await check_app_token(line.slack, line.fake.app_token)


async def who_it_is(line: Line) -> object:
    return await People().ask(U_ANA, line.slack)


async def who_is_in_the_group(line: Line) -> object:
    return await Members(line.slack, is_org_wide=False).of(S_ONCALL)


async def which_workspaces(line: Line) -> object:
    line.fake.world.is_org_wide = True
    return await Members(line.slack, is_org_wide=True).of(S_ONCALL)


async def who_sees_the_channel(line: Line) -> object:
    return await audience_of(line.slack, HOME, C_ONCALL)


@pytest.mark.parametrize(
    ("asked", "method", "kind"),
    [
        *((greeted, "auth.test", kind) for kind in spoilt("team_id", "user_id", "bot_id")),
        *((socket_address, "apps.connections.open", kind) for kind in spoilt("url")),
        *((who_it_is, "users.info", kind) for kind in USER),
        *((who_is_in_the_group, "usergroups.users.list", kind) for kind in spoilt("users", optional=("users.0",))),
        *((which_workspaces, "auth.teams.list", kind) for kind in spoilt("teams", "teams.0.id")),
        *(
            (who_sees_the_channel, "conversations.info", kind)
            for kind in spoilt(
                *("channel", "channel.is_ext_shared", "channel.is_pending_ext_shared", "channel.is_org_shared")
            )
        ),
    ],
)
async def test_an_answer_that_lacks_something_is_none_and_the_next_one_counts(
    line: Line, asked: Callable[[Line], Awaitable[object]], method: str, kind: str
) -> None:
    line.fake.fault(method, kind)
    with pytest.raises(AnswerIncomplete, match=method.replace(".", r"\.")):
        await asked(line)
    assert await asked(line)


@pytest.mark.parametrize("kind", USER)
async def test_a_notice_waits_until_slack_says_who_somebody_is(line: Line, kind: str) -> None:
    line.fake.fault("users.info", kind)
    messenger = line.messenger
    with pytest.raises(Retryable) as failure:
        await messenger.check(notice())
    assert failure.type is Retryable, "no verdict about the person, nor about Slack as a whole"
    await messenger.check(notice())


@pytest.mark.parametrize("kind", spoilt("users", optional=("users.0",)))
async def test_a_group_whose_members_are_left_out_is_not_known(line: Line, kind: str) -> None:
    line.fake.fault("usergroups.users.list", kind)
    groups = Groups(line.slack, {S_ONCALL})
    assert await groups.of(U_ANA) == frozenset()
    assert groups.not_known == {S_ONCALL}


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        *(("conversations.open", kind) for kind in spoilt("channel", "channel.id")),
        *(("conversations.history", kind) for kind in MESSAGES),
    ],
)
async def test_a_notice_that_cannot_be_looked_for_is_looked_for_again(line: Line, method: str, kind: str) -> None:
    messenger = line.messenger
    place = await messenger.post(notice())
    line.fake.fault(method, kind)
    with pytest.raises(Retryable) as failure:
        await messenger.find(notice())
    assert failure.type is Retryable
    assert await messenger.find(notice()) == place


@pytest.mark.parametrize("kind", MESSAGES)
async def test_so_is_one_in_a_thread(line: Line, kind: str) -> None:
    messenger = line.messenger
    late = notice(Occasion.FILES, original=await messenger.post(notice()))
    place = await messenger.post(replace(late, key="late"))
    # The parent comes first and has a key of its own.
    line.fake.fault("conversations.replies", kind)
    with pytest.raises(Retryable) as failure:
        await messenger.find(replace(late, key="late"))
    assert failure.type is Retryable
    assert await messenger.find(replace(late, key="late")) == place


@pytest.mark.parametrize("kind", spoilt("channel", "ts"))
async def test_a_post_whose_place_is_left_out_is_in_doubt_and_found(line: Line, kind: str) -> None:
    messenger = line.messenger
    line.fake.fault("chat.postMessage", kind)
    with pytest.raises(OutcomeUnknown):
        await messenger.post(notice())
    (message,) = line.fake.messages
    found = await messenger.find(notice())
    assert found is not None
    assert found.ts == message.ts


@pytest.mark.parametrize("kind", spoilt())
async def test_a_change_that_is_not_confirmed_is_made_again(line: Line, kind: str) -> None:
    """To change a message any number of times comes to the same."""
    messenger = line.messenger
    late = replace(notice(Occasion.FILES, original=await messenger.post(notice())), key="late")
    line.fake.fault("chat.update", kind)
    with pytest.raises(Retryable) as failure:
        await messenger.post(late)
    assert failure.type is Retryable
    assert len(line.fake.messages) == 1
    await messenger.post(late)
    assert len(line.fake.messages) == 2


async def test_more_without_a_cursor_is_no_end(line: Line) -> None:
    messenger = line.messenger
    for number in range(201):
        await messenger.post(replace(notice(), key=f"other-{number}"))
    for kind in ("lacking:response_metadata", "null:response_metadata.next_cursor", "odd:response_metadata"):
        line.fake.fault("conversations.history", kind)
        with pytest.raises(Retryable):
            await messenger.find(notice())


@pytest.mark.parametrize(
    ("channel", "reach"),
    [
        (Channel(C_ONCALL, "oncall", [U_ANA]), Reach.OURS),
        (Channel(C_ONCALL, "oncall", [U_ANA], is_ext_shared=True), Reach.OUTSIDE),
        (Channel(C_ONCALL, "oncall", [U_ANA], is_pending_ext_shared=True), Reach.OUTSIDE),
        (Channel(C_ONCALL, "oncall", [U_ANA], is_org_shared=True), Reach.ORGANISATION),
        (Channel(C_ONCALL, "oncall", [U_ANA], is_org_shared=True, is_ext_shared=True), Reach.OUTSIDE),
    ],
)
async def test_who_sees_a_channel(line: Line, channel: Channel, reach: Reach) -> None:
    line.fake.channels[C_ONCALL] = channel
    assert (await audience_of(line.slack, HOME, C_ONCALL)).reach is reach


async def test_an_app_of_the_whole_organization_has_nobody_else_in_it(line: Line) -> None:
    line.fake.channels[C_ONCALL] = Channel(C_ONCALL, "oncall", [U_ANA], is_org_shared=True)
    assert (await audience_of(line.slack, replace(HOME, is_org_wide=True), C_ONCALL)).reach is Reach.OURS


async def test_direct_messages_with_the_bot_are_seen_by_nobody_else(line: Line) -> None:
    channel = line.fake.world.dm_with(U_ANA).id
    assert (await audience_of(line.slack, HOME, channel)).reach is Reach.OURS


async def test_the_others_are_named(line: Line) -> None:
    audience = await audience_of(line.slack, HOME, C_SHARED)
    assert (audience.channel, audience.others) == ("shared", ("T0OTHER001",))


async def test_every_call_has_a_time_limit(line: Line) -> None:
    session = line.slack.session
    assert session is not None
    brief = Timeouts(call=0.05, upload=5.0)
    slack = make_slack(token=line.fake.bot_token, base_url=line.fake.api_url, session=session, patience=brief)
    line.fake.fault("*", "timeout_before", times=None)
    calls: list[Callable[[], Awaitable[object]]] = [
        slack.auth_test,
        lambda: slack.users_info(user=U_ANA),
        lambda: slack.conversations_info(channel=C_ONCALL),
        lambda: slack.chat_postMessage(channel=C_ONCALL, text="x"),
        lambda: slack.views_publish(user_id=U_ANA, view={"type": "home", "blocks": []}),
    ]
    for call in calls:
        with pytest.raises(TimeoutError):
            await call()
