"""Which notices pass the gate, which wait, and which are given up."""

from collections.abc import AsyncIterator, Sequence

import aiohttp
import pytest

from bot.access.audit.record import Outcome, Record
from bot.access.rights import Right, Rights, Rule
from bot.notices.messenger import Retryable, Undeliverable
from bot.notices.person import Person
from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.slack.world import E_HOME, S_ONCALL, S_SUPPORT, T_HOME, U_ANA, U_BEN
from bot.recording.task_ref import RtcApp
from bot.slack.authorization.authorizer import make_gate
from bot.slack.connection.client import make_slack
from bot.slack.connection.workspace import TokenHealth, Workspace
from bot.slack.delivery.authorized_messenger import AuthorizedMessenger
from bot.slack.delivery.dm_messenger import SlackMessenger
from testing.slack_notices import APP, NOW, notice

BOTH = frozenset({Right.LOOK_UP, Right.SUBSCRIBE})
OF_SUPPORT = Rule(BOTH, groups=frozenset({S_SUPPORT}))
FAILURES = ["500_before", "reset_before", "ratelimited", "missing_scope", "internal_error"]


class Book:
    """An AuditLog that is read at once."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def note(self, record: Record) -> None:
        self.records.append(record)

    async def keep(self, *records: Record) -> None:
        self.records.extend(records)


class Post:
    """The gate, and the Slack that it asks."""

    def __init__(self, slack: FakeSlack, session: aiohttp.ClientSession) -> None:
        self.slack = slack
        self.book = Book()
        self._client = make_slack(token=slack.bot_token, base_url=slack.api_url, session=session)

    def messenger(self, *rules: Rule, apps: Sequence[RtcApp] = ()) -> AuthorizedMessenger:
        workspace = Workspace(T_HOME, E_HOME, "U0BOT00001", None)
        gate = make_gate(
            self._client, workspace, rights=Rights(rules), per_minute=1, audit=self.book, clock=lambda: NOW, apps=apps
        )
        health = TokenHealth()
        return AuthorizedMessenger(SlackMessenger(self._client, health, clock=lambda: NOW, people=gate.people), gate)

    @property
    def outcomes(self) -> Sequence[Outcome]:
        return [record.outcome for record in self.book.records]


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with open_fake_slack(FakeSlack(limits=False)) as slack, aiohttp.ClientSession() as session:
        yield Post(slack, session)


BEN = Person(T_HOME, U_BEN)
ANA = Person(T_HOME, U_ANA)


async def test_who_is_in_the_group_is_told_and_who_is_not_never(post: Post) -> None:
    messenger = post.messenger(OF_SUPPORT)
    await messenger.check(notice(person=BEN))
    with pytest.raises(Undeliverable):
        await messenger.check(notice(person=ANA))
    assert post.outcomes == [Outcome.REFUSED]


@pytest.mark.parametrize("kind", FAILURES)
async def test_a_group_that_slack_does_not_tell_of_costs_nobody_their_notice(post: Post, kind: str) -> None:
    post.slack.fault("usergroups.users.list", kind, times=None)
    messenger = post.messenger(OF_SUPPORT)
    for person in (ANA, BEN):
        with pytest.raises(Retryable, match=S_SUPPORT) as failure:
            await messenger.check(notice(person=person))
        assert failure.value.after
    assert not post.outcomes


async def test_who_may_be_told_by_another_rule_waits_for_no_group(post: Post) -> None:
    post.slack.fault("usergroups.users.list", "500_before", times=None)
    await post.messenger(OF_SUPPORT, Rule(BOTH, users=frozenset({U_ANA}))).check(notice(person=ANA))


async def test_who_could_not_be_told_by_any_group_does_not_wait(post: Post) -> None:
    post.slack.fault("usergroups.users.list", "500_before", times=None)
    elsewhere = Rule(BOTH, groups=frozenset({S_ONCALL}), rooms=("another",))
    with pytest.raises(Undeliverable):
        await post.messenger(elsewhere).check(notice(person=BEN))


async def test_rules_name_an_app_as_it_is_configured_now(post: Post) -> None:
    of_production = Rule(BOTH, apps=frozenset({"production"}))
    await post.messenger(of_production, apps=[RtcApp("production", APP.app_id)]).check(notice())
    with pytest.raises(Undeliverable):
        await post.messenger(of_production, apps=[APP, RtcApp("production", "661f0000000000000000543c")]).check(
            notice()
        )
