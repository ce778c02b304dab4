"""Who sees what is posted into a conversation."""

from dataclasses import dataclass
from enum import Enum

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.answers import Channel, ChannelInfo
from bot.slack.connection.workspace import Workspace


class Reach(Enum):
    """How far beyond those whom the app was installed for a conversation is seen."""

    OURS = "ours"
    ORGANISATION = "organisation"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who sees a conversation. `others` are the other organisations, or those invited, as far as Slack names them."""

    reach: Reach
    channel: str | None = None
    others: tuple[str, ...] = ()


async def audience_of(slack: AsyncWebClient, workspace: Workspace, channel_id: str) -> Audience:
    """Ask Slack, every time: a channel can become shared at any moment.

    Raises what a failed call raises, and AnswerIncomplete where Slack leaves out what tells it.
    """
    channel = ChannelInfo.read(await slack.conversations_info(channel=channel_id)).channel
    return Audience(_reach_of(channel, workspace), channel.name, _others_in(channel, workspace))


def _reach_of(channel: Channel, workspace: Workspace) -> Reach:
    """A pending invitation counts: whoever accepts it reads what was said before. So does unknown sharing."""
    is_invited = channel.is_pending_ext_shared or channel.pending_shared or channel.pending_connected_team_ids
    is_strange = channel.is_shared and not channel.is_org_shared
    if channel.is_ext_shared or is_invited or is_strange:
        return Reach.OUTSIDE
    return Reach.ORGANISATION if channel.is_org_shared and not workspace.is_org_wide else Reach.OURS


def _others_in(channel: Channel, workspace: Workspace) -> tuple[str, ...]:
    named = channel.connected_team_ids or channel.shared_team_ids
    invited = channel.pending_connected_team_ids or channel.pending_shared
    return tuple(team for team in dict.fromkeys([*named, *invited]) if team != workspace.team_id)
