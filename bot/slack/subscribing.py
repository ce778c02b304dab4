"""Subscribing and unsubscribing, by button and by command, and the list of what somebody is subscribed to."""

from bot.recording.reading import TaskReadError
from bot.recording.task import TaskRef
from bot.slack.cards.card import Card
from bot.slack.cards.listing import LISTED_AT_MOST, list_card
from bot.slack.cards.subscribing import IN_LIST, ON_ANSWER, over_card, subscribed_card, unsubscribed_card
from bot.slack.cards.task import Standing
from bot.slack.desk import Body, Desk, action_of, answered, container_of
from bot.slack.reply import Reply
from bot.slack.value import Press
from bot.subscriptions.person import Person


async def watch_card(desk: Desk, ref: TaskRef, person: Person) -> Card:
    """Subscribe the person, and say what came of it. Raises StoreUnavailable."""
    return (await _subscribe(desk, ref, person, on_own_card=False))[0]


async def unwatch_card(desk: Desk, ref: TaskRef, person: Person) -> Card:
    """Unsubscribe the person, and say what came of it. Raises StoreUnavailable."""
    was_subscribed = await desk.subscriptions.unsubscribe(ref, person)
    if was_subscribed:
        desk.homes.refresh(person)
    return unsubscribed_card(ref, was_subscribed=was_subscribed)


async def subscriptions_card(desk: Desk, person: Person) -> Card:
    """The person's list. Raises StoreUnavailable."""
    entries = await desk.subscriptions.entries(person, limit=LISTED_AT_MOST)
    return list_card(entries, now=desk.answerer.clock())


async def on_subscribe(desk: Desk, body: Body, reply: Reply) -> None:
    """On a card that only the presser sees, that changes; anywhere else the presser is answered alone."""
    await reply.acknowledge()
    press = desk.press(body)
    desk.work.begin(answered(desk, reply, lambda: _answer_subscribe(desk, press, body, reply)))


async def _answer_subscribe(desk: Desk, press: Press, body: Body, reply: Reply) -> None:
    on_own_card = _is_own_card(body, press)
    card, is_settled = await _subscribe(desk, press.ref, desk.presser(body), on_own_card=on_own_card)
    await reply.afterwards(card, replace=on_own_card and is_settled)


async def _subscribe(desk: Desk, ref: TaskRef, person: Person, *, on_own_card: bool) -> tuple[Card, bool]:
    """The card that says what came of it, and whether that is how it stands now (else nothing was changed)."""
    answerer = desk.answerer
    try:
        reading = await answerer.read(ref)
    except TaskReadError as failure:
        return answerer.failure_card(failure, ref, note="You were not subscribed."), False
    if reading.task.is_over:
        return over_card(reading, now=answerer.clock()), True
    outcome = await desk.subscriptions.subscribe(reading, person, next_look=desk.next_look(reading.task))
    if outcome.completion is not None:
        return over_card(outcome.completion.reading or reading, now=answerer.clock()), True
    if outcome.is_new:
        desk.homes.refresh(person)
    if on_own_card:
        return answerer.card_of(reading, standing=Standing.SUBSCRIBED), True
    return subscribed_card(reading, is_new=outcome.is_new, now=answerer.clock()), True


async def on_unsubscribe(desk: Desk, body: Body, reply: Reply) -> None:
    """What the button stands in shows afterwards how it stands; a notice stays, and the presser is answered alone."""
    await reply.acknowledge()
    press = desk.press(body)
    desk.work.begin(answered(desk, reply, lambda: _answer_unsubscribe(desk, press, body, reply)))


async def _answer_unsubscribe(desk: Desk, press: Press, body: Body, reply: Reply) -> None:
    person, action_id = desk.presser(body), str(action_of(body).get("action_id"))
    if container_of(body).get("type") == "view":
        await _unsubscribe_at_home(desk, press.ref, person)
        return
    said = await unwatch_card(desk, press.ref, person)
    if action_id.startswith(IN_LIST):
        await reply.afterwards(await subscriptions_card(desk, person), replace=True)
    elif action_id == ON_ANSWER:
        await reply.afterwards(said, replace=True)
    elif _is_own_card(body, press):
        await reply.afterwards(await desk.answerer.card(press.ref, person=person), replace=True)
    else:
        await reply.afterwards(said)


async def _unsubscribe_at_home(desk: Desk, ref: TaskRef, person: Person) -> None:
    """The home tab has no other way to say that the store is gone than to show it."""
    try:
        await desk.subscriptions.unsubscribe(ref, person)
    finally:
        await desk.homes.show(person)


async def on_list(desk: Desk, body: Body, reply: Reply) -> None:
    """Refresh the list, or the home tab."""
    await reply.acknowledge()
    desk.work.begin(answered(desk, reply, lambda: _refresh_list(desk, body, reply)))


async def _refresh_list(desk: Desk, body: Body, reply: Reply) -> None:
    person = desk.presser(body)
    if container_of(body).get("type") == "view":
        await desk.homes.show(person)
    else:
        await reply.afterwards(await subscriptions_card(desk, person), replace=True)


def _is_own_card(body: Body, press: Press) -> bool:
    """Whether the card is seen by nobody but the presser, and may be put in the place of."""
    return bool(container_of(body).get("is_ephemeral")) and press.shared_by is None
