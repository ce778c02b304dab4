"""Notices as direct messages, over HTTP against the stand-in: what arrives, and what each of its failures means."""

import dataclasses
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st
from structlog.typing import EventDict

from bot.notices.completion import Completion, Occasion
from bot.notices.messenger import (
    AppNotAuthorized,
    DeliveryError,
    OutcomeUnknown,
    RecipientGone,
    Retryable,
    SlackUnavailable,
    Undeliverable,
    Unexpected,
)
from bot.notices.notice import MessageRef
from bot.notices.person import Person
from bot.playground.slack.server import FakeSlack, open_fake_slack
from bot.playground.slack.world import T_HOME, U_ANA, U_BOT, U_GONE, U_GUEST, U_STRANGER, Message
from bot.slack.answers import AnswerIncomplete, History
from bot.slack.authorization.users import PROFILE_TTL
from bot.slack.connection.client import Timeouts, make_slack
from bot.slack.connection.workspace import TokenHealth
from bot.slack.delivery.dm_messenger import SlackMessenger, key_in, open_messenger
from testing.slack_notices import NOW, ended_reading, huge_reading, notice

DM = f"D{U_ANA[1:]}"


class Timer:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Post:
    """A messenger, and the Slack that it writes to."""

    def __init__(self, slack: FakeSlack, session: aiohttp.ClientSession) -> None:
        self.slack = slack
        self.health = TokenHealth()
        self.timer = Timer()
        client = make_slack(token=slack.bot_token, base_url=slack.api_url, session=session)
        self.messenger = SlackMessenger(client, self.health, clock=lambda: NOW, timer=self.timer)

    @property
    def said(self) -> list[Message]:
        return self.slack.messages

    def calls(self, method: str) -> int:
        return sum(1 for call in self.slack.calls if call.method == method)


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    patience = aiohttp.ClientTimeout(total=0.3)
    async with (
        open_fake_slack(FakeSlack(clock=NOW.timestamp, limits=False)) as slack,
        aiohttp.ClientSession(timeout=patience) as session,
    ):
        yield Post(slack, session)


async def test_a_notice_is_a_direct_message_that_is_found_again_by_its_key(post: Post) -> None:
    told = notice()
    assert await post.messenger.find(told) is None
    place = await post.messenger.post(told)
    (message,) = post.said
    assert (place, message.channel, message.ephemeral_to) == (MessageRef(DM, message.ts), DM, None)
    assert message.metadata == {"event_type": "rectask_notice", "event_payload": {"key": told.key}}
    assert (message.unfurl_links, message.unfurl_media) == (False, False)
    assert await post.messenger.find(told) == place
    assert await post.messenger.find(dataclasses.replace(told, key="another")) is None
    assert not post.slack.complaints


def stands(post: Post, key: str) -> None:
    """Another notice stands in the conversation."""
    world = post.slack.world
    metadata = {"event_type": "rectask_notice", "event_payload": {"key": key}}
    world.post(Message(world.next_ts(), world.dm_with(U_ANA).id, U_BOT, "Another one", [], metadata=metadata))


async def test_it_is_found_on_whichever_page_it_stands(post: Post) -> None:
    told = notice()
    for number in range(220):
        stands(post, f"before-{number}")
    place = await post.messenger.post(told)
    for number in range(220):
        stands(post, f"after-{number}")
    assert await post.messenger.find(told) == place
    assert post.calls("conversations.history") in (2, 3)


async def test_a_look_that_takes_too_long_is_for_another_time(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.slack.delivery.dm_messenger.FOUND_WITHIN", timedelta(seconds=0.25))
    world = post.slack.world
    for _ in range(450):
        world.post(Message(world.next_ts(), world.dm_with(U_ANA).id, U_ANA, "", []))
    post.slack.fault("conversations.history", "slow_before", times=3, seconds=0.1)
    with pytest.raises(Retryable, match="takes its time"):
        await post.messenger.find(notice())


async def test_what_stands_there_since_long_before_is_not_looked_through(post: Post) -> None:
    told = notice()
    await post.messenger.post(told)
    assert await post.messenger.find(dataclasses.replace(told, queued_at=NOW + timedelta(minutes=6))) is None


@pytest.mark.parametrize("occasion", [o for o in Occasion if o is not Occasion.FILES])
async def test_every_occasion_is_taken_by_slack(post: Post, occasion: Occasion) -> None:
    await post.messenger.post(notice(occasion))
    assert len(post.said) == 1
    assert not post.slack.refusals


async def test_late_files_change_the_message_and_answer_in_its_thread(post: Post) -> None:
    original = await post.messenger.post(notice(Completion(Occasion.ENDED, NOW, ended_reading(files=()))))
    late = dataclasses.replace(notice(Occasion.FILES, original=original), key="late")
    assert await post.messenger.find(late) is None
    place = await post.messenger.post(late)
    first, reply = post.said
    assert first.edited == 1
    assert "1 file, 30.4 MB" in first.text
    assert first.metadata == {"event_type": "rectask_notice", "event_payload": {"key": "k3y-of_this"}}
    assert (reply.thread_ts, MessageRef(reply.channel, reply.ts)) == (original.ts, place)
    assert reply.text == "Room1 / Task1: 1 file arrived, 30.4 MB."
    assert await post.messenger.find(late) == place
    assert not post.slack.complaints


async def test_late_files_whose_message_was_deleted_are_told_anew(post: Post) -> None:
    late = notice(Occasion.FILES, original=MessageRef(DM, "1795348800.000001"))
    post.slack.world.dm_with(U_ANA)
    place = await post.messenger.post(late)
    (message,) = post.said
    assert message.thread_ts is None
    assert "Its files came after the end had been told" in str(message.blocks)
    assert await post.messenger.find(late) == place


async def test_late_files_that_can_not_be_decoded_leave_the_message_as_it_is(post: Post) -> None:
    original = await post.messenger.post(notice(Completion(Occasion.ENDED, NOW, ended_reading(files=()))))
    late = notice(Completion(Occasion.FILES, NOW, None), original=original)
    await post.messenger.post(dataclasses.replace(late, key="late"))
    first, reply = post.said
    assert not first.edited
    assert reply.thread_ts == original.ts
    assert reply.text == "Room1 / Task1: Its files have come. Its details cannot be shown."


async def test_an_original_that_slack_does_not_let_change_harms_nothing(post: Post) -> None:
    original = await post.messenger.post(notice())
    post.slack.fault("chat.update", "invalid_blocks")
    await post.messenger.post(dataclasses.replace(notice(Occasion.FILES, original=original), key="late"))
    assert [message.thread_ts for message in post.said] == [None, original.ts]


@pytest.mark.parametrize("kind", ["500_before", "500_after", "reset_after", "timeout_after", "internal_error"])
async def test_while_the_original_is_being_changed_nothing_is_posted_yet(post: Post, kind: str) -> None:
    original = await post.messenger.post(notice())
    post.slack.fault("chat.update", kind, seconds=1.0)
    with pytest.raises(SlackUnavailable):
        await post.messenger.post(notice(Occasion.FILES, original=original))
    assert len(post.said) == 1


async def test_the_words_alone_are_sent_when_slack_refuses_the_card(post: Post, logged: list[EventDict]) -> None:
    post.slack.fault("chat.postMessage", "invalid_blocks")
    told = notice()
    place = await post.messenger.post(told)
    (message,) = post.said
    assert (message.blocks, message.text) == ([], message.text)
    assert ": Ended after 9 min" in message.text
    assert await post.messenger.find(told) == place
    assert [entry["event"] for entry in logged] == ["card.refused"]


async def test_the_words_are_sent_once(post: Post) -> None:
    post.slack.fault("chat.postMessage", "msg_too_long", times=None)
    with pytest.raises(Undeliverable):
        await post.messenger.post(notice())
    assert post.calls("chat.postMessage") == 2


async def test_metadata_that_is_refused_is_left_out(post: Post) -> None:
    post.slack.fault("chat.postMessage", "metadata_too_large")
    await post.messenger.post(notice())
    assert post.said[0].metadata is None


async def test_the_largest_recording_is_within_slacks_limits(post: Post) -> None:
    await post.messenger.post(notice(Completion(Occasion.ENDED, NOW, huge_reading())))
    assert post.said[0].blocks
    assert not post.slack.refusals


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("ratelimited", Retryable),
        ("500_before", OutcomeUnknown),
        ("500_after", OutcomeUnknown),
        ("reset_before", OutcomeUnknown),
        ("reset_after", OutcomeUnknown),
        ("timeout_before", OutcomeUnknown),
        ("timeout_after", OutcomeUnknown),
        ("internal_error", OutcomeUnknown),
        ("fatal_error", OutcomeUnknown),
        ("service_unavailable", OutcomeUnknown),
        ("token_revoked", AppNotAuthorized),
        ("invalid_auth", AppNotAuthorized),
        ("missing_scope", AppNotAuthorized),
        ("messages_tab_disabled", AppNotAuthorized),
        ("user_not_found", RecipientGone),
        ("account_inactive", RecipientGone),
        ("channel_not_found", RecipientGone),
        ("restricted_action", Undeliverable),
        ("some_new_error", Unexpected),
    ],
)
async def test_what_a_failed_post_means(post: Post, kind: str, expected: type[DeliveryError]) -> None:
    post.slack.fault("chat.postMessage", kind, retry_after=7, seconds=1.0)
    with pytest.raises(DeliveryError) as failure:
        await post.messenger.post(notice())
    assert type(failure.value) is expected
    assert failure.value.after == (timedelta(seconds=7) if kind == "ratelimited" else None)
    assert len(post.said) == (1 if kind.endswith("_after") else 0)


METHODS = ["users.info", "conversations.open", "conversations.history"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "kind", ["500_before", "500_after", "reset_before", "reset_after", "timeout_after", "internal_error"]
)
async def test_reading_is_never_doubtful(post: Post, method: str, kind: str) -> None:
    post.slack.fault(method, kind, times=2, seconds=1.0)
    with pytest.raises(SlackUnavailable):
        await ask(post, method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("kind", "expected"),
    [("ratelimited", Retryable), ("token_revoked", AppNotAuthorized), ("user_not_found", RecipientGone)],
)
async def test_what_failed_reading_means(post: Post, method: str, kind: str, expected: type[DeliveryError]) -> None:
    post.slack.fault(method, kind)
    with pytest.raises(DeliveryError) as failure:
        await ask(post, method)
    assert type(failure.value) is expected


async def ask(post: Post, method: str) -> None:
    if method == "users.info":
        await post.messenger.check(notice())
    else:
        await post.messenger.find(notice())


@pytest.mark.parametrize(
    ("user", "reason"),
    [
        (U_GONE, "deactivated"),
        (U_STRANGER, "another organization"),
        ("U0NOBODY01", "user_not_found"),
    ],
)
async def test_who_can_not_be_written_to(post: Post, user: str, reason: str) -> None:
    for _ in range(2):  # it is not remembered: they may come back
        with pytest.raises(RecipientGone, match=reason):
            await post.messenger.check(notice(person=Person(T_HOME, user)))
    assert post.calls("users.info") == 2


async def test_guests_can_be_written_to(post: Post) -> None:
    await post.messenger.check(notice(person=Person(T_HOME, U_GUEST)))


async def test_that_somebody_is_well_is_remembered_for_a_while(post: Post) -> None:
    for _ in range(3):
        await post.messenger.check(notice())
    assert post.calls("users.info") == 1
    post.timer.seconds += PROFILE_TTL.total_seconds() + 1
    post.slack.people[U_ANA].deleted = True
    with pytest.raises(RecipientGone):
        await post.messenger.check(notice())


async def test_without_the_scope_to_look_a_notice_is_sent_all_the_same(post: Post, logged: list[EventDict]) -> None:
    post.slack.scopes = {"chat:write", "users:read", "im:write"}
    assert await post.messenger.find(notice()) is None
    assert [entry["event"] for entry in logged] == ["notice.not_looked_up"]


@pytest.mark.parametrize("method", ["users.info", "chat.postMessage", "conversations.open"])
async def test_an_account_that_is_inactive_is_the_persons_unless_the_token_is_dead(post: Post, method: str) -> None:
    post.slack.fault(method, "account_inactive", times=2)
    does = post.messenger.post if method == "chat.postMessage" else post.messenger.find
    does = post.messenger.check if method == "users.info" else does
    with pytest.raises(RecipientGone):
        await does(notice())
    assert post.health.is_well
    post.slack.revoke_token("account_inactive")
    with pytest.raises(AppNotAuthorized):
        await does(notice())
    assert not post.health.is_well


async def test_whose_account_is_inactive_can_not_be_told_while_slack_is_away(post: Post) -> None:
    post.slack.fault("chat.postMessage", "account_inactive")
    post.slack.fault("auth.test", "500_before")
    with pytest.raises(SlackUnavailable):
        await post.messenger.post(notice())


async def test_a_dead_token_turns_it_unready_and_a_live_one_ready_again(post: Post) -> None:
    post.slack.revoke_token()
    with pytest.raises(AppNotAuthorized):
        await post.messenger.check(notice())
    assert not post.health.is_well
    post.slack.restore_token()
    await post.messenger.check(notice())
    assert post.health.is_well


@pytest.mark.parametrize("kind", ["missing_scope", "messages_tab_disabled", "no_permission"])
async def test_what_slack_does_not_permit_is_said_once_until_a_notice_goes_through(
    post: Post, logged: list[EventDict], kind: str
) -> None:
    post.slack.fault("chat.postMessage", kind, times=2)
    for _ in range(2):
        await post.messenger.check(notice())
        with pytest.raises(AppNotAuthorized):
            await post.messenger.post(notice())
        assert (post.health.is_well, post.health.is_permitted) == (True, False)
    await post.messenger.post(notice())
    assert post.health.is_permitted
    said = [(entry["event"], entry.get("doing"), entry.get("error")) for entry in logged]
    assert said == [("slack_permissions.refused", "post", kind), ("slack_permissions.recovered", None, None)]


async def test_who_may_not_be_asked_about_is_not_permitted_either(post: Post) -> None:
    post.slack.scopes -= {"users:read"}
    with pytest.raises(AppNotAuthorized):
        await post.messenger.check(notice())
    assert not post.health.is_permitted
    post.slack.scopes |= {"users:read"}
    await post.messenger.check(notice())
    assert post.health.is_permitted


async def test_a_conversation_that_may_not_be_looked_through(post: Post) -> None:
    post.slack.fault("conversations.history", "no_permission")
    with pytest.raises(AppNotAuthorized):
        await post.messenger.find(notice())
    assert not post.health.is_permitted
    await post.messenger.post(notice())
    assert post.health.is_permitted


async def test_what_slack_never_received_is_not_doubtful() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/api/"
        async with open_messenger(token="xoxb-x", base_url=url, health=TokenHealth(), clock=now) as messenger:
            with pytest.raises(SlackUnavailable, match="ClientConnectorError"):
                await messenger.post(notice())


async def test_whoever_is_never_answered_gives_up(post: Post) -> None:
    post.slack.fault("chat.postMessage", "timeout_before")
    brief = Timeouts(call=0.05)
    url, token = post.slack.api_url, post.slack.bot_token
    async with open_messenger(token=token, base_url=url, health=TokenHealth(), clock=now, patience=brief) as messenger:
        with pytest.raises(OutcomeUnknown, match="TimeoutError"):
            await messenger.post(notice())


async def test_an_answer_in_plain_text_is_lost_like_any_other() -> None:
    async def say(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", say)
    async with TestServer(app) as server:
        url = str(server.make_url("/"))
        async with open_messenger(token="xoxb-x", base_url=url, health=TokenHealth(), clock=now) as messenger:
            with pytest.raises(OutcomeUnknown):
                await messenger.post(notice())
            with pytest.raises(Retryable, match="cannot be used"):
                await messenger.find(notice())


def now() -> datetime:
    return NOW


KEYS = st.sampled_from(["metadata", "event_type", "event_payload", "key", "rectask_notice"])
JSON = st.recursive(st.none() | st.text() | KEYS, lambda inside: st.lists(inside) | st.dictionaries(KEYS, inside))


@given(JSON)
def test_no_message_breaks_the_look_for_a_key(message: object) -> None:
    with suppress(AnswerIncomplete):
        (written,) = History.read({"messages": [message], "has_more": False}).messages
        assert key_in(written) is None or isinstance(message, dict)
