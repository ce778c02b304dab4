"""The ways to answer somebody in Slack: with the acknowledgement, through the response_url, in a modal or message."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from slack_bolt.async_app import AsyncAck
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.calls import SlackFailed, called
from bot.slack.cards.blocks import Card
from bot.slack.cards.failing import answer_lost_card, as_modal, working_card
from bot.slack.cards.files_modal import in_channel as remembering
from bot.slack.limits import LIMITS, Limits
from bot.slack.meter import UNMETERED, SlackMeter
from bot.slack.request.payload import Body, Sender, caller_of
from bot.slack.response_url import ResponseUrl

log = structlog.get_logger()

_JSON: dict[str, str | Sequence[str]] = {"content-type": "application/json"}
# A trigger_id is good for three seconds, once.
_TRIGGER_LASTS = 2.5


@dataclass(frozen=True, slots=True)
class Ways:
    """What answers are sent with. `pause` passes the time that Slack asks for, and may be cut short."""

    slack: AsyncWebClient
    session: aiohttp.ClientSession
    limits: Limits = LIMITS
    meter: SlackMeter = UNMETERED
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    timer: Callable[[], float] = time.monotonic


class Reply:
    """The answer to one command or press.

    Its messages go out one after the other. `modal` is the id of the modal that the person looks at, if there is one;
    `doing` says what goes on at the moment.
    """

    def __init__(self, ack: AsyncAck, body: Body, ways: Ways) -> None:
        self._ack = ack
        self._caller: Sender = caller_of(body)
        self._is_command = "command" in body
        self._trigger = (body.get("trigger_id"), ways.timer())
        self._ways = ways
        self._url = _response_url(body, ways)
        self._turn = asyncio.Lock()
        self._is_answered = False
        self._stands_in = False
        self._sign: Card | None = None
        self.doing = working_card("Asking Slack who you are")
        self.modal = _modal_of(body)
        self.is_acknowledged = False

    async def acknowledge(self) -> None:
        """Tell Slack that it arrived."""
        self.is_acknowledged = True
        await self._ack()

    async def at_once(self, card: Card) -> None:
        """Acknowledge a command with the card that answers it; afterwards, where it is acknowledged already.

        What `ack(…)` would do, without making the same JSON anew: a tenth of the time of a cached answer.
        """
        if self.is_acknowledged:
            await self.afterwards(card)
            return
        self.is_acknowledged = True
        self._ack.response = BoltResponse(status=200, body=card.as_answer, headers=_JSON)

    async def at_work(self, card: Card, *, replace: bool = False) -> None:
        """Say that something goes on, unless it is answered; with the acknowledgement where a command has none yet.

        A sign that does not get through is no loss. With `replace` the answer takes its place in turn.
        """
        if card is self._sign:
            return
        self._sign = card
        if not self.is_acknowledged and self._is_command:
            await self.at_once(card)
            return
        if not self.is_acknowledged:
            await self.acknowledge()
        async with self._turn:
            if self._url is not None and not self._is_answered:
                message = _message(card, replace=replace, in_channel=False)
                self._stands_in |= replace
                await self._url.send(message, may_repeat=False, patience=0, tries=1)

    async def afterwards(
        self, card: Card, *, replace: bool = False, in_channel: bool = False, kept: Card | None = None
    ) -> None:
        """Answer the person alone; `replace` puts the card in the place of the one whose button was pressed.

        Where Slack does not take it, by another way; `kept` is what a direct message says, which stays. Nothing is
        raised, and what is lost is logged.
        """
        self._is_answered = True
        async with self._turn:
            replace |= self._stands_in
            message = _message(card, replace=replace, in_channel=in_channel)
            kept = kept or answer_lost_card(self._caller.channel)
            await self._send(message, card, kept, may_repeat=replace or not in_channel)

    async def tell(self, card: Card) -> None:
        """Whichever way is open, the one that the person looks at first. Nothing is raised."""
        if not self.is_acknowledged and self._is_command:
            await self.at_once(card)
            return
        if not self.is_acknowledged:
            await self.acknowledge()
        if not await self._show(card):
            await self.afterwards(card, kept=card)

    def lasts(self, seconds: float) -> bool:
        """Whether the person can be answered in so many seconds."""
        return seconds <= self._ways.limits.call if self._url is None else self._url.lasts(seconds)

    async def _send(self, message: Mapping[str, Any], card: Card, kept: Card, *, may_repeat: bool) -> None:
        """Where Slack asks for a long pause, another way is tried before that is kept to."""
        url, patience = self._url, self._ways.limits.silent_pause
        if url is not None and await url.send(message, may_repeat=may_repeat, patience=patience):
            return
        reason = "no response_url" if url is None else url.last_reason
        if await self._whisper(card):
            _note_detour(url, "ephemeral message", reason)
        elif url is not None and await url.send(message, may_repeat=may_repeat):
            return
        elif await self._write(kept):
            _note_detour(url, "direct message", reason)
        else:
            log.error("answer.lost", user=self._caller.user_id, channel=self._caller.channel, error=reason)

    async def _show(self, card: Card) -> bool:
        """In the modal that the person looks at, or in a new one over the home tab; whether it stands there."""
        slack, view = self._ways.slack, remembering(as_modal(card), self._caller.channel)
        if (view_id := self.modal) is not None:
            return await self._is_done("views.update", lambda: slack.views_update(view_id=view_id, view=view))
        trigger, since = self._trigger
        if self._url is not None or not trigger or self._ways.timer() - since > _TRIGGER_LASTS:
            return False
        return await self._is_done("views.open", lambda: slack.views_open(trigger_id=str(trigger), view=view))

    async def _whisper(self, card: Card) -> bool:
        """In the channel, to the person alone; the bot has to be in it."""
        caller, slack = self._caller, self._ways.slack
        if (channel := caller.channel) is None:
            return False
        return await self._is_done(
            "chat.postEphemeral",
            lambda: slack.chat_postEphemeral(
                channel=channel, user=caller.user_id, text=card.text, blocks=list(card.blocks)
            ),
        )

    async def _write(self, card: Card) -> bool:
        """In a direct message."""
        slack, user_id, message = self._ways.slack, self._caller.user_id, card.as_message()
        return await self._is_done("chat.postMessage", lambda: slack.chat_postMessage(channel=user_id, **message))

    async def _is_done(self, method: str, call: Callable[[], Awaitable[object]]) -> bool:
        try:
            await called(method, call, within=self._ways.limits.tell, effect="", once=True)
        except SlackFailed:
            return False
        return True


def _response_url(body: Body, ways: Ways) -> ResponseUrl | None:
    url = body.get("response_url")
    if not isinstance(url, str) or not url:
        return None
    return ResponseUrl(
        url, session=ways.session, limits=ways.limits, meter=ways.meter, pause=ways.pause, timer=ways.timer
    )


def _modal_of(body: Body) -> str | None:
    """The modal that a press was made in."""
    view = body.get("view")
    if not isinstance(view, Mapping) or view.get("type") != "modal":
        return None
    return str(view.get("id"))


def _message(card: Card, *, replace: bool, in_channel: bool) -> dict[str, Any]:
    kind = "in_channel" if in_channel else "ephemeral"
    return card.as_message() | {"response_type": kind, "replace_original": replace}


def _note_detour(url: ResponseUrl | None, way: str, reason: str) -> None:
    if url is not None:
        log.warning("answer.rerouted", way=way, error=reason)


async def send_afterwards(
    message: Mapping[str, Any], url: str, *, session: aiohttp.ClientSession, meter: SlackMeter
) -> None:
    """Through the response_url, to one person; an answer that does not get through is logged, and nothing is raised."""
    address = ResponseUrl(url, session=session, meter=meter)
    if not await address.send(message, may_repeat=True):
        log.error("answer.lost", error=address.last_reason)
