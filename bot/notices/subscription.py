"""Who wants to be told of the end of which task, and how far the watching of it has come."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.notices.completion import Completion
from bot.notices.notice import NoticeState
from bot.recording.reading import Reading
from bot.recording.task import NOT_STARTED, RecordTask
from bot.recording.task_ref import TaskRef


class Phase(StrEnum):
    """How far the watching of a task has come. The values are stored: keep them."""

    WATCHING = "watching"
    AWAITING_FILES = "awaiting_files"  # its end has been told, without files; they may still come
    CLOSED = "closed"  # nothing more is to be found out


def known_start(task: RecordTask) -> datetime | None:
    """The start time that identifies a task; None while it is not known.

    What RTC gives for a task that has not begun may be the time of its creation, and is not relied on.
    """
    return None if task.status == NOT_STARTED else task.started_at


@dataclass(frozen=True, slots=True)
class WatchedTask:
    """A task that is looked at for all its subscribers together.

    It is identified by its ids and its start time, for RTC returns only the newest task of those ids. `started_at` is
    None until it is known; what a task that has not begun yet says of its start is not taken for it. `failures` counts
    the looks that failed since the last one that did not; `seen` is what the last good look saw; `waiting_since` is
    since when looks have seen what has to be waited out (over without files, a status that tells nothing), None for
    anything else; `next_look_at` tells nothing once it is closed.
    """

    id: int
    ref: TaskRef
    started_at: datetime | None
    phase: Phase
    watched_since: datetime
    next_look_at: datetime
    failures: int = 0
    last_error: str | None = None
    seen: Reading | None = None
    waiting_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class ClaimedTask:
    """A watched task claimed for one look; `token` proves the claim when something is written."""

    watched: WatchedTask
    token: int


@dataclass(frozen=True, slots=True)
class Subscribed:
    """What came of subscribing: new, or there already; with `completion` neither, for the task is over."""

    is_new: bool
    completion: Completion | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One subscription in a person's list. The notice is the newest one; its parts are None while there is none.

    `reason` says why the notice was given up or why it waits, or why the subscription ended without any; `settled_at`
    is when it was delivered or given up. With `has_left` it is told of nothing more, though the task may be looked at
    for others.
    """

    watched: WatchedTask
    subscribed_at: datetime
    completion: Completion | None = None
    notice_state: NoticeState | None = None
    reason: str | None = None
    settled_at: datetime | None = None
    has_left: bool = False
