"""Who people are, as Slack tells: the one place where that is asked for, understood and remembered."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from cachetools import TTLCache
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.answers import User, UserInfo
from bot.slack.connection.workspace import Workspace
from bot.slack.errors import ProfileOvertaken, error_of

PROFILE_TTL = timedelta(minutes=10)
PEOPLE_KNOWN = 10_000
# So long is memory good without word of what other replicas heard.
UNHEARD_FOR = timedelta(seconds=15)
# In a row, for somebody who changes while Slack answers.
_ASKED_AT_MOST = 3
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


class Question:
    """Somebody is being asked about. What Slack answers is not believed if they change meanwhile."""

    def __init__(self, user_id: str, *, asked_at: float) -> None:
        self.user_id = user_id
        self.asked_at = asked_at
        self.is_overtaken = False


@dataclass(frozen=True, slots=True)
class _Known:
    profile: Profile
    asked_at: float


@dataclass(frozen=True, slots=True)
class _Asking:
    question: Question
    answer: asyncio.Task[Profile]


class People:
    """Those whom Slack told of lately.

    Changes that other replicas hear of are passed on (`hearsay`). While they do not get through, only what was
    asked for a moment ago is believed; where nobody passes on any, `heard` is never called, and memory is good for its
    whole time.
    """

    def __init__(self, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._known: TTLCache[str, _Known] = TTLCache(PEOPLE_KNOWN, PROFILE_TTL.total_seconds(), timer=timer)
        self._asking: dict[str, _Asking] = {}
        self._open: set[Question] = set()
        self._heard_at: float | None = None
        self._changed: set[str] = set()
        self._something_changed = asyncio.Event()

    def recall(self, user_id: str) -> Profile | None:
        """None where Slack has to be asked."""
        known = self._known.get(user_id)
        return known.profile if known is not None and self._is_good(known) else None

    def _is_good(self, known: _Known) -> bool:
        if self._heard_at is None:
            return True
        return self._timer() - max(self._heard_at, known.asked_at) < UNHEARD_FOR.total_seconds()

    def heard(self) -> None:
        """All changes so far were passed on."""
        self._heard_at = self._timer()

    @contextmanager
    def question(self, user_id: str) -> Iterator[Question]:
        """While Slack is being asked about somebody; what it answers goes to `learn`."""
        question = Question(user_id, asked_at=self._timer())
        self._open.add(question)
        try:
            yield question
        finally:
            self._open.discard(question)

    def learn(self, user: User, question: Question) -> Profile:
        """Take in what Slack says; who is gone is not remembered, for they may return. Raises ProfileOvertaken."""
        if question.is_overtaken:
            raise ProfileOvertaken
        profile = _profile(question.user_id, user)
        if profile.is_gone:
            self._known.pop(profile.user_id, None)
        else:
            self._known[profile.user_id] = _Known(profile, question.asked_at)
        return profile

    def forget(self, user_id: str) -> None:
        """Something has changed about somebody: Slack is asked next time, and an answer on its way is not believed."""
        self._known.pop(user_id, None)
        self._asking.pop(user_id, None)
        for question in self._open:
            if question.user_id == user_id:
                question.is_overtaken = True

    def note_change(self, user_id: str) -> None:
        """Slack says that somebody has changed: forget them, and have it passed on."""
        self.forget(user_id)
        if self._heard_at is not None:
            self.put_back_changed({user_id})

    async def something_changed(self) -> None:
        """Until there is something to pass on."""
        await self._something_changed.wait()

    def take_changed(self) -> set[str]:
        """Whose changes are to be passed on."""
        changed, self._changed = self._changed, set()
        self._something_changed.clear()
        return changed

    def put_back_changed(self, user_ids: Collection[str]) -> None:
        """They are still to be passed on."""
        self._changed.update(user_ids)
        self._something_changed.set()

    async def ask(self, user_id: str, slack: AsyncWebClient) -> Profile:
        """From memory or from Slack, once however many ask at the same time.

        Raises what a failed call raises, AnswerIncomplete, and ProfileOvertaken for who changes without end.
        """
        for _ in range(_ASKED_AT_MOST - 1):
            with suppress(ProfileOvertaken):
                return await self._ask_once(user_id, slack)
        return await self._ask_once(user_id, slack)

    async def _ask_once(self, user_id: str, slack: AsyncWebClient) -> Profile:
        if (known := self.recall(user_id)) is not None:
            return known
        if (asking := self._asking.get(user_id)) is None:
            asking = self._asking[user_id] = self._begin(user_id, slack)
        profile = await asyncio.shield(asking.answer)
        if asking.question.is_overtaken:
            raise ProfileOvertaken
        return profile

    def _begin(self, user_id: str, slack: AsyncWebClient) -> _Asking:
        question = Question(user_id, asked_at=self._timer())
        self._open.add(question)
        answer = asyncio.create_task(self._ask(question, slack))
        answer.add_done_callback(lambda done: self._note_answered(question, done))
        return _Asking(question, answer)

    async def _ask(self, question: Question, slack: AsyncWebClient) -> Profile:
        try:
            answer = await slack.users_info(user=question.user_id)
        except SlackApiError as failure:
            if error_of(failure) in _NOT_SEEN:
                return Profile(question.user_id, is_foreign=True)
            raise
        return self.learn(UserInfo.read(answer).user, question)

    def _note_answered(self, question: Question, done: "asyncio.Task[Profile]") -> None:
        self._open.discard(question)
        asking = self._asking.get(question.user_id)
        if asking is not None and asking.question is question:
            del self._asking[question.user_id]
        if not done.cancelled():
            done.exception()  # nobody may be left who waits for it


def _profile(user_id: str, user: User) -> Profile:
    return Profile(
        user_id=user_id,
        team_id=user.team_id,
        enterprise_id=user.enterprise_id,
        is_guest=user.is_guest,
        is_foreign=user.is_stranger,
        is_gone=user.deleted,
    )
