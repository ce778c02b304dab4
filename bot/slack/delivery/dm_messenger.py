"""Notices as direct messages: a Messenger over Slack's Web API, with connections of its own."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.notices.completion import Occasion
from bot.notices.messenger import AppNotAuthorized, DeliveryError, RecipientGone, Retryable
from bot.notices.notice import MessageRef, Notice
from bot.notices.person import Person
from bot.recording.reading import Reading
from bot.slack.answers import (
    AnswerIncomplete,
    Conversation,
    History,
    Posted,
    Replies,
    UserInfo,
    Written,
    data_of,
)
from bot.slack.authorization.users import People, Profile
from bot.slack.cards.blocks import Card
from bot.slack.cards.files import NO_LINKS, CardLinks
from bot.slack.cards.notice import files_reply_card, notice_card
from bot.slack.connection.client import PATIENCE, Timeouts, make_slack, open_session
from bot.slack.connection.workspace import TokenHealth
from bot.slack.errors import TOKEN_IS_DEAD, CardRefused, ProfileOvertaken, ThreadGone, error_of, meaning_of
from bot.slack.meter import UNMETERED, SlackMeter

log = structlog.get_logger()

# All requests of one look for a notice, which is far within the deliverer's lease.
FOUND_WITHIN = timedelta(seconds=45)
# Slack's clock and ours differ a little.
_LOOKS_BACK = timedelta(minutes=5)
_MESSAGES_A_PAGE = 200
_PAGES_AT_MOST = 100
EVENT_TYPE = "rectask_notice"
_INACTIVE = "account_inactive"
# What Slack may permit or not. A post comes last, and proves that nothing keeps notices from coming.
_CHECK, _FIND, _POST = _STEPS = ("check", "find", "post")

Answer = Mapping[str, Any]
Offer = Callable[[Reading], CardLinks]


@asynccontextmanager
async def open_messenger(
    *,
    token: str,
    base_url: str,
    health: TokenHealth,
    clock: Callable[[], datetime],
    people: People | None = None,
    offer: Offer | None = None,
    patience: Timeouts = PATIENCE,
    meter: SlackMeter = UNMETERED,
) -> AsyncIterator["SlackMessenger"]:
    """A messenger whose connections are not those of listeners; leaving the block closes them."""
    async with open_session() as session:
        slack = make_slack(token=token, base_url=base_url, session=session, meter=meter, patience=patience)
        yield SlackMessenger(slack, health, clock=clock, people=people, offer=offer)


class SlackMessenger:
    """Writes notices into people's direct messages; each is found again by its key in the message's metadata.

    `offer` tells whether there is a button for links on a card: the message itself, which is kept, has none.
    """

    def __init__(
        self,
        slack: AsyncWebClient,
        health: TokenHealth,
        *,
        clock: Callable[[], datetime],
        people: People | None = None,
        offer: Offer | None = None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._slack = slack
        self._health = health
        self._clock = clock
        self._people = people or People(timer=timer)
        self._offer = offer or (lambda _: NO_LINKS)

    async def check(self, notice: Notice) -> None:
        """A post to a deactivated person succeeds and is read by nobody, so Slack is asked who they are.

        That somebody cannot be written to is not believed from memory: they may have come back.
        """
        with self._noting_permission(_CHECK):
            profile = self._people.recall(notice.person.user_id)
            if profile is None or profile.is_foreign:
                profile = await self._asked_about(notice.person)
        if profile.is_gone:
            raise RecipientGone("This person's account is deactivated")
        if profile.is_foreign:
            raise RecipientGone("This person belongs to another organization now")

    async def _asked_about(self, person: Person) -> Profile:
        with self._people.question(person.user_id) as question, _reading():
            answer = await self._ask(self._slack.users_info(user=person.user_id))
            return self._people.learn(UserInfo.read(answer).user, question)

    async def find(self, notice: Notice) -> MessageRef | None:
        """In the thread where it belongs into one, then in the conversation: it may have been posted there instead.

        Within 45 s, however much stands there: what takes longer is Retryable.
        """
        with self._noting_permission(_FIND):
            try:
                async with asyncio.timeout(FOUND_WITHIN.total_seconds()):
                    return await self._look_for(notice)
            except TimeoutError as failure:
                raise Retryable("Slack takes its time to tell what stands in the conversation") from failure
            except AppNotAuthorized as refusal:
                if not _is_want_of_scope(refusal):
                    raise
                # Without im:history nothing can be looked up: a notice seen twice is better than one that never comes.
                log.warning("notice.not_looked_up", reason=refusal.reason)
                return None

    async def _look_for(self, notice: Notice) -> MessageRef | None:
        if (thread := _thread_of(notice)) is not None and (found := await self._find_in_thread(notice, thread)):
            return found
        return await self._find_in_conversation(notice)

    async def post(self, notice: Notice) -> MessageRef:
        """With late files: change the original (any number of times comes to the same), then answer in its thread."""
        with self._noting_permission(_POST):
            return await self._tell(notice)

    async def _tell(self, notice: Notice) -> MessageRef:
        card, original = self._card(notice), _thread_of(notice)
        if original is None:
            return await self._send(notice, card, channel=notice.person.user_id)
        try:
            if notice.completion.reading is not None:
                await self._change(original, card)
            reply = files_reply_card(notice)
            return await self._send(notice, reply, channel=original.channel, thread_ts=original.ts)
        except ThreadGone as refusal:
            log.info("notice.original_gone", reason=refusal.reason)
            return await self._send(notice, card, channel=notice.person.user_id)

    def _card(self, notice: Notice) -> Card:
        reading = notice.completion.reading
        links = NO_LINKS if reading is None else self._offer(reading)
        return notice_card(notice, now=self._clock(), links=links)

    async def _change(self, original: MessageRef, card: Card) -> None:
        """Nothing has been posted when this fails. Its metadata stays, for none is given (page of chat.update)."""
        try:
            await self._ask(
                self._slack.chat_update(
                    channel=original.channel, ts=original.ts, text=card.text, blocks=list(card.blocks)
                )
            )
        except CardRefused as refusal:
            log.warning("card.refused", reason=refusal.reason)

    async def _send(self, notice: Notice, card: Card, *, channel: str, thread_ts: str | None = None) -> MessageRef:
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"key": notice.key}}
        where: dict[str, Any] = {"channel": channel, "thread_ts": thread_ts, "metadata": metadata}
        try:
            return await self._post({**card.as_message(), **where})
        except CardRefused as refusal:
            log.warning("card.refused", reason=refusal.reason)
            words = {"text": card.text, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
            without_metadata = {"metadata": None} if "metadata" in refusal.reason else {}
            return await self._post({**words, **where, **without_metadata})

    async def _post(self, message: dict[str, Any]) -> MessageRef:
        answer = await self._ask(self._slack.chat_postMessage(**message), is_post=True)
        with _reading(is_post=True):
            posted = Posted.read(answer)
        return MessageRef(posted.channel, posted.ts)

    async def _find_in_thread(self, notice: Notice, thread: MessageRef) -> MessageRef | None:
        try:
            return await self._search(
                notice,
                thread.channel,
                lambda page: self._slack.conversations_replies(channel=thread.channel, ts=thread.ts, **page),
                read=Replies.read,
            )
        except ThreadGone:
            return None

    async def _find_in_conversation(self, notice: Notice) -> MessageRef | None:
        opened = await self._ask(self._slack.conversations_open(users=notice.person.user_id))
        with _reading():
            channel = Conversation.read(opened).channel.id
        return await self._search(
            notice,
            channel,
            lambda page: self._slack.conversations_history(channel=channel, **page),
            read=History.read,
        )

    async def _search(
        self,
        notice: Notice,
        channel: str,
        turn_to: Callable[[dict[str, Any]], Awaitable[Any]],
        *,
        read: Callable[[Answer], History | Replies],
    ) -> MessageRef | None:
        """Page by page through what was written since shortly before the notice was queued."""
        oldest = (notice.queued_at - _LOOKS_BACK).timestamp()
        page: dict[str, Any] = {"oldest": f"{oldest:.6f}", "include_all_metadata": True, "limit": _MESSAGES_A_PAGE}
        for _ in range(_PAGES_AT_MOST):
            answer = await self._ask(turn_to(page))
            with _reading():
                told = read(answer)
            for message in told.messages:
                if key_in(message) == notice.key:
                    return MessageRef(channel, message.ts)
            if told.next_cursor is None:
                break
            page["cursor"] = told.next_cursor
        return None

    async def _ask(self, call: Awaitable[Any], *, is_post: bool = False) -> Answer:
        """Slack's answer; raises DeliveryError, and notes whether the token is taken."""
        try:
            answer = await call
        except Exception as failure:  # slack_sdk lets AttributeError and the like escape over odd answers
            if _error_in(failure) == _INACTIVE:
                await self._prove_token()
                raise RecipientGone(f"This person's account is deactivated ({_INACTIVE})") from failure
            raise self._noted(failure, is_post=is_post) from failure
        self._health.note(None)
        return data_of(answer)

    @contextmanager
    def _noting_permission(self, step: str) -> Iterator[None]:
        try:
            yield
        except AppNotAuthorized as refusal:
            error = _error_in(refusal.__cause__)
            if error is not None and error not in TOKEN_IS_DEAD:
                self._health.note_forbidden(step, error)
            raise
        self._health.note_permitted(*(_STEPS if step == _POST else [step]))

    async def _prove_token(self) -> None:
        """account_inactive is said of the person's account and of the bot's own: raises where it may be the latter."""
        try:
            await self._slack.auth_test()
        except Exception as failure:  # as above
            raise self._noted(failure, is_post=False) from failure

    def _noted(self, failure: Exception, *, is_post: bool) -> DeliveryError:
        if (error := _error_in(failure)) in TOKEN_IS_DEAD:
            self._health.note(error)
        return meaning_of(failure, is_post=is_post)


def _error_in(failure: BaseException | None) -> str | None:
    return error_of(failure) if isinstance(failure, SlackApiError) else None


def _thread_of(notice: Notice) -> MessageRef | None:
    return notice.original if notice.completion.occasion is Occasion.FILES else None


def _is_want_of_scope(refusal: AppNotAuthorized) -> bool:
    return "missing_scope" in refusal.reason


@contextmanager
def _reading(*, is_post: bool = False) -> Iterator[None]:
    """What Slack answered is being read: what is left out of it is a DeliveryError."""
    try:
        yield
    except (AnswerIncomplete, ProfileOvertaken) as flaw:
        log.warning("slack_answer.refused", reason=str(flaw))
        raise meaning_of(flaw, is_post=is_post) from flaw


def key_in(message: Written) -> object:
    """The key of the notice that a message is; None for any other message."""
    metadata = message.metadata
    return metadata.event_payload.get("key") if metadata is not None and metadata.event_type == EVENT_TYPE else None
