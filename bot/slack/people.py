"""Who people are, as Slack tells: the one place where that is asked for, understood and remembered."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cachetools import TTLCache
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.workspace import Workspace, error_of

KNOWN_FOR = timedelta(minutes=10)
PEOPLE_KNOWN = 10_000
ANSWERS_WITHIN = 10.0
# Slack's words for somebody whom the app may not see (docs.slack.dev, users.info, read November 2026).
_NOT_SEEN = frozenset({"user_not_found", "user_not_visible"})


@dataclass(frozen=True, slots=True)
class Profile:
    """What matters of somebody. `is_foreign` is what Slack calls a stranger: of another organisation."""

    user_id: str
    team_id: str | None = None
    enterprise_id: str | None = None
    is_guest: bool = False
    is_foreign: bool = False
    is_gone: bool = False

    def belongs_to(self, workspace: Workspace) -> bool:
        """Whether they are of this workspace, or of its organisation, as members or as guests."""
        if self.is_foreign or self.is_gone:
            return False
        if workspace.enterprise_id is not None and self.enterprise_id == workspace.enterprise_id:
            return True
        return self.team_id == workspace.team_id


class People:
    """Those whom Slack told of lately."""

    def __init__(self, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._known: TTLCache[str, Profile] = TTLCache(PEOPLE_KNOWN, KNOWN_FOR.total_seconds(), timer=timer)
        self._asking: dict[str, asyncio.Task[Profile]] = {}

    def recall(self, user_id: str) -> Profile | None:
        """None where Slack has to be asked."""
        return self._known.get(user_id)

    def learn(self, user: Mapping[str, Any]) -> Profile:
        """Take in what Slack says of somebody (a `user` object); who is gone is not remembered, for they may return."""
        profile = _profile(user)
        if profile.is_gone:
            self._known.pop(profile.user_id, None)
        else:
            self._known[profile.user_id] = profile
        return profile

    def forget(self, user_id: str) -> None:
        """Something has changed about somebody: Slack is asked next time."""
        self._known.pop(user_id, None)

    async def ask(self, user_id: str, slack: AsyncWebClient) -> Profile:
        """From memory or from Slack, once however many ask at the same time. Raises what a failed call raises."""
        if (known := self.recall(user_id)) is not None:
            return known
        if (asking := self._asking.get(user_id)) is None:
            asking = self._asking[user_id] = asyncio.create_task(self._ask(user_id, slack))
            asking.add_done_callback(lambda done: self._forget_asking(user_id, done))
        return await asyncio.shield(asking)

    async def _ask(self, user_id: str, slack: AsyncWebClient) -> Profile:
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                answer = await slack.users_info(user=user_id)
        except SlackApiError as failure:
            if error_of(failure) in _NOT_SEEN:
                return Profile(user_id, is_foreign=True)
            raise
        user = answer.get("user")
        return self.learn({**(user if isinstance(user, Mapping) else {}), "id": user_id})

    def _forget_asking(self, user_id: str, done: "asyncio.Task[Profile]") -> None:
        self._asking.pop(user_id, None)
        if not done.cancelled():
            done.exception()  # nobody may be left who waits for it


def _profile(user: Mapping[str, Any]) -> Profile:
    enterprise = user.get("enterprise_user")
    return Profile(
        user_id=str(user.get("id")),
        team_id=user.get("team_id"),
        enterprise_id=enterprise.get("enterprise_id") if isinstance(enterprise, Mapping) else None,
        is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        is_foreign=bool(user.get("is_stranger")),
        is_gone=bool(user.get("deleted")),
    )
