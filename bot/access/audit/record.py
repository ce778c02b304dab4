"""What is recorded of what people did: who, what, when, from where, and what came of it; never a link or a secret."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class AuditedAction(StrEnum):
    """What somebody did, or wanted to. The values are stored: keep them."""

    LOOK_UP = "look_up"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    LIST = "list"
    SHARE = "share"
    LINK = "link"  # they were given a link to a file
    OPEN = "open"  # they pressed one that they had been given
    NOTICE = "notice"  # they were told of a recording that they had subscribed to
    OTHER = "other"  # help, what is misspelt, a button of another time


class Door(StrEnum):
    """Where somebody came in. The values are stored: keep them."""

    COMMAND = "command"
    BUTTON = "button"
    HOME = "home"
    NOTICE = "notice"


class Outcome(StrEnum):
    """What came of it. The values are stored: keep them."""

    DONE = "done"
    REFUSED = "refused"  # by Rectask: they may not
    FAILED = "failed"  # it could not be done


def new_id() -> str:
    """Unique for ever."""
    return secrets.token_urlsafe(12)


@dataclass(frozen=True, slots=True)
class Record:
    """One deed. `app`, `room`, `task` say on what, where that is known; `file` is the object key or Vid of a link.

    `reason` says why it was refused or failed, `request_id` is RTC's for the answer that was shown. With an `id` that
    is written already nothing is written.
    """

    at: datetime
    team_id: str
    user_id: str
    deed: AuditedAction
    door: Door
    outcome: Outcome
    channel: str | None = None
    app: str | None = None
    room: str | None = None
    task: str | None = None
    file: str | None = None
    reason: str | None = None
    request_id: str | None = None
    id: str = field(default_factory=new_id)

    def as_json(self) -> Mapping[str, str | None]:
        """The form of JSON lines; documented in docs/audit.md."""
        return {
            "at": self.at.isoformat(),
            "team": self.team_id,
            "user": self.user_id,
            "what": self.deed.value,
            "door": self.door.value,
            "channel": self.channel,
            "app": self.app,
            "room": self.room,
            "task": self.task,
            "file": self.file,
            "outcome": self.outcome.value,
            "reason": self.reason,
            "request_id": self.request_id,
            "id": self.id,
        }


class NotRecorded(Exception):
    """What was to be recorded could not be written, or what was recorded not be read."""


class Sink(Protocol):
    """Somewhere that records are written to."""

    async def write(self, records: Sequence[Record]) -> None:
        """All of them, or none; those that are written already are passed over. Raises NotRecorded."""
        ...


@dataclass(frozen=True, slots=True)
class Search:
    """Which records are looked for: those that fit every part that is there; `since` is included, `until` is not."""

    user_id: str | None = None
    app: str | None = None
    room: str | None = None
    task: str | None = None
    deed: AuditedAction | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    until: datetime | None = None


class Records(Sink, Protocol):
    """The store's records."""

    async def find(self, search: Search, *, limit: int, before: tuple[datetime, str] | None) -> Sequence[Record]:
        """The newest first; `before` (the last one's `at` and `id`) goes on where a page ended. Raises NotRecorded."""
        ...

    async def forget(self, *, before: datetime, at_most: int) -> int:
        """Delete records from before that; how many. Raises NotRecorded."""
        ...


class AuditLog(Protocol):
    """What those who do something are given."""

    def note(self, record: Record) -> None:
        """Written within a second, unless the process dies before. Never raises, never waits."""
        ...

    async def keep(self, *records: Record) -> None:
        """Written when this returns. Raises NotRecorded: then what was to be recorded must not be done."""
        ...
