"""The workspace that the stand-in for Slack plays: people, channels, messages, views and what was noted. Plain data."""

import asyncio
import copy
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

Json = dict[str, Any]
Found = TypeVar("Found")

T_HOME, T_GRID, T_OTHER = "T0HOME0001", "T0GRID0001", "T0OTHER001"
E_HOME, E_OTHER = "E0HOME0001", "E0OTHER001"
DOMAINS = {T_HOME: "home", T_GRID: "home-grid", T_OTHER: "other"}
U_ANA, U_BEN = "U0ANA00001", "U0BEN00001"
U_GUEST, U_SINGLE = "U0GUEST001", "U0SINGLE01"
U_STRANGER, U_GRID, U_GONE = "U0STRANGE1", "U0GRID0001", "U0GONE0001"
U_BOT, B_BOT, A_APP = "U0BOT00001", "B0BOT00001", "A0APP00001"
C_ONCALL, C_OUTSIDE, C_SHARED = "C0ONCALL01", "C0OUTSIDE1", "C0SHARED01"
# What an app with cards, direct messages and looks at people and channels asks for.
SCOPES = frozenset(
    "commands chat:write im:write im:history users:read channels:read groups:read im:read mpim:read".split()  # noqa: SIM905 one line reads better
)
_CALLS_KEPT, _LOG_KEPT = 20_000, 200


class Refused(Exception):
    """Slack says no: its error's name, and what the answer holds besides."""

    def __init__(self, error: str, **details: object) -> None:
        super().__init__(error)
        self.error = error
        self.details = details


@dataclass(slots=True)
class Person:
    """Somebody; a test may change them while the stand-in runs."""

    id: str
    name: str
    real_name: str
    team_id: str = T_HOME
    enterprise_id: str | None = E_HOME
    tz: str = "Europe/Berlin"
    tz_offset: int = 3600
    locale: str = "en-US"
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    deleted: bool = False


@dataclass(slots=True)
class Channel:
    """A conversation and who is in it; `has_bot` says whether the bot is."""

    id: str
    name: str
    members: list[str]
    has_bot: bool = True
    is_private: bool = False
    is_im: bool = False
    is_ext_shared: bool = False
    is_archived: bool = False


@dataclass(slots=True)
class Message:
    """What stands in a channel; with `ephemeral_to` only that person sees it. `edited` counts the changes."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: list[Json]
    ephemeral_to: str | None = None
    metadata: Json | None = None
    edited: int = 0
    thread_ts: str | None = None
    unfurl_links: bool | None = None
    unfurl_media: bool | None = None

    @property
    def is_bot(self) -> bool:
        return self.user == U_BOT


@dataclass(slots=True)
class View:
    """An open modal or a person's home tab: `content` is what the bot gave, with the ids that Slack adds."""

    id: str
    user: str
    content: Json
    hash: str
    previous_id: str | None = None
    values: Json = field(default_factory=dict)

    @property
    def type(self) -> str:
        return str(self.content["type"])


@dataclass(slots=True)
class Call:
    """One request of the bot to the Web API. `answer` is what it was told, None while there is none."""

    method: str
    arguments: Json
    token: str
    answer: Json | None = None


class World:
    """Everything that the stand-in remembers, and the only place where that changes.

    `complaints` are things that no test should let pass, `refusals` messages and views that broke a rule.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.people = {person.id: person for person in _people()}
        self.channels = {channel.id: channel for channel in _channels()}
        self.messages: list[Message] = []
        self.views: dict[str, View] = {}
        self.calls: deque[Call] = deque(maxlen=_CALLS_KEPT)
        self.complaints: list[str] = []
        self.refusals: list[Json] = []
        self.log: deque[Json] = deque(maxlen=_LOG_KEPT)
        self.scopes = set(SCOPES)
        self.messages_tab = True
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

    def note(self, direction: str, what: str, summary: str) -> None:
        self.log.append({"direction": direction, "what": what, "summary": summary[:300]})
        self.touch()

    def complain(self, complaint: str) -> None:
        self.complaints.append(complaint)
        self.note("stand-in", "complaint", complaint)

    def touch(self) -> None:
        """Wakes up whoever waits for a change."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait_for(self, find: Callable[[], Found | None], *, timeout: float | None = 5.0) -> Found:
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
        dm = Channel(f"D{user[1:]}", "directmessage", [user], is_im=True)
        return self.channels.setdefault(dm.id, dm)

    def can_see(self, user: str, message: Message) -> bool:
        return message.ephemeral_to in (None, user) and user in self.channels[message.channel].members

    def post(self, message: Message) -> Message:
        self.messages.append(message)
        self.touch()
        return message

    def find_message(self, channel: str, ts: str) -> Message | None:
        found = (message for message in reversed(self.messages) if (message.channel, message.ts) == (channel, ts))
        return next(found, None)

    def change(self, message: Message, text: str, blocks: list[Json]) -> None:
        message.text, message.blocks = text, blocks
        message.edited += 1
        self.touch()

    def delete(self, message: Message) -> None:
        self.messages[:] = [kept for kept in self.messages if kept is not message]
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

    def state(self) -> Json:
        """All that the page shows, as JSON."""
        return {
            "people": [_person_state(person) for person in self.people.values()],
            "channels": [_channel_state(channel) for channel in self.channels.values()],
            "messages": [_message_state(message) for message in self.messages],
            "views": [
                {"id": view.id, "user": view.user, "type": view.type, "view": view.content, "values": view.values}
                for view in self.views.values()
            ],
            "log": list(self.log),
        }


def _people() -> list[Person]:
    return [
        Person(U_ANA, "ana", "Ana Weber"),
        Person(U_BEN, "ben", "Ben Liu", tz="Asia/Shanghai", tz_offset=28800, locale="zh-CN"),
        Person(U_GUEST, "guest", "Gil Guest", is_restricted=True),
        Person(U_SINGLE, "single", "Sam Single", is_restricted=True, is_ultra_restricted=True),
        Person(U_STRANGER, "stranger", "Stan Ranger", team_id=T_OTHER, enterprise_id=E_OTHER, is_stranger=True),
        Person(U_GRID, "grid", "Greta Grid", team_id=T_GRID),
        Person(U_GONE, "gone", "Gwen Gone", deleted=True),
    ]


def _channels() -> list[Channel]:
    return [
        Channel(C_ONCALL, "oncall", [U_ANA, U_BEN, U_GUEST, U_SINGLE, U_GRID]),
        Channel(C_OUTSIDE, "outside", [U_ANA, U_BEN], has_bot=False, is_private=True),
        Channel(C_SHARED, "shared", [U_ANA, U_BEN, U_GRID, U_STRANGER], is_ext_shared=True),
    ]


def _person_state(person: Person) -> Json:
    names = ("id", "name", "real_name", "team_id", "is_stranger", "is_restricted", "deleted")
    return {name: getattr(person, name) for name in names}


def _channel_state(channel: Channel) -> Json:
    return {
        "id": channel.id,
        "name": channel.name,
        "is_ext_shared": channel.is_ext_shared,
        "is_dm": channel.is_im,
        "has_bot": channel.has_bot,
        "member_ids": list(channel.members),
    }


def _message_state(message: Message) -> Json:
    return {
        "ts": message.ts,
        "channel": message.channel,
        "author": message.user,
        "is_bot": message.is_bot,
        "text": message.text,
        "blocks": copy.deepcopy(message.blocks),
        "ephemeral_to": message.ephemeral_to,
        "edited": bool(message.edited),
    }
