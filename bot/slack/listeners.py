"""What happens when somebody types the command or presses a button.

The body of a listener never raises: Bolt would answer 404 after three seconds, and over a socket not at all (measured).
Every listener goes through `shielded`, which has the one try/except.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.access.audit import Deed
from bot.recording.reading import Reading, TaskReadError
from bot.recording.task import TaskRef
from bot.slack.cards.card import Card
from bot.slack.cards.files import words_view
from bot.slack.cards.notice import newer_card, told_again
from bot.slack.cards.refusal import unknown_person_card
from bot.slack.cards.words import (
    alone,
    help_card,
    stranger_card,
    tampered_card,
    unexpected_card,
    usage_card,
    words_card,
)
from bot.slack.command import Help, List, LookUp, Refused, Unwatch, Watch, parse_command
from bot.slack.commanded import Commands
from bot.slack.desk import Desk, Listener, answered, container_of, incident_of, is_own_card, made, refusal_card
from bot.slack.events import register_events
from bot.slack.gate import Stopped
from bot.slack.more import on_more
from bot.slack.opening import on_links, on_open
from bot.slack.refused import note_refused
from bot.slack.repeats import is_new, once
from bot.slack.reply import Reply
from bot.slack.sharing import can_post_again, on_share
from bot.slack.subscribing import (
    may_subscribe,
    on_clear,
    on_list,
    on_subscribe,
    on_unsubscribe,
    subscriptions_card,
    unwatch_card,
    watch_card,
)
from bot.slack.typed import on_screen
from bot.slack.value import Press, Tampered, Told
from bot.slack.visit import Body, Visit
from bot.slack.work import TooMuchWork

log = structlog.get_logger()

# Slack waits 3 s for the answer; a look-up that takes longer than this is answered afterwards.
ANSWER_WITHIN = 2.0


def register(app: AsyncApp, desk: Desk) -> None:
    """Tell Bolt which listener is for what; the last one takes whatever no other does."""
    app.use(Commands(shielded(desk, on_command)))
    app.action(re.compile(r"rectask\.refresh(\..*)?"))(shielded(desk, once(on_refresh, when=_is_shared)))
    app.action("rectask.subscribe")(shielded(desk, once(on_subscribe, or_if_unknown=True)))
    app.action(re.compile(r"rectask\.unsubscribe(\..*)?"))(shielded(desk, once(on_unsubscribe, or_if_unknown=True)))
    app.action("rectask.list")(shielded(desk, on_list))
    app.action("rectask.clear")(shielded(desk, once(on_clear, or_if_unknown=True)))
    app.action("rectask.share")(shielded(desk, once(on_share)))
    app.action(re.compile(r"rectask\.(files|raw)(\..*)?"))(shielded(desk, once(on_more, or_if_unknown=True)))
    app.action("rectask.links")(shielded(desk, once(on_links)))
    app.action(re.compile(r"rectask\.open(\..*)?"))(shielded(desk, on_open))
    app.action(re.compile(".*"))(shielded(desk, on_unknown_action))
    register_events(app, desk)


def _is_shared(desk: Desk, body: Body) -> bool:
    """A card that others see as well."""
    return desk.press(body).shared_by is not None


def shielded(desk: Desk, listener: Listener) -> Callable[..., Awaitable[None]]:
    """The listener as Bolt calls it: it is found out who has come, and nothing is raised."""

    async def listen(ack: AsyncAck, body: Body) -> None:
        # Bolt waits for the acknowledgement alone, and a refusal is posted after that.
        with desk.work.holding():
            await _let_in(desk, listener, body, Reply(ack, body, desk.session, meter=desk.meter))

    return listen


async def _let_in(desk: Desk, listener: Listener, body: Body, reply: Reply) -> None:
    """Serve who is known at once; Slack does not wait for as long as it may take to ask who somebody is."""
    if (visit := desk.gate.visit_at_once(body)) is not None:
        await _serve(desk, listener, visit, reply)
        return
    try:
        served = desk.work.begin(_ask_who_and_serve(desk, listener, body, reply))
    except TooMuchWork:
        await _turn_away(reply)
        return
    await asyncio.wait({served}, timeout=ANSWER_WITHIN)
    if not reply.is_acknowledged:
        await reply.acknowledge()


async def _ask_who_and_serve(desk: Desk, listener: Listener, body: Body, reply: Reply) -> None:
    try:
        visit = await desk.gate.visit(body)
    except Exception as failure:  # noqa: BLE001  # slack_sdk lets more escape than its own errors
        incident_of(failure, desk)
        await reply.with_card(unknown_person_card())
        return
    await _serve(desk, listener, visit, reply)


async def _serve(desk: Desk, listener: Listener, visit: Visit, reply: Reply) -> None:
    """The one place, see the module's docstring."""
    try:
        if visit.asker.is_stranger:
            note_refused(desk, visit, "of another organisation")
            await reply.with_card(stranger_card())
        else:
            await listener(desk, visit, reply)
    except Tampered:
        note_refused(desk, visit, "a button that was changed, or of another time")
        await reply.with_card(tampered_card())
    except Stopped as failure:
        await _refuse(desk, visit, reply, refusal_card(failure, desk))
    except TooMuchWork:
        await _turn_away(reply)
    except Exception as failure:  # noqa: BLE001  # the one place
        await reply.with_card(unexpected_card(incident_of(failure, desk)))


async def _turn_away(reply: Reply) -> None:
    log.warning("work.refused")
    await reply.with_card(words_card("Too much is going on", "Please try again in a minute."))


async def _refuse(desk: Desk, visit: Visit, reply: Reply, card: Card) -> None:
    """Alone; in a modal in its place, for a press there can not be answered otherwise."""
    container = container_of(visit.body)
    if container.get("type") == "view":
        await reply.acknowledge()
        await desk.slack.views_update(view_id=str(container.get("view_id")), view=words_view("More", card.text))
    else:
        await reply.with_card(card)


async def on_command(desk: Desk, visit: Visit, reply: Reply) -> None:
    """`/rectask …`: refusals and help at once, what has to be asked at once if it is quick enough."""
    typed = str(visit.body.get("text") or "")
    match parse_command(typed, apps=desk.apps):
        case Refused(problem):
            _enter(desk, visit, reason="not understood")
            await reply.at_once(usage_card(problem, typed=on_screen(typed)))
        case Help():
            _enter(desk, visit, reason="help")
            await reply.at_once(help_card(tuple(app.name for app in desk.apps)))
        case LookUp(ref):
            await _look_up(desk, ref, visit, reply)
        case Watch(ref):
            may_subscribe(desk, ref, visit)
            if await is_new(desk, visit, reply, or_if_unknown=True):
                await _answer(desk, lambda: watch_card(desk, ref, visit), reply)
        case Unwatch(ref):
            if await is_new(desk, visit, reply, or_if_unknown=True):
                await _answer(desk, lambda: unwatch_card(desk, ref, visit), reply)
        case List():
            await _answer(desk, lambda: subscriptions_card(desk, visit), reply)


def _enter(desk: Desk, visit: Visit, *, reason: str) -> None:
    """What is about no recording tells the names of the apps: not to those who may nothing. Raises NotAllowed."""
    desk.gate.check_inside(visit, Deed.OTHER)
    desk.gate.note(visit, Deed.OTHER, None, reason=reason)


async def _look_up(desk: Desk, ref: TaskRef, visit: Visit, reply: Reply) -> None:
    """What is in memory costs RTC nothing, and is not counted."""
    gate, answerer = desk.gate, desk.answerer
    gate.check(visit, Deed.LOOK_UP, ref)
    if (remembered := answerer.remembered(ref)) is not None:
        gate.note(visit, Deed.LOOK_UP, ref, request_id=remembered.request_id)
        desk.meter.looked_up(None)
        if desk.linker.has_some(visit, remembered):
            await _answer(desk, lambda: _card_with_links(desk, visit, remembered), reply)
        else:
            await reply.at_once(answerer.card_of(remembered))
        return
    if not answerer.knows(ref):
        gate.count(visit, Deed.LOOK_UP, ref)
    note = partial(gate.note_read, visit, Deed.LOOK_UP, ref)
    links = partial(desk.linker.on_card, visit)
    await _answer(desk, lambda: answerer.card(ref, person=visit.person, on_result=note, links=links), reply)


async def _card_with_links(desk: Desk, visit: Visit, remembered: Reading) -> Card:
    return desk.answerer.card_of(remembered, links=await desk.linker.on_card(visit, remembered))


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


async def on_refresh(desk: Desk, visit: Visit, reply: Reply) -> None:
    """Ask RTC anew and put the answer in the place of the card; a shared card stays shared by whom it was."""
    await reply.acknowledge()
    press = desk.press(visit.body)
    desk.gate.check(visit, Deed.LOOK_UP, press.ref)
    desk.gate.count(visit, Deed.LOOK_UP, press.ref)
    if (told := press.told) is not None:
        desk.work.begin(answered(desk, reply, lambda: _refresh_notice(desk, press.ref, told, visit, reply)))
    else:
        desk.work.begin(answered(desk, reply, lambda: _refresh(desk, press, visit, reply)))


async def _refresh(desk: Desk, press: Press, visit: Visit, reply: Reply) -> None:
    answerer, shared_by, is_own = desk.answerer, press.shared_by, is_own_card(visit, press)
    if not is_own and not await can_post_again(desk, visit, press):
        await _refresh_alone(desk, press, visit, reply)
        return
    person, links = (visit.person, partial(desk.linker.on_card, visit)) if is_own else (None, desk.linker.offer)
    note = partial(desk.gate.note_read, visit, Deed.LOOK_UP, press.ref)
    card = await made(
        desk,
        lambda: answerer.card(press.ref, person=person, on_result=note, links=links, fresh=True, shared_by=shared_by),
    )
    await reply.afterwards(card, replace=True, in_channel=press.shared_by is not None)


async def _refresh_alone(desk: Desk, press: Press, visit: Visit, reply: Reply) -> None:
    """Beside a card that everybody sees, which stays as it is."""
    note, links = partial(desk.gate.note_read, visit, Deed.LOOK_UP, press.ref), partial(desk.linker.on_card, visit)
    card = await made(
        desk,
        lambda: desk.answerer.card(press.ref, person=visit.person, on_result=note, links=links, fresh=True),
    )
    await reply.afterwards(alone(card))


async def _refresh_notice(desk: Desk, ref: TaskRef, told: Told, visit: Visit, reply: Reply) -> None:
    """A notice is kept for as long as its reader wants: only a newer answer about the same recording replaces it."""
    answerer = desk.answerer
    try:
        reading = await answerer.read(ref, fresh=True)
    except TaskReadError as failure:
        desk.gate.note_read(visit, Deed.LOOK_UP, ref, failure)
        await reply.afterwards(answerer.failure_card(failure, ref, note="The message above stays as it is."))
        return
    desk.gate.note_read(visit, Deed.LOOK_UP, ref, reading)
    standing = await answerer.standing(reading.task, visit.person)
    if not told.is_about(reading.task):
        links = await desk.linker.on_card(visit, reading)
        await reply.afterwards(newer_card(reading, now=answerer.clock(), standing=standing, links=links))
        return
    links, container = await desk.linker.offer(reading), container_of(visit.body)
    card = told_again(reading, told, now=answerer.clock(), standing=standing, links=links)
    # Not through the response_url: chat.update is documented to leave the metadata, by which a notice is found again.
    await desk.slack.chat_update(
        channel=str(container.get("channel_id")),
        ts=str(container.get("message_ts")),
        text=card.text,
        blocks=list(card.blocks),
    )


async def on_unknown_action(desk: Desk, visit: Visit, reply: Reply) -> None:
    """A button of a card of another time, or none of ours."""
    note_refused(desk, visit, "a button that is not known")
    await reply.with_card(tampered_card())
