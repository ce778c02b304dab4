"""The one error boundary: whatever goes wrong for a person is logged once, under an id, and they are told.

It stands around every listener and around all that a listener leaves running. The body of a listener never raises:
Bolt would answer 404 after three seconds, and over a socket not at all (measured).
"""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import structlog
from slack_sdk.errors import SlackClientError

from bot.notices.store import DatabaseUnavailable
from bot.slack.authorization.authorizer import Denied, NotAllowed, NotKnown, TooOften
from bot.slack.background import Ending, Overloaded
from bot.slack.calls import SlackFailed, slack_failed
from bot.slack.cards.blocks import Card
from bot.slack.cards.failing import pause_card, pause_title, restarting_card, slack_failed_card
from bot.slack.cards.messages import (
    not_allowed_card,
    tampered_card,
    too_many_deeds_card,
    too_often_card,
    unexpected_card,
    unknown_group_card,
    words_card,
)
from bot.slack.cards.subscriptions import store_card
from bot.slack.incident import new_incident
from bot.slack.listeners.context import ListenerContext
from bot.slack.listeners.rejected import note_refused
from bot.slack.request.button_value import InvalidButtonValue
from bot.slack.request.payload import Visit
from bot.slack.response import Reply

log = structlog.get_logger()

Do = Callable[[], Awaitable[None]]

# So often is what Slack puts off tried again.
PAUSES_AT_MOST = 4
_UNCONFIRMED = {"chat.postMessage": "the post", "views.open": "the window"}


async def guarded(desk: ListenerContext, reply: Reply, do: Do, *, visit: Visit | None = None) -> None:
    """Do it; raises nothing. `visit` is who is recorded where a button turns out to be forged."""
    try:
        await do()
    except Exception as failure:  # noqa: BLE001  # the one place
        await reply.tell(_card_or_worse(failure, desk, visit))


async def made(desk: ListenerContext, make: Callable[[], Awaitable[Card]]) -> Card:
    """The card, or that of what went wrong on the way to it."""
    try:
        return await make()
    except Exception as failure:  # noqa: BLE001  # the one place, for what is told with the acknowledgement
        return _card_or_worse(failure, desk, None)


def begin(desk: ListenerContext, reply: Reply, do: Do, *, sign: Do | None = None) -> None:
    """Let it go on within the boundary after Slack is answered; raises Overloaded.

    `sign` tells the person that it goes on, where it takes its time.
    """
    task = desk.work.begin(guarded(desk, reply, lambda: patiently(desk, reply, do)))
    if sign is not None:
        desk.work.begin(_sign_if_slow(desk, task, sign))


async def _sign_if_slow(desk: ListenerContext, task: asyncio.Task[None], sign: Do) -> None:
    await asyncio.wait({task}, timeout=desk.limits.first_sign)
    if not task.done():
        await sign()


async def patiently(desk: ListenerContext, reply: Reply, do: Do) -> None:
    """Do it, and where Slack asks for a pause do it all again after that, as long as the person can be answered."""
    for _ in range(PAUSES_AT_MOST):
        try:
            return await do()
        except SlackFailed as failure:
            if (seconds := failure.pause) is None or not reply.lasts(seconds):
                raise
            if seconds > desk.limits.silent_pause:
                await reply.at_work(pause_card(seconds, "Rectask tries again then. You don't need to do anything."))
        await desk.work.pause(seconds)
    return await do()


def _card_or_worse(failure: Exception, desk: ListenerContext, visit: Visit | None) -> Card:
    try:
        return _card_for(failure, desk, visit)
    except Exception as worse:  # noqa: BLE001  # as above: what is told must not fail over the telling
        return unexpected_card(_note_fault(worse))


def _card_for(failure: Exception, desk: ListenerContext, visit: Visit | None) -> Card:
    if (card := _card_of_what_is_foreseen(failure, desk, visit)) is not None:
        return card
    if isinstance(failure, SlackClientError | aiohttp.ClientError):
        failure = slack_failed("a call", failure, effect="Look whether it was done, then try again.")
    if isinstance(failure, SlackFailed):
        return slack_failed_card(_title_of(failure), failure.effect, incident=note_slack_failure(failure, desk))
    return unexpected_card(_note_fault(failure))


def _card_of_what_is_foreseen(failure: Exception, desk: ListenerContext, visit: Visit | None) -> Card | None:
    """None where something has gone wrong that has to be found in the log."""
    match failure:
        case DatabaseUnavailable():
            return store_card()
        case Denied():
            return refusal_card(failure, desk)
        case InvalidButtonValue():
            return _tampered(desk, visit)
        case Overloaded():
            log.warning("work.refused")
            return words_card("Too much is going on", "Please try again in a minute.")
        case Ending():
            return restarting_card()
    return None


def refusal_card(failure: Denied, desk: ListenerContext) -> Card:
    """What somebody is told who may not go on."""
    if isinstance(failure, TooOften):
        if failure.per_minute is not None:
            return too_many_deeds_card(failure.seconds, per_minute=failure.per_minute)
        return too_often_card(failure.seconds, per_minute=desk.gate.spending.per_minute)
    if isinstance(failure, NotKnown):
        return unknown_group_card()
    assert isinstance(failure, NotAllowed)
    return not_allowed_card(desk.gate.ask, about_recording=failure.about)


def _tampered(desk: ListenerContext, visit: Visit | None) -> Card:
    if visit is not None:
        note_refused(desk, visit, "a button that was changed, or of another time")
    return tampered_card()


def note_slack_failure(failure: SlackFailed, desk: ListenerContext) -> str:
    """Log it under an id, without a traceback: it is no fault of the bot's."""
    incident = new_incident()
    if failure.code is not None:
        desk.health.note(failure.code)
    log.warning("slack_call.failed", incident=incident, method=failure.method, error=failure.meaning.reason)
    return incident


def _title_of(failure: SlackFailed) -> str:
    if (seconds := failure.pause) is not None:
        return pause_title(seconds)
    if failure.is_unconfirmed:
        return f"Slack did not confirm {_UNCONFIRMED.get(failure.method, 'it')}"
    if failure.is_unusable:
        return "Slack gave no usable answer"
    return "Slack isn't responding" if failure.is_out_of_reach else "Slack rejected the request"


def _note_fault(failure: Exception) -> str:
    """A fault of the bot's: logged with its traceback, under an id that the person is told."""
    incident = new_incident()
    log.error("listener.failed", incident=incident, exc_info=failure)
    return incident
