"""Who is in the user groups that rules name, as Slack tells."""

import asyncio
import time
from collections.abc import Callable, Collection
from datetime import timedelta

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.answers import AnswerIncomplete
from bot.slack.authorization.group_members import NOT_THERE, GroupNotThere, Members
from bot.slack.errors import error_of

log = structlog.get_logger()

MEMBERSHIP_TTL = timedelta(minutes=5)
# What Slack does not tell is asked for again after this.
TRIED_AGAIN_AFTER = timedelta(seconds=30)
# Meanwhile those are in a group whom Slack told of last; when that is so long ago, nobody is.
LAST_KNOWN_FOR = timedelta(hours=1)
ANSWERS_WITHIN = 5.0


class Groups:
    """Those that are `named`; where there are none Slack is never asked."""

    def __init__(
        self,
        slack: AsyncWebClient,
        named: Collection[str],
        *,
        is_org_wide: bool = False,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._asked = Members(slack, is_org_wide=is_org_wide)
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
                members = await self._asked.of(group)
        except GroupNotThere:
            self._note_failure(group, NOT_THERE)
            self._take_in(group, frozenset())
            return
        except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError) as failure:
            self._note_failure(group, _in_words(failure))
            self._note_not_known(group)
            return
        self._take_in(group, members)
        self._good_until[group] = self._timer() + MEMBERSHIP_TTL.total_seconds()
        if group in self._failing:
            self._failing.remove(group)
            log.info("group.known_again", group=group)

    def _take_in(self, group: str, members: frozenset[str]) -> None:
        self._members[group] = members
        self._told_at[group] = self._timer()
        self._not_known.discard(group)

    def _note_failure(self, group: str, error: str) -> None:
        if group not in self._failing:
            log.error("group.not_known", group=group, error=error)
        self._failing.add(group)
        self._good_until[group] = self._timer() + TRIED_AGAIN_AFTER.total_seconds()

    def _note_not_known(self, group: str) -> None:
        self._not_known.add(group)
        if self._timer() - self._told_at[group] >= LAST_KNOWN_FOR.total_seconds():
            self._members[group] = frozenset()


def _in_words(failure: Exception) -> str:
    if isinstance(failure, SlackApiError):
        return error_of(failure)
    return str(failure) if isinstance(failure, AnswerIncomplete) else type(failure).__name__
