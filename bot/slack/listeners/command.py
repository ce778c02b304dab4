"""The slash command `/rectask`."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from bot.access.audit.record import AuditedAction
from bot.recording.reading import Reading
from bot.recording.task_ref import TaskRef
from bot.slack.cards.blocks import Card
from bot.slack.cards.failing import asking_card, working_card
from bot.slack.cards.messages import help_card, usage_card
from bot.slack.listeners.context import ListenerContext
from bot.slack.listeners.failures import begin, made
from bot.slack.listeners.repeats import is_new
from bot.slack.listeners.subscriptions import may_subscribe, subscriptions_card, unwatch_card, watch_card
from bot.slack.request.command import Help, List, LookUp, Refused, Unwatch, Watch, parse_command
from bot.slack.request.payload import Visit
from bot.slack.request.typed import on_screen
from bot.slack.response import Reply


async def on_command(desk: ListenerContext, visit: Visit, reply: Reply) -> None:
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


def _enter(desk: ListenerContext, visit: Visit, *, reason: str) -> None:
    """Words about no recording name the apps: not to people without any permission. Raises NotAllowed."""
    desk.gate.check_inside(visit, AuditedAction.OTHER)
    desk.gate.note(visit, AuditedAction.OTHER, None, reason=reason)


async def _look_up(desk: ListenerContext, ref: TaskRef, visit: Visit, reply: Reply) -> None:
    """What is in memory costs RTC nothing, and is not counted."""
    gate, answerer = desk.gate, desk.answerer
    gate.check(visit, AuditedAction.LOOK_UP, ref)
    if (remembered := answerer.remembered(ref)) is not None:
        gate.note(visit, AuditedAction.LOOK_UP, ref, request_id=remembered.request_id)
        desk.meter.looked_up(None)
        if desk.linker.has_some(visit, remembered):
            sign = working_card("Building links to the files")
            await _answer(desk, lambda: _card_with_links(desk, visit, remembered), reply, sign=sign)
        else:
            await reply.at_once(answerer.card_of(remembered))
        return
    if not answerer.knows(ref):
        gate.count(visit, AuditedAction.LOOK_UP, ref)
    note = partial(gate.note_read, visit, AuditedAction.LOOK_UP, ref)
    links = partial(desk.linker.on_card, visit)
    others = desk.other_apps(visit, ref)
    make = partial(answerer.card, ref, person=visit.person, on_result=note, links=links, others=others)
    await _answer(desk, make, reply, sign=asking_card(ref))


async def _card_with_links(desk: ListenerContext, visit: Visit, remembered: Reading) -> Card:
    return desk.answerer.card_of(remembered, links=await desk.linker.on_card(visit, remembered))


async def _answer(desk: ListenerContext, make: Callable[[], Awaitable[Card]], reply: Reply, *, sign: Card) -> None:
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
