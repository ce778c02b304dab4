"""Sharing a card with a channel, after a second yes where people of other organisations would see it."""

import structlog
from slack_sdk.errors import SlackApiError

from bot.access.audit import Deed, Outcome
from bot.recording.reading import Reading, TaskReadError
from bot.slack.cards.words import invite_card, shared_card, shared_outside_card
from bot.slack.desk import Desk, answered
from bot.slack.reply import Reply
from bot.slack.value import Press
from bot.slack.visit import Body, Visit
from bot.slack.workspace import error_of

log = structlog.get_logger()

_NOT_THERE = frozenset({"channel_not_found", "not_in_channel", "missing_scope"})


async def on_share(desk: Desk, visit: Visit, reply: Reply) -> None:
    """Post the card for the channel, after a second yes where people of other organisations would see it."""
    await reply.acknowledge()
    press = desk.press(visit.body)
    desk.gate.check(visit, Deed.SHARE, press.ref)
    if not desk.answerer.knows(press.ref):
        desk.gate.count(visit, Deed.SHARE, press.ref)
    desk.work.begin(answered(desk, reply, lambda: _share(desk, press, visit, reply)))


async def _share(desk: Desk, press: Press, visit: Visit, reply: Reply) -> None:
    with desk.gate.noting_failure(visit, Deed.SHARE, press.ref):
        await _share_here(desk, press, visit, reply)


async def _share_here(desk: Desk, press: Press, visit: Visit, reply: Reply) -> None:
    channel_id, user_id = str(visit.asker.channel), visit.person.user_id
    results = list[Reading | TaskReadError]()
    try:
        channel = (await desk.slack.conversations_info(channel=channel_id)).get("channel") or {}
        if channel.get("is_ext_shared") and not press.outside_too:
            others = tuple(team for team in _teams_of(channel) if team != desk.workspace.team_id)
            await reply.afterwards(shared_outside_card(press, str(channel.get("name") or "this channel"), others))
            return
        card = await desk.answerer.card(
            press.ref, person=None, shared_by=user_id, on_result=results.append, links=desk.linker.offer
        )
        await desk.slack.chat_postMessage(channel=channel_id, **card.as_message())
    except SlackApiError as failure:
        if error_of(failure) not in _NOT_THERE:
            raise
        reason = "the bot is not in the channel"
        desk.gate.note(visit, Deed.SHARE, press.ref, outcome=Outcome.FAILED, reason=reason)
        await reply.afterwards(invite_card())
        return
    for result in results:
        desk.gate.note_read(visit, Deed.SHARE, press.ref, result)
    log.info("card.shared", channel=channel_id, user=user_id)
    if press.outside_too:
        await reply.afterwards(shared_card(), replace=True)


def _teams_of(channel: Body) -> list[str]:
    return [str(team) for team in (channel.get("connected_team_ids") or channel.get("shared_team_ids") or [])]
