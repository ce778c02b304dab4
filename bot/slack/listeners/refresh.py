"""The Refresh button, on a card that one person sees, on a shared card and on a notice."""

from functools import partial

from bot.access.audit.record import AuditedAction
from bot.recording.reading import Reading, TaskReadError
from bot.recording.task_ref import TaskRef
from bot.slack.calls import called
from bot.slack.cards.blocks import Card
from bot.slack.cards.failing import asking_again_card, asking_card
from bot.slack.cards.messages import alone
from bot.slack.cards.notice import newer_card, told_again
from bot.slack.listeners.context import ListenerContext, is_own_card
from bot.slack.listeners.failures import begin
from bot.slack.listeners.share import can_post_again
from bot.slack.request.button_value import ButtonValue, Told
from bot.slack.request.payload import Visit, container_of
from bot.slack.response import Reply


async def on_refresh(desk: ListenerContext, visit: Visit, reply: Reply) -> None:
    """Ask RTC anew and put the answer in the place of the card; a shared card stays shared by whom it was."""
    await reply.acknowledge()
    press = desk.press(visit.body)
    desk.gate.check(visit, AuditedAction.LOOK_UP, press.ref)
    desk.gate.count(visit, AuditedAction.LOOK_UP, press.ref)
    if (told := press.told) is not None:
        sign = partial(reply.at_work, asking_card(press.ref, follows="The message above changes then."))
        begin(desk, reply, lambda: _refresh_notice(desk, press.ref, told, visit, reply), sign=sign)
    else:
        sign = partial(_sign_of_refresh, desk, press, visit, reply)
        begin(desk, reply, lambda: _refresh(desk, press, visit, reply), sign=sign)


async def _sign_of_refresh(desk: ListenerContext, press: ButtonValue, visit: Visit, reply: Reply) -> None:
    """On a card of one's own, on that; what others see stays as it is until there is an answer."""
    if is_own_card(visit, press):
        known = desk.answerer.last_known(press.ref)
        await reply.at_work(asking_again_card(press.ref, known, now=desk.answerer.clock()), replace=True)
    else:
        await reply.at_work(asking_card(press.ref, follows="The card changes then."))


async def _refresh(desk: ListenerContext, press: ButtonValue, visit: Visit, reply: Reply) -> None:
    if is_own_card(visit, press):
        await reply.afterwards(await _card_alone(desk, press, visit, fresh=True), replace=True)
    elif desk.gate.may(visit.asker, AuditedAction.SHARE, press.ref):
        await _refresh_for_all(desk, press, visit, reply)
    else:
        await reply.afterwards(alone(await _card_alone(desk, press, visit, fresh=True)))


async def _refresh_for_all(desk: ListenerContext, press: ButtonValue, visit: Visit, reply: Reply) -> None:
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
        desk.gate.note_read(visit, AuditedAction.LOOK_UP, press.ref, result)
    await reply.afterwards(card, replace=True, in_channel=press.shared_by is not None)


async def _card_alone(desk: ListenerContext, press: ButtonValue, visit: Visit, *, fresh: bool) -> Card:
    note, links = (
        partial(desk.gate.note_read, visit, AuditedAction.LOOK_UP, press.ref),
        partial(desk.linker.on_card, visit),
    )
    others = desk.other_apps(visit, press.ref)
    return await desk.answerer.card(
        press.ref, person=visit.person, on_result=note, links=links, fresh=fresh, others=others
    )


async def _refresh_notice(desk: ListenerContext, ref: TaskRef, told: Told, visit: Visit, reply: Reply) -> None:
    """A notice is kept for as long as its reader wants: only a newer answer about the same recording replaces it."""
    answerer = desk.answerer
    try:
        reading = await answerer.read(ref, fresh=True)
    except TaskReadError as failure:
        desk.gate.note_read(visit, AuditedAction.LOOK_UP, ref, failure)
        note, others = "The message above stays as it is.", desk.other_apps(visit, ref)
        await reply.afterwards(answerer.failure_card(failure, ref, note=note, others=others))
        return
    desk.gate.note_read(visit, AuditedAction.LOOK_UP, ref, reading)
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
