"""Who is in one user group, asked of Slack as it has to be asked: an organization's token needs the workspace too.

Of all methods that Rectask calls, usergroups.users.list is the only one that needs `team_id` when the app is installed
for a whole organization ("required if org token is used", its page at docs.slack.dev, read November 2026).
"""

from collections import defaultdict
from collections.abc import AsyncIterator

from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.answers import GroupMembers, Teams
from bot.slack.errors import error_of

# Slack's word for a group that is not there (docs.slack.dev, usergroups.users.list, read November 2026).
NOT_THERE = "no_such_subteam"
_TEAMS_A_PAGE = 1000
_PAGES_AT_MOST = 10
_RATE_LIMITED = frozenset({"ratelimited", "rate_limited"})


class GroupNotThere(Exception):
    """Slack knows no such group, in no workspace that has the app."""


class Members:
    """Asks Slack. With an organization's token it remembers in which workspace a group is."""

    def __init__(self, slack: AsyncWebClient, *, is_org_wide: bool) -> None:
        self._slack = slack
        self._is_org_wide = is_org_wide
        self._team_of: dict[str, str] = {}
        # Where a group is not, as far as a search has come that was broken off: 20 calls a minute are promised.
        self._ruled_out: defaultdict[str, set[str]] = defaultdict(set)

    async def of(self, group: str) -> frozenset[str]:
        """Raises GroupNotThere, and what a failed call raises."""
        if not self._is_org_wide:
            if (members := await self._in_team(group, None)) is None:
                raise GroupNotThere
            return members
        if (team := self._team_of.get(group)) is not None and (members := await self._in_team(group, team)) is not None:
            return members
        self._team_of.pop(group, None)
        return await self._search(group)

    async def _search(self, group: str) -> frozenset[str]:
        """Workspace by workspace. One that cannot be asked matters only where the group is in no other."""
        failed: SlackClientError | None = None
        async for team in self.teams():
            if team in self._ruled_out[group]:
                continue
            try:
                members = await self._in_team(group, team)
            except SlackApiError as failure:
                if error_of(failure) in _RATE_LIMITED:
                    raise
                failed = failure
                continue
            if members is not None:
                self._team_of[group] = team
                self._ruled_out.pop(group, None)
                return members
            self._ruled_out[group].add(team)
        if failed is not None:
            raise failed
        self._ruled_out.pop(group, None)
        raise GroupNotThere

    async def _in_team(self, group: str, team: str | None) -> frozenset[str] | None:
        """None where it is not there."""
        try:
            answer = await self._slack.usergroups_users_list(usergroup=group, team_id=team)
        except SlackApiError as failure:
            if error_of(failure) == NOT_THERE:
                return None
            raise
        return frozenset(GroupMembers.read(answer).users)

    async def teams(self) -> AsyncIterator[str]:
        """The workspaces of the organization that have the app."""
        cursor: str | None = None
        for _ in range(_PAGES_AT_MOST):
            page = Teams.read(await self._slack.auth_teams_list(limit=_TEAMS_A_PAGE, cursor=cursor))
            for team in page.teams:
                yield team.id
            cursor = page.next_cursor
            if cursor is None:
                return
