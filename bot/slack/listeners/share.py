"""Sharing a card with a channel, after a second yes where others than those of this workspace would see it."""

import structlog

from bot.access.audit.record import AuditedAction, Outcome
from bot.recording.reading import Reading, TaskReadError
from bot.slack.answers import Posted
from bot.slack.authorization.audience import Audience, Reach, audience_of
from bot.slack.calls import SlackFailed, called
from bot.slack.cards.blocks import Card
from bot.slack.cards.failing import asking_card
from bot.slack.cards.messages import (
    invite_card,
    not_shared_card,
    shared_card,
    shared_in_organisation_card,
    shared_outside_card,
)
from bot.slack.listeners.context import ListenerContext
from bot.slack.listeners.failures import begin
from bot.slack.request.button_value import ButtonValue
from bot.slack.request.payload import Visit
from bot.slack.response import Reply

log = structlog.get_logger()

_NOT_THERE = frozenset({"channel_not_found", "not_in_channel", "missing_scope"})
_NOT_SHARED = "Nothing was posted. Press Share again in a minute."
_UNCONFIRMED = "Look in the channel before you share again: the card may be there already."


async def on_share(desk: ListenerContext, visit: Visit, reply: Reply) -> None:
    """Post the card for the channel, after a second yes where people of other organisations would see it."""
    await reply.acknowledge()
    press = desk.press(visit.body)
    desk.gate.check(visit, AuditedAction.SHARE, press.ref)
    if not desk.answerer.knows(press.ref):
        desk.gate.count(visit, AuditedAction.SHARE, press.ref)
    sign = asking_card(press.ref, follows="The card comes to the channel then.")
    begin(desk, reply, lambda: _share(desk, press, visit, reply), sign=lambda: reply.at_work(sign))


async def can_post_again(desk: ListenerContext, visit: Visit, press: ButtonValue) -> bool:
    """Whether the presser could share the card where it stands, without being asked a second time.

    What everybody sees changes for everybody: that takes the permission to share, and a channel that nobody else sees.
    """
    if not desk.gate.may(visit.asker, AuditedAction.SHARE, press.ref):
        return False
    channel_id = str(visit.asker.channel)
    try:
        audience = await called(
            "conversations.info",
            lambda: audience_of(desk.slack, desk.workspace, channel_id),
            within=desk.limits.call,
            effect="",
        )
    except SlackFailed as failure:
        log.warning("channel.not_known", error=failure.code or failure.meaning.reason)
        return False
    return audience.reach is Reach.OURS


async def _share(desk: ListenerContext, press: ButtonValue, visit: Visit, reply: Reply) -> None:
    """All of it once more where Slack asks for a pause: much may have changed meanwhile, rights too."""
    desk.gate.check(visit, AuditedAction.SHARE, press.ref)
    with desk.gate.noting_failure(visit, AuditedAction.SHARE, press.ref):
        try:
            await _share_here(desk, press, visit, reply)
        except SlackFailed as failure:
            if failure.code not in _NOT_THERE:
                raise
            reason = "the bot is not in the channel"
            desk.gate.note(visit, AuditedAction.SHARE, press.ref, outcome=Outcome.FAILED, reason=reason)
            await reply.afterwards(invite_card())


async def _share_here(desk: ListenerContext, press: ButtonValue, visit: Visit, reply: Reply) -> None:
    channel_id, user_id = str(visit.asker.channel), visit.person.user_id
    takes_time = not desk.answerer.knows(press.ref)
    if await _is_asked_a_second_time(desk, press, channel_id, reply):
        return
    results = list[Reading | TaskReadError]()
    card = await desk.answerer.card(
        press.ref, person=None, shared_by=user_id, on_result=results.append, links=desk.linker.offer
    )
    # RTC may take half a minute, in which others can come to see the channel.
    if takes_time and await _is_asked_a_second_time(desk, press, channel_id, reply):
        return
    await _post(desk, channel_id, card)
    for result in results:
        desk.gate.note_read(visit, AuditedAction.SHARE, press.ref, result)
    log.info("card.shared", channel=channel_id, user=user_id)
    if press.outside_too:
        await reply.afterwards(shared_card(), replace=True)


async def _is_asked_a_second_time(desk: ListenerContext, press: ButtonValue, channel_id: str, reply: Reply) -> bool:
    """Whether others see the channel, and that was not agreed to. Raises SlackFailed."""
    if press.outside_too:
        return False
    audience = await called(
        "conversations.info",
        lambda: audience_of(desk.slack, desk.workspace, channel_id),
        within=desk.limits.call,
        effect=_NOT_SHARED,
    )
    if audience.reach is Reach.OURS:
        return False
    await reply.afterwards(_second_question(press, audience))
    return True


async def on_cancel(desk: ListenerContext, visit: Visit, reply: Reply) -> None:
    """The second question was answered with no."""
    await reply.acknowledge()
    desk.press(visit.body, or_removed=True)
    begin(desk, reply, lambda: reply.afterwards(not_shared_card(), replace=True))


def _second_question(press: ButtonValue, audience: Audience) -> Card:
    channel = audience.channel or "this channel"
    if audience.reach is Reach.ORGANISATION:
        return shared_in_organisation_card(press, channel)
    return shared_outside_card(press, channel, len(audience.others))


async def _post(desk: ListenerContext, channel_id: str, card: Card) -> None:
    """Once: a card that Slack did not confirm may stand in the channel, where the bot can't look for it."""

    async def post() -> None:
        Posted.read(await desk.slack.chat_postMessage(channel=channel_id, **card.as_message()))

    try:
        await called("chat.postMessage", post, within=desk.limits.call, effect=_NOT_SHARED, once=True)
    except SlackFailed as failure:
        if failure.is_unconfirmed:
            failure.effect = _UNCONFIRMED
        raise
