"""Who is in the user groups that rules name, as Slack tells."""

import asyncio
import time
from collections.abc import Callable, Collection
from datetime import timedelta

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.workspace import error_of

log = structlog.get_logger()

KNOWN_FOR = timedelta(minutes=5)
# What Slack does not tell is asked for again after this.
TRIED_AGAIN_AFTER = timedelta(seconds=30)
# Meanwhile those are in a group whom Slack told of last; when that is so long ago, nobody is.
LAST_KNOWN_FOR = timedelta(hours=1)
ANSWERS_WITHIN = 5.0
# Slack's word for a group that is not there (docs.slack.dev, usergroups.users.list, read November 2026).
_NOT_THERE = "no_such_subteam"


class Groups:
    """Those that are `named`; where there are none Slack is never asked."""

    def __init__(
        self, slack: AsyncWebClient, named: Collection[str], *, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._slack = slack
        self._timer = timer
        self._members: dict[str, frozenset[str]] = dict.fromkeys(named, frozenset())
        self._good_until = dict.fromkeys(named, float("-inf"))
        self._told_at = dict.fromkeys(named, float("-inf"))
        self._failing: set[str] = set()
        self._not_known: set[str] = set()
        self._turn = asyncio.Lock()

    def recall(self, user_id: str) -> frozenset[str] | None:
        """Those that somebody is in; None where Slack has to be asked."""
        return None if any(self._outdated()) else self._of(user_id)

    async def of(self, user_id: str) -> frozenset[str]:
        """Those that somebody is in, as far as Slack tells. Never raises."""
        if any(self._outdated()):
            async with self._turn:
                await asyncio.gather(*(self._ask(group) for group in self._outdated()))
        return self._of(user_id)

    @property
    def not_known(self) -> frozenset[str]:
        """Those that Slack did not tell of when it was asked last: somebody may be in them or not."""
        return frozenset(self._not_known)

    def _of(self, user_id: str) -> frozenset[str]:
        return frozenset(group for group, members in self._members.items() if user_id in members)

    def _outdated(self) -> list[str]:
        now = self._timer()
        return [group for group, until in self._good_until.items() if until <= now]

    async def _ask(self, group: str) -> None:
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                answer = await self._slack.usergroups_users_list(usergroup=group)
        except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError) as failure:
            self._note_failure(group, failure)
            return
        users = answer.get("users")
        self._take_in(group, frozenset(users if isinstance(users, list) else ()))
        self._good_until[group] = self._timer() + KNOWN_FOR.total_seconds()
        if group in self._failing:
            self._failing.remove(group)
            log.info("group.known_again", group=group)

    def _take_in(self, group: str, members: frozenset[str]) -> None:
        self._members[group] = members
        self._told_at[group] = self._timer()
        self._not_known.discard(group)

    def _note_failure(self, group: str, failure: Exception) -> None:
        error = error_of(failure) if isinstance(failure, SlackApiError) else type(failure).__name__
        if group not in self._failing:
            log.error("group.not_known", group=group, error=error)
        self._failing.add(group)
        if error == _NOT_THERE:
            self._take_in(group, frozenset())
        else:
            self._not_known.add(group)
        if self._timer() - self._told_at[group] >= LAST_KNOWN_FOR.total_seconds():
            self._members[group] = frozenset()
        self._good_until[group] = self._timer() + TRIED_AGAIN_AFTER.total_seconds()
