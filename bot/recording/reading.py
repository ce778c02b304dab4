"""How a record task is asked for: the protocol, how urgent an asking is, what comes back and how it can fail.

TaskReadError
├── TaskUnavailable     asking again may help; carries the last known answer, if there is one
└── TaskRefused         asking again will not help
    └── TaskNotFound    RTC knows no such task, or no longer
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Protocol

from bot.recording.task import RecordTask
from bot.recording.task_ref import TaskRef


class Priority(IntEnum):
    """Who is waiting for an answer; the lower goes first, always."""

    PERSON = 0
    BACKGROUND = 1


class Urgency:
    """The priority of one asking, which rises when somebody more urgent joins it while it waits."""

    def __init__(self, priority: Priority) -> None:
        self.priority = priority
        self._when_raised: Callable[[], None] | None = None

    def raise_to(self, priority: Priority) -> None:
        """Make it at least this urgent; it never becomes less urgent."""
        if priority < self.priority:
            self.priority = priority
            if self._when_raised is not None:
                self._when_raised()

    def watch(self, when_raised: Callable[[], None] | None) -> None:
        """Call this (only this) at the next rises; None ends it."""
        self._when_raised = when_raised


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer of RTC about a record task: what it says, when it was given and how support can find it.

    `raw` is the answer's JSON as it came. `request_id` and `log_id` are what the vendor's support asks for.
    """

    task: RecordTask
    read_at: datetime
    raw: str
    request_id: str | None = None
    log_id: str | None = None


class TaskReader(Protocol):
    """Something that can be asked for a record task."""

    async def read(self, ref: TaskRef, *, urgency: Urgency, fresh: bool = False) -> Reading:
        """Tell what is known of the task; `fresh` forbids an answer from memory. Raises TaskReadError."""
        ...


class TaskReadError(Exception):
    """A record task could not be read.

    `reason` is the first line wherever this is shown, and `for_reader` is what somebody who looks a recording up can
    do. Neither names a host, a port or a setting, for both may be posted into a channel. `happened`, `meaning` and
    `advice` are for the person who runs Rectask; if the slip is the asker's own (`is_askers`), they are for the asker.

    `code` is the vendor's error code, if it gave one; `retry_after` is in seconds, if the vendor named a time.
    """

    usual_reason = "RTC isn't responding"
    usual_advice = "Try again in a minute."
    is_usually_askers = False

    def __init__(
        self,
        happened: str,
        *,
        meaning: str,
        advice: str,
        reason: str | None = None,
        is_askers: bool = False,
        code: str | None = None,
        request_id: str | None = None,
        log_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(happened)
        self.happened = happened
        self.meaning = meaning
        self.advice = advice
        self.reason = reason or self.usual_reason
        self.is_askers = is_askers or self.is_usually_askers
        self.code = code
        self.request_id = request_id
        self.log_id = log_id
        self.retry_after = retry_after

    @property
    def for_reader(self) -> str:
        """What somebody can do who looks a recording up."""
        return f"{self.meaning} {self.advice}" if self.is_askers else self.usual_advice


class TaskUnavailable(TaskReadError):
    """RTC could not be asked, or gave no usable answer; asking again may help."""

    last_known: Reading | None = None


class TaskRefused(TaskReadError):
    """RTC refuses to answer this question; asking it again will not help."""

    usual_reason = "Volcengine rejected the request"
    usual_advice = "Trying again will not help: this has to be fixed by the person who runs Rectask."


class TaskNotFound(TaskRefused):
    """RTC knows no task of these ids: never started, started more than 72 hours ago, or the ids are wrong."""

    usual_reason = "No recording found"
    is_usually_askers = True
