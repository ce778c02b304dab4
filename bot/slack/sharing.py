"""Sharing a card with a channel, after a second yes where people of other organisations would see it."""

import structlog
from slack_sdk.errors import SlackApiError

from bot.slack.cards.words import invite_card, shared_card, shared_outside_card
from bot.slack.desk import Body, Desk, answered
from bot.slack.reply import Reply
from bot.slack.value import Press
from bot.slack.workspace import error_of

log = structlog.get_logger()

_NOT_THERE = frozenset({"channel_not_found", "not_in_channel", "missing_scope"})


async def on_share(desk: Desk, body: Body, reply: Reply) -> None:
    """Post the card for the channel, after a second yes where people of other organisations would see it."""
    await reply.acknowledge()
    press = desk.press(body)
    desk.work.begin(answered(desk, reply, lambda: _share(desk, press, body, reply)))


async def _share(desk: Desk, press: Press, body: Body, reply: Reply) -> None:
    channel_id, user_id = str((body.get("channel") or {}).get("id")), str(body["user"]["id"])
    try:
        channel = (await desk.slack.conversations_info(channel=channel_id)).get("channel") or {}
        if channel.get("is_ext_shared") and not press.outside_too:
            others = tuple(team for team in _teams_of(channel) if team != desk.workspace.team_id)
            await reply.afterwards(shared_outside_card(press, str(channel.get("name") or "this channel"), others))
            return
        card = await desk.answerer.card(press.ref, person=None, shared_by=user_id)
        await desk.slack.chat_postMessage(channel=channel_id, **card.as_message())
    except SlackApiError as failure:
        if error_of(failure) not in _NOT_THERE:
            raise
        await reply.afterwards(invite_card())
        return
    log.info("card.shared", channel=channel_id, user=user_id)
    if press.outside_too:
        await reply.afterwards(shared_card(), replace=True)


def _teams_of(channel: Body) -> list[str]:
    return [str(team) for team in (channel.get("connected_team_ids") or channel.get("shared_team_ids") or [])]
