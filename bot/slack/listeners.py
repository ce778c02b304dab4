"""What happens when somebody types the command or presses a button.

The body of a listener never raises: Bolt would answer 404 after three seconds, and over a socket not at all (measured).
Every listener goes through `shielded`, which has the one try/except.
"""

import asyncio
import html
import re
from collections.abc import Awaitable, Callable

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.recording.reading import TaskReadError
from bot.recording.task import TaskRef
from bot.slack.cards.card import Card
from bot.slack.cards.notice import newer_card, told_again
from bot.slack.cards.words import help_card, stranger_card, tampered_card, unexpected_card, usage_card, words_card
from bot.slack.command import Help, List, LookUp, Refused, Unwatch, Watch, parse_command
from bot.slack.desk import Body, Desk, Listener, answered, container_of, incident_of, made
from bot.slack.events import register_events
from bot.slack.more import on_more
from bot.slack.reply import Reply
from bot.slack.sharing import on_share
from bot.slack.subscribing import (
    on_list,
    on_subscribe,
    on_unsubscribe,
    subscriptions_card,
    unwatch_card,
    watch_card,
)
from bot.slack.value import Press, Tampered, Told
from bot.slack.work import TooMuchWork
from bot.slack.workspace import is_one_of_us

log = structlog.get_logger()

# Slack waits 3 s for the answer; a look-up that takes longer than this is answered afterwards.
ANSWER_WITHIN = 2.0


def register(app: AsyncApp, desk: Desk) -> None:
    """Tell Bolt which listener is for what; the last one takes whatever no other does."""
    app.command(re.compile(".*"))(shielded(desk, on_command))
    app.action("rectask.refresh")(shielded(desk, on_refresh))
    app.action("rectask.subscribe")(shielded(desk, on_subscribe))
    app.action(re.compile(r"rectask\.unsubscribe(\..*)?"))(shielded(desk, on_unsubscribe))
    app.action("rectask.list")(shielded(desk, on_list))
    app.action("rectask.share")(shielded(desk, on_share))
    app.action(re.compile(r"rectask\.(files|raw)(\..*)?"))(shielded(desk, on_more))
    app.action(re.compile(".*"))(shielded(desk, on_unknown_action))
    register_events(app, desk)


def shielded(desk: Desk, listener: Listener) -> Callable[..., Awaitable[None]]:
    """The listener as Bolt calls it: who presses is checked, and nothing is raised."""

    async def listen(ack: AsyncAck, body: Body) -> None:
        reply = Reply(ack, body, desk.session)
        try:
            if await is_one_of_us(body, desk.workspace, desk.slack):
                await listener(desk, body, reply)
            else:
                log.info("stranger.refused")
                await reply.with_card(stranger_card())
        except Tampered:
            log.warning("value.tampered")
            await reply.with_card(tampered_card())
        except TooMuchWork:
            log.warning("work.refused")
            await reply.with_card(words_card("Too much is going on", "Please try again in a minute."))
        except Exception as failure:  # noqa: BLE001  # the one place, see the module's docstring
            await reply.with_card(unexpected_card(incident_of(failure, desk)))

    return listen


async def on_command(desk: Desk, body: Body, reply: Reply) -> None:
    """`/rectask …`: refusals and help at once, what has to be asked at once if it is quick enough."""
    typed = str(body.get("text") or "")
    person = desk.presser(body)
    match parse_command(typed, apps=desk.apps):
        case Refused(problem):
            await reply.at_once(usage_card(problem, typed=html.unescape(typed)))
        case Help():
            await reply.at_once(help_card(tuple(app.name for app in desk.apps)))
        case LookUp(ref):
            if (remembered := desk.answerer.remembered_card(ref)) is not None:
                await reply.at_once(remembered)
            else:
                await _answer(desk, lambda: desk.answerer.card(ref, person=person), reply)
        case Watch(ref):
            await _answer(desk, lambda: watch_card(desk, ref, person), reply)
        case Unwatch(ref):
            await _answer(desk, lambda: unwatch_card(desk, ref, person), reply)
        case List():
            await _answer(desk, lambda: subscriptions_card(desk, person), reply)


async def _answer(desk: Desk, make: Callable[[], Awaitable[Card]], reply: Reply) -> None:
    """With the card, as soon as that is made."""
    card = desk.work.begin(made(desk, make))
    done, _ = await asyncio.wait({card}, timeout=ANSWER_WITHIN)
    if done:
        await reply.at_once(card.result())
        return
    await reply.acknowledge()
    desk.work.begin(_answer_when_made(card, reply))


async def _answer_when_made(card: asyncio.Task[Card], reply: Reply) -> None:
    await reply.afterwards(await card)


async def on_refresh(desk: Desk, body: Body, reply: Reply) -> None:
    """Ask RTC anew and put the answer in the place of the card; a shared card stays shared by whom it was."""
    await reply.acknowledge()
    press = desk.press(body)
    if (told := press.told) is not None:
        desk.work.begin(answered(desk, reply, lambda: _refresh_notice(desk, press.ref, told, body, reply)))
    else:
        desk.work.begin(_refresh(desk, press, body, reply))


async def _refresh(desk: Desk, press: Press, body: Body, reply: Reply) -> None:
    person = desk.presser(body) if press.shared_by is None else None
    answerer, shared_by = desk.answerer, press.shared_by
    card = await made(desk, lambda: answerer.card(press.ref, person=person, fresh=True, shared_by=shared_by))
    await reply.afterwards(card, replace=True, in_channel=press.shared_by is not None)


async def _refresh_notice(desk: Desk, ref: TaskRef, told: Told, body: Body, reply: Reply) -> None:
    """A notice is kept for as long as its reader wants: only a newer answer about the same recording replaces it."""
    answerer = desk.answerer
    try:
        reading = await answerer.read(ref, fresh=True)
    except TaskReadError as failure:
        await reply.afterwards(answerer.failure_card(failure, ref, note="The message above stays as it is."))
        return
    standing = await answerer.standing(reading.task, desk.presser(body))
    if not told.is_about(reading.task):
        await reply.afterwards(newer_card(reading, now=answerer.clock(), standing=standing))
        return
    card, container = told_again(reading, told, now=answerer.clock(), standing=standing), container_of(body)
    # Not through the response_url: chat.update is documented to leave the metadata, by which a notice is found again.
    await desk.slack.chat_update(
        channel=str(container.get("channel_id")),
        ts=str(container.get("message_ts")),
        text=card.text,
        blocks=list(card.blocks),
    )


async def on_unknown_action(_desk: Desk, _body: Body, reply: Reply) -> None:
    """A button of a card of another time, or none of ours."""
    await reply.with_card(tampered_card())
