"""Subscribing and unsubscribing, by button and by command, and the list of what somebody is subscribed to."""

from functools import partial

from bot.access.audit.record import AuditedAction, Outcome
from bot.notices.person import Person
from bot.notices.store import DatabaseUnavailable
from bot.recording.reading import Reading, TaskReadError
from bot.recording.task import RecordTask
from bot.recording.task_ref import TaskRef
from bot.slack.calls import called
from bot.slack.cards.blocks import Card
from bot.slack.cards.failing import asking_card, working_card
from bot.slack.cards.subscription_list import LISTED_AT_MOST, list_card
from bot.slack.cards.subscriptions import (
    IN_LIST,
    ON_ANSWER,
    over_card,
    subscribed_card,
    too_many_card,
    unsubscribed_card,
)
from bot.slack.cards.task import Standing
from bot.slack.listeners.context import ListenerContext, is_own_card
from bot.slack.listeners.failures import begin
from bot.slack.request.button_value import ButtonValue
from bot.slack.request.payload import Visit, action_of, container_of
from bot.slack.response import Reply

_OVER = "it is over"
_HOME_NOT_SHOWN = "The Home tab may not be up to date. Open it again in a minute."


async def watch_card(desk: ListenerContext, ref: TaskRef, visit: Visit) -> Card:
    """Subscribe the visitor, and say what came of it. Raises DatabaseUnavailable."""
    return (await _subscribe(desk, ref, visit, on_own_card=False))[0]


async def unwatch_card(desk: ListenerContext, ref: TaskRef, visit: Visit) -> Card:
    """Unsubscribe the visitor, and say what came of it; that needs no right. Raises DatabaseUnavailable."""
    was_subscribed = await _unsubscribe(desk, ref, visit)
    if was_subscribed:
        desk.homes.refresh(visit.person)
    is_removed = ref.app not in desk.apps
    return unsubscribed_card(ref, was_subscribed=was_subscribed, can_be_taken_back=not is_removed)


async def _unsubscribe(desk: ListenerContext, ref: TaskRef, visit: Visit) -> bool:
    with desk.gate.noting_failure(visit, AuditedAction.UNSUBSCRIBE, ref):
        was_subscribed = await desk.subscriptions.unsubscribe(ref, visit.person)
    desk.gate.note(visit, AuditedAction.UNSUBSCRIBE, ref, reason=None if was_subscribed else "was not subscribed")
    return was_subscribed


async def subscriptions_card(desk: ListenerContext, visit: Visit) -> Card:
    """The visitor's list, with what they may see of each. Raises DatabaseUnavailable."""
    with desk.gate.noting_failure(visit, AuditedAction.LIST, None):
        entries = await desk.subscriptions.listed(visit.person, limit=LISTED_AT_MOST)
    desk.gate.note(visit, AuditedAction.LIST, None)
    shown, reach = desk.gate.shown(visit.asker, entries), desk.gate.reach(visit.asker)
    return list_card(shown, now=desk.answerer.clock(), reach=reach)


def may_subscribe(desk: ListenerContext, ref: TaskRef, visit: Visit) -> None:
    """Raises Denied."""
    desk.gate.check(visit, AuditedAction.SUBSCRIBE, ref)
    if not desk.answerer.knows(ref) or desk.answerer.remembered(ref) is not None:
        desk.gate.count(visit, AuditedAction.SUBSCRIBE, ref)


async def on_subscribe(desk: ListenerContext, visit: Visit, reply: Reply) -> None:
    """On a card that only the presser sees, that changes; anywhere else the presser is answered alone."""
    await reply.acknowledge()
    press = desk.press(visit.body)
    may_subscribe(desk, press.ref, visit)
    sign = partial(reply.at_work, asking_card(press.ref))
    begin(desk, reply, lambda: _answer_subscribe(desk, press, visit, reply), sign=sign)


async def _answer_subscribe(desk: ListenerContext, press: ButtonValue, visit: Visit, reply: Reply) -> None:
    on_own_card = is_own_card(visit, press)
    card, is_settled = await _subscribe(desk, press.ref, visit, on_own_card=on_own_card)
    await reply.afterwards(card, replace=on_own_card and is_settled)


async def _subscribe(desk: ListenerContext, ref: TaskRef, visit: Visit, *, on_own_card: bool) -> tuple[Card, bool]:
    """As below, and recorded where it fails."""
    with desk.gate.noting_failure(visit, AuditedAction.SUBSCRIBE, ref):
        return await _try_to_subscribe(desk, ref, visit, on_own_card=on_own_card)


async def _try_to_subscribe(
    desk: ListenerContext, ref: TaskRef, visit: Visit, *, on_own_card: bool
) -> tuple[Card, bool]:
    """The card that says what came of it, and whether that is how it stands now (else nothing was changed)."""
    answerer, person = desk.answerer, visit.person
    # What is remembered as over may have been followed by another recording of the same ids.
    is_over = answerer.remembered(ref) is not None
    try:
        reading = await answerer.read(ref, fresh=is_over)
    except TaskReadError as failure:
        desk.gate.note_read(visit, AuditedAction.SUBSCRIBE, ref, failure)
        others = desk.other_apps(visit, ref)
        return answerer.failure_card(failure, ref, note="You were not subscribed.", others=others), False
    note = partial(desk.gate.note, visit, AuditedAction.SUBSCRIBE, ref, request_id=reading.request_id)
    if reading.task.is_over:
        note(outcome=Outcome.FAILED, reason=_OVER)
        return await _over_card(desk, reading, visit), True
    if await _has_too_many(desk, reading.task, person):
        note(outcome=Outcome.REFUSED, reason="too many subscriptions")
        return too_many_card(desk.subscriptions_at_most), False
    outcome = await desk.subscriptions.subscribe(
        reading, person, next_look=desk.next_look(reading.task), asked_in=visit.asker.channel
    )
    if outcome.completion is not None:
        note(outcome=Outcome.FAILED, reason=_OVER)
        return await _over_card(desk, outcome.completion.reading or reading, visit), True
    note(reason=None if outcome.is_new else "was subscribed already")
    if outcome.is_new:
        desk.homes.refresh(person)
    if on_own_card:
        links = await desk.linker.on_card(visit, reading)
        return answerer.card_of(reading, standing=Standing.SUBSCRIBED, links=links), True
    return subscribed_card(reading, is_new=outcome.is_new, now=answerer.clock()), True


async def _has_too_many(desk: ListenerContext, task: RecordTask, person: Person) -> bool:
    """Two presses in the same moment may come to one too many, which is no harm."""
    running = await desk.subscriptions.count_running(person)
    return running >= desk.subscriptions_at_most and not await desk.subscriptions.is_subscribed(task, person)


async def _over_card(desk: ListenerContext, reading: Reading, visit: Visit) -> Card:
    return over_card(reading, now=desk.answerer.clock(), links=await desk.linker.on_card(visit, reading))


async def on_unsubscribe(desk: ListenerContext, visit: Visit, reply: Reply) -> None:
    """What the button stands in shows afterwards how it stands; a notice stays, and the presser is answered alone."""
    await reply.acknowledge()
    press = desk.press(visit.body, or_removed=True)
    sign = partial(reply.at_work, working_card("Unsubscribing you"))
    begin(desk, reply, lambda: _answer_unsubscribe(desk, press, visit, reply), sign=sign)


async def _answer_unsubscribe(desk: ListenerContext, press: ButtonValue, visit: Visit, reply: Reply) -> None:
    action_id = str(action_of(visit.body).get("action_id"))
    if container_of(visit.body).get("type") == "view":
        await _unsubscribe_at_home(desk, press.ref, visit)
        return
    said = await unwatch_card(desk, press.ref, visit)
    if action_id.startswith(IN_LIST):
        await reply.afterwards(await subscriptions_card(desk, visit), replace=True)
    elif action_id == ON_ANSWER:
        await reply.afterwards(said, replace=True)
    elif is_own_card(visit, press) and _may_look_up(desk, press, visit):
        await reply.afterwards(await _own_card(desk, press, visit), replace=True)
    else:
        await reply.afterwards(said)


def _may_look_up(desk: ListenerContext, press: ButtonValue, visit: Visit) -> bool:
    return press.ref.app in desk.apps and desk.gate.may(visit.asker, AuditedAction.LOOK_UP, press.ref)


async def _own_card(desk: ListenerContext, press: ButtonValue, visit: Visit) -> Card:
    on_result = partial(desk.gate.note_read, visit, AuditedAction.LOOK_UP, press.ref)
    links = partial(desk.linker.on_card, visit)
    others = desk.other_apps(visit, press.ref)
    return await desk.answerer.card(press.ref, person=visit.person, on_result=on_result, links=links, others=others)


async def _unsubscribe_at_home(desk: ListenerContext, ref: TaskRef, visit: Visit) -> None:
    """The home tab says by itself that the store is gone."""
    try:
        await _unsubscribe(desk, ref, visit)
    except DatabaseUnavailable:
        await _show_home(desk, visit, effect=_HOME_NOT_SHOWN)
        return
    await _show_home(desk, visit, effect=f"You are unsubscribed. {_HOME_NOT_SHOWN}")


async def _show_home(desk: ListenerContext, visit: Visit, *, effect: str) -> None:
    view = await desk.homes.view_of(visit.person)
    publish = partial(desk.slack.views_publish, user_id=visit.person.user_id, view=view)
    await called("views.publish", publish, within=desk.limits.call, effect=effect)


async def on_list(desk: ListenerContext, visit: Visit, reply: Reply) -> None:
    """Refresh the list, or the home tab."""
    await reply.acknowledge()
    sign = partial(reply.at_work, working_card("Reading your subscriptions"))
    begin(desk, reply, lambda: _refresh_list(desk, visit, reply), sign=sign)


async def _refresh_list(desk: ListenerContext, visit: Visit, reply: Reply) -> None:
    if container_of(visit.body).get("type") == "view":
        desk.gate.note(visit, AuditedAction.LIST, None)
        await _show_home(desk, visit, effect=_HOME_NOT_SHOWN)
    else:
        await reply.afterwards(await subscriptions_card(desk, visit), replace=True)


async def on_clear(desk: ListenerContext, visit: Visit, reply: Reply) -> None:
    """Take what is done out of the list, which needs no right, and show what is left of it."""
    await reply.acknowledge()
    begin(desk, reply, lambda: _clear(desk, visit, reply))


async def _clear(desk: ListenerContext, visit: Visit, reply: Reply) -> None:
    with desk.gate.noting_failure(visit, AuditedAction.LIST, None):
        await desk.subscriptions.clear(visit.person)
    desk.homes.refresh(visit.person)
    await _refresh_list(desk, visit, reply)
