"""What happens when somebody types the command or presses a button. Every listener goes through `shielded`."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import partial

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.access.audit import Deed
from bot.recording.reading import Reading, TaskReadError
from bot.recording.task import TaskRef
from bot.slack.boundary import begin, guarded, made, note_slack_failure
from bot.slack.calls import called, slack_failed
from bot.slack.cards.card import Card
from bot.slack.cards.failing import asking_again_card, asking_card, working_card
from bot.slack.cards.notice import newer_card, told_again
from bot.slack.cards.refusal import unknown_person_card
from bot.slack.cards.words import alone, help_card, stranger_card, tampered_card, usage_card
from bot.slack.command import Help, List, LookUp, Refused, Unwatch, Watch, parse_command
from bot.slack.commanded import Commands
from bot.slack.desk import Desk, Listener, container_of, is_own_card
from bot.slack.events import register_events
from bot.slack.more import on_more
from bot.slack.opening import on_links, on_open
from bot.slack.refused import note_refused
from bot.slack.repeats import is_new, once
from bot.slack.reply import Reply
from bot.slack.sharing import can_post_again, on_cancel, on_share
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
from bot.slack.value import Press, Told
from bot.slack.visit import Body, Visit


def register(app: AsyncApp, desk: Desk) -> None:
    """Tell Bolt which listener is for what; the last one takes whatever no other does."""
    app.use(Commands(shielded(desk, on_command)))
    app.action(re.compile(r"rectask\.refresh(\..*)?"))(shielded(desk, once(on_refresh, when=_is_shared)))
    app.action("rectask.subscribe")(shielded(desk, once(on_subscribe, or_if_unknown=True)))
    app.action(re.compile(r"rectask\.unsubscribe(\..*)?"))(shielded(desk, once(on_unsubscribe, or_if_unknown=True)))
    app.action("rectask.list")(shielded(desk, on_list))
    app.action("rectask.clear")(shielded(desk, once(on_clear, or_if_unknown=True)))
    app.action("rectask.cancel")(shielded(desk, on_cancel))
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
            reply = Reply(ack, body, desk.ways)
            await guarded(desk, reply, lambda: _let_in(desk, listener, body, reply))

    return listen


async def _let_in(desk: Desk, listener: Listener, body: Body, reply: Reply) -> None:
    """Serve who is known at once; Slack does not wait for as long as it may take to ask who somebody is."""
    if (visit := desk.gate.visit_at_once(body)) is not None:
        await _serve(desk, listener, visit, reply)
        return
    served = desk.work.begin(guarded(desk, reply, lambda: _ask_who_and_serve(desk, listener, body, reply)))
    await asyncio.wait({served}, timeout=desk.limits.first_sign)
    if not reply.is_acknowledged:
        await reply.at_work(reply.doing)


async def _ask_who_and_serve(desk: Desk, listener: Listener, body: Body, reply: Reply) -> None:
    try:
        visit = await desk.gate.visit(body)
    except Exception as failure:  # noqa: BLE001  # slack_sdk lets more escape than its own errors
        note_slack_failure(slack_failed("users.info", failure, effect=""), desk)
        await reply.tell(unknown_person_card())
        return
    await _serve(desk, listener, visit, reply)


async def _serve(desk: Desk, listener: Listener, visit: Visit, reply: Reply) -> None:
    await guarded(desk, reply, lambda: _serve_if_admitted(desk, listener, visit, reply), visit=visit)


async def _serve_if_admitted(desk: Desk, listener: Listener, visit: Visit, reply: Reply) -> None:
    desk.gate.admit(visit)
    if visit.asker.is_stranger:
        note_refused(desk, visit, "of another organisation")
        await reply.tell(stranger_card())
    else:
        await listener(desk, visit, reply)


async def on_command(desk: Desk, visit: Visit, reply: Reply) -> None:
    """`/rectask …`: refusals and help at once, what has to be asked at once if it is quick enough."""
    typed = str(visit.body.get("text") or "")
    match parse_command(typed, apps=desk.apps, told=desk.visible_apps(visit)):
        case Refused(problem):
            _enter(desk, visit, reason="not understood")
            await reply.at_once(usage_card(problem, typed=on_screen(typed)))
        case Help():
            _enter(desk, visit, reason="help")
            await reply.at_once(help_card(desk.visible_apps(visit), default=desk.apps[0]))
        case LookUp(ref):
            await _look_up(desk, ref, visit, reply)
        case Watch(ref):
            may_subscribe(desk, ref, visit)
            if await is_new(desk, visit, reply, or_if_unknown=True):
                await _answer(desk, lambda: watch_card(desk, ref, visit), reply, sign=asking_card(ref))
        case Unwatch(ref):
            if await is_new(desk, visit, reply, or_if_unknown=True):
                sign = working_card("Unsubscribing you")
                await _answer(desk, lambda: unwatch_card(desk, ref, visit), reply, sign=sign)
        case List():
            await _answer(
                desk, lambda: subscriptions_card(desk, visit), reply, sign=working_card("Reading your subscriptions")
            )


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
            sign = working_card("Building links to the files")
            await _answer(desk, lambda: _card_with_links(desk, visit, remembered), reply, sign=sign)
        else:
            await reply.at_once(answerer.card_of(remembered))
        return
    if not answerer.knows(ref):
        gate.count(visit, Deed.LOOK_UP, ref)
    note = partial(gate.note_read, visit, Deed.LOOK_UP, ref)
    links = partial(desk.linker.on_card, visit)
    others = desk.other_apps(visit, ref)
    make = partial(answerer.card, ref, person=visit.person, on_result=note, links=links, others=others)
    await _answer(desk, make, reply, sign=asking_card(ref))


async def _card_with_links(desk: Desk, visit: Visit, remembered: Reading) -> Card:
    return desk.answerer.card_of(remembered, links=await desk.linker.on_card(visit, remembered))


async def _answer(desk: Desk, make: Callable[[], Awaitable[Card]], reply: Reply, *, sign: Card) -> None:
    """With the card, as soon as that is made; with the sign, where it is not made soon."""
    reply.doing = sign
    card = desk.work.begin(made(desk, make))
    done, _ = await asyncio.wait({card}, timeout=desk.limits.first_sign)
    if done:
        await reply.at_once(card.result())
        return
    await reply.at_work(sign)
    begin(desk, reply, lambda: _answer_when_made(card, reply))


async def _answer_when_made(card: asyncio.Task[Card], reply: Reply) -> None:
    await reply.afterwards(await card)


async def on_refresh(desk: Desk, visit: Visit, reply: Reply) -> None:
    """Ask RTC anew and put the answer in the place of the card; a shared card stays shared by whom it was."""
    await reply.acknowledge()
    press = desk.press(visit.body)
    desk.gate.check(visit, Deed.LOOK_UP, press.ref)
    desk.gate.count(visit, Deed.LOOK_UP, press.ref)
    if (told := press.told) is not None:
        sign = partial(reply.at_work, asking_card(press.ref, follows="The message above changes then."))
        begin(desk, reply, lambda: _refresh_notice(desk, press.ref, told, visit, reply), sign=sign)
    else:
        sign = partial(_sign_of_refresh, desk, press, visit, reply)
        begin(desk, reply, lambda: _refresh(desk, press, visit, reply), sign=sign)


async def _sign_of_refresh(desk: Desk, press: Press, visit: Visit, reply: Reply) -> None:
    """On a card of one's own, on that; what others see stays as it is until there is an answer."""
    if is_own_card(visit, press):
        known = desk.answerer.last_known(press.ref)
        await reply.at_work(asking_again_card(press.ref, known, now=desk.answerer.clock()), replace=True)
    else:
        await reply.at_work(asking_card(press.ref, follows="The card changes then."))


async def _refresh(desk: Desk, press: Press, visit: Visit, reply: Reply) -> None:
    if is_own_card(visit, press):
        await reply.afterwards(await _card_alone(desk, press, visit, fresh=True), replace=True)
    elif desk.gate.may(visit.asker, Deed.SHARE, press.ref):
        await _refresh_for_all(desk, press, visit, reply)
    else:
        await reply.afterwards(alone(await _card_alone(desk, press, visit, fresh=True)))


async def _refresh_for_all(desk: Desk, press: Press, visit: Visit, reply: Reply) -> None:
    """Who sees the channel is asked last: RTC may take half a minute, in which that can change."""
    results = list[Reading | TaskReadError]()
    card = await desk.answerer.card(
        press.ref,
        person=None,
        on_result=results.append,
        links=desk.linker.offer,
        fresh=True,
        shared_by=press.shared_by,
    )
    if not await can_post_again(desk, visit, press):
        await reply.afterwards(alone(await _card_alone(desk, press, visit, fresh=False)))
        return
    for result in results:
        desk.gate.note_read(visit, Deed.LOOK_UP, press.ref, result)
    await reply.afterwards(card, replace=True, in_channel=press.shared_by is not None)


async def _card_alone(desk: Desk, press: Press, visit: Visit, *, fresh: bool) -> Card:
    note, links = partial(desk.gate.note_read, visit, Deed.LOOK_UP, press.ref), partial(desk.linker.on_card, visit)
    others = desk.other_apps(visit, press.ref)
    return await desk.answerer.card(
        press.ref, person=visit.person, on_result=note, links=links, fresh=fresh, others=others
    )


async def _refresh_notice(desk: Desk, ref: TaskRef, told: Told, visit: Visit, reply: Reply) -> None:
    """A notice is kept for as long as its reader wants: only a newer answer about the same recording replaces it."""
    answerer = desk.answerer
    try:
        reading = await answerer.read(ref, fresh=True)
    except TaskReadError as failure:
        desk.gate.note_read(visit, Deed.LOOK_UP, ref, failure)
        note, others = "The message above stays as it is.", desk.other_apps(visit, ref)
        await reply.afterwards(answerer.failure_card(failure, ref, note=note, others=others))
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
    await called(
        "chat.update",
        lambda: desk.slack.chat_update(
            channel=str(container.get("channel_id")),
            ts=str(container.get("message_ts")),
            text=card.text,
            blocks=list(card.blocks),
        ),
        within=desk.limits.call,
        effect="The message above may not be up to date. Press Refresh again in a minute.",
    )


async def on_unknown_action(desk: Desk, visit: Visit, reply: Reply) -> None:
    """A button of a card of another time, or none of ours."""
    note_refused(desk, visit, "a button that is not known")
    await reply.tell(tampered_card())
