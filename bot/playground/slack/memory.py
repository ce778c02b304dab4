"""Everything that the stand-in for Slack remembers, and the only place where that changes."""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from bot.playground.slack.archive import Archive
from bot.playground.slack.world import (
    EVENTS,
    SCOPES,
    T_GRID,
    T_HOME,
    Call,
    Channel,
    Json,
    Message,
    Person,
    Refused,
    View,
    channels,
    dm_id,
    groups,
    people,
)
from bot.playground.trace import Trace

Found = TypeVar("Found")
_CALLS_KEPT = 5_000


class World:
    """People, channels, messages, views and what was noted.

    `complaints` are things that no test should let pass, `refusals` messages and views that broke a rule. While
    `token_error` is set, that is what the bot's token is answered. `app_name` is what people see the app called.
    With `is_org_wide` the app is installed for the whole organization, in its workspaces `org_teams`; a group is in the
    one that `group_teams` names, else at home.
    """

    def __init__(self, clock: Callable[[], float], trace: Trace, *, app_name: str) -> None:
        self.clock = clock
        self.app_name = app_name
        self.trace = trace
        self.people = {person.id: person for person in people()}
        self.channels = {channel.id: channel for channel in channels()}
        self.groups = groups()
        self.is_org_wide = False
        self.org_teams = [T_GRID, T_HOME]
        self.group_teams: dict[str, str] = {}
        self.archive = Archive()
        self.views: dict[str, View] = {}
        self.calls: deque[Call] = deque(maxlen=_CALLS_KEPT)
        self.complaints: list[str] = []
        self.refusals: list[Json] = []
        self.scopes = set(SCOPES)
        self.events = set(EVENTS)
        self.token_error: str | None = None
        self.messages_tab = self.home_tab = True
        self.version = 0
        self._numbers = itertools.count(1)
        self._last_ts = 0
        self._changed = asyncio.Event()

    def next_ts(self) -> str:
        """A time stamp of Slack's form, later than every one before."""
        self._last_ts = max(int(self.clock() * 1_000_000), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def next_id(self, prefix: str) -> str:
        return f"{prefix}0{next(self._numbers):08X}"

    def note(self, direction: str, what: str, summary: str, detail: object = None) -> None:
        """`direction` is who does something: to bot, from bot, or stand-in."""
        self.trace.note("slack", f"{direction}: {what}", summary, detail)
        self.touch()

    def complain(self, complaint: str) -> None:
        self.complaints.append(complaint)
        self.note("stand-in", "complaint", complaint)

    def touch(self) -> None:
        """Wakes up whoever waits for a change."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait_for(self, find: Callable[[], Found | None], *, timeout: float | None = 15.0) -> Found:
        """What `find` answers as soon as that is true; raises TimeoutError after `timeout` seconds."""
        async with asyncio.timeout(timeout):
            while not (found := find()):
                await self._changed.wait()
            return found

    def person(self, user: str) -> Person:
        """Raises Refused."""
        if user not in self.people:
            raise Refused("user_not_found")
        return self.people[user]

    def dm_with(self, user: str) -> Channel:
        """The person's direct messages with the bot, opened where they are not yet."""
        dm = Channel(dm_id(user), "directmessage", [user], is_im=True)
        return self.channels.setdefault(dm.id, dm)

    def can_see(self, user: str, message: Message) -> bool:
        return message.ephemeral_to in (None, user) and user in self.channels[message.channel].members

    def post(self, message: Message) -> Message:
        self.archive.add(message)
        self.touch()
        return message

    def change(self, message: Message, text: str, blocks: list[Json]) -> None:
        message.text, message.blocks = text, blocks
        message.edited += 1
        self.touch()

    def delete(self, message: Message) -> None:
        self.archive.remove(message)
        self.touch()

    def show_view(self, user: str, content: Json, *, previous_id: str | None = None) -> View:
        view = View(self.next_id("V"), user, content, self.next_ts(), previous_id)
        self.views[view.id] = view
        self.touch()
        return view

    def change_view(self, view: View, content: Json) -> None:
        view.content, view.hash = content, self.next_ts()
        self.touch()

    def close_views(self, *views: View) -> None:
        for view in views:
            self.views.pop(view.id, None)
        self.touch()

    def modals_of(self, user: str) -> list[View]:
        """The person's open modals, the uppermost last."""
        return [view for view in self.views.values() if view.user == user and view.type == "modal"]

    def home_of(self, user: str) -> View | None:
        homes = (view for view in self.views.values() if view.user == user and view.type == "home")
        return next(homes, None)
