"""Who and what there is in the workspace that the stand-in for Slack plays. Plain data."""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

T_HOME, T_GRID, T_OTHER = "T0HOME0001", "T0GRID0001", "T0OTHER001"
E_HOME, E_OTHER = "E0HOME0001", "E0OTHER001"
DOMAINS = {T_HOME: "home", T_GRID: "home-grid", T_OTHER: "other"}
U_ANA, U_BEN = "U0ANA00001", "U0BEN00001"
U_GUEST, U_SINGLE = "U0GUEST001", "U0SINGLE01"
U_STRANGER, U_GRID, U_GONE = "U0STRANGE1", "U0GRID0001", "U0GONE0001"
U_BOT, B_BOT, A_APP = "U0BOT00001", "B0BOT00001", "A0APP00001"
S_ONCALL, S_SUPPORT = "S0ONCALL01", "S0SUPPORT1"
C_ONCALL, C_OUTSIDE, C_SHARED = "C0ONCALL01", "C0OUTSIDE1", "C0SHARED01"
# What an app with cards, direct messages and looks at people and channels asks for.
SCOPES = frozenset(
    {
        *("commands", "chat:write", "im:write", "im:history", "users:read"),
        *("channels:read", "groups:read", "im:read", "mpim:read", "usergroups:read"),
    }
)
# The events that such an app subscribes to.
EVENTS = frozenset({"app_home_opened", "app_uninstalled", "tokens_revoked", "user_change"})


class Refused(Exception):
    """Slack says no: its error's name, and what the answer holds besides."""

    def __init__(self, error: str, **details: object) -> None:
        super().__init__(error)
        self.error = error
        self.details = details


def dm_id(user: str) -> str:
    """Of the person's direct messages with the bot."""
    return f"D{user[1:]}"


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
    is_pending_ext_shared: bool = False
    is_org_shared: bool = False


@dataclass(slots=True, eq=False)
class Message:
    """What stands in a channel; with `ephemeral_to` only that person sees it. `edited` counts the changes.

    A reply has its parent's `ts` as `thread_ts`, a parent has its `replies`, in order. A reply that `is_broadcast`
    stands in the channel as well.
    """

    ts: str
    channel: str
    user: str
    text: str
    blocks: list[Json]
    ephemeral_to: str | None = None
    metadata: Json | None = None
    edited: int = 0
    thread_ts: str | None = None
    is_broadcast: bool = False
    replies: list["Message"] = field(default_factory=list)
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


def people() -> list[Person]:
    return [
        Person(U_ANA, "ana", "Ana Weber"),
        Person(U_BEN, "ben", "Ben Liu", tz="Asia/Shanghai", tz_offset=28800, locale="zh-CN"),
        Person(U_GUEST, "guest", "Gil Guest", is_restricted=True),
        Person(U_SINGLE, "single", "Sam Single", is_restricted=True, is_ultra_restricted=True),
        Person(U_STRANGER, "stranger", "Stan Ranger", team_id=T_OTHER, enterprise_id=E_OTHER, is_stranger=True),
        Person(U_GRID, "grid", "Greta Grid", team_id=T_GRID),
        Person(U_GONE, "gone", "Gwen Gone", deleted=True),
    ]


def groups() -> dict[str, list[str]]:
    """The user groups, and who is in them."""
    return {S_ONCALL: [U_ANA, U_GUEST, U_GONE], S_SUPPORT: [U_BEN, U_GRID]}


def channels() -> list[Channel]:
    return [
        Channel(C_ONCALL, "oncall", [U_ANA, U_BEN, U_GUEST, U_SINGLE, U_GRID]),
        Channel(C_OUTSIDE, "outside", [U_ANA, U_BEN], has_bot=False, is_private=True),
        Channel(C_SHARED, "shared", [U_ANA, U_BEN, U_GRID, U_STRANGER], is_ext_shared=True),
    ]
