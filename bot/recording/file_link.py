"""How a recorded file becomes a link that opens it: the protocol, what comes back and how it can fail."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.recording.task import RecordingFile
from bot.recording.task_ref import TaskRef


@dataclass(frozen=True, slots=True)
class Link:
    """An address that opens one file, for whoever has it: it is to be handed to one person, and never to be kept.

    `expires_at` is None where the address does not expire, or nothing says when. `note` is for people: what they have
    to know before they open it.
    """

    url: str = field(repr=False)
    expires_at: datetime | None = None
    note: str | None = None


class LinkUnavailable(Exception):
    """No link could be made. `happened`, `meaning` and `advice` are for the person who runs Rectask.

    `reason` is for everybody, without hosts and settings, and `for_reader` what somebody who wants the file can do.
    `request_id` and `log_id` are what the vendor's support asks for, where the vendor was asked.
    """

    def __init__(
        self,
        happened: str,
        *,
        meaning: str,
        advice: str,
        reason: str,
        for_reader: str,
        request_id: str | None = None,
        log_id: str | None = None,
    ) -> None:
        super().__init__(happened)
        self.happened = happened
        self.meaning = meaning
        self.advice = advice
        self.reason = reason
        self.for_reader = for_reader
        self.request_id = request_id
        self.log_id = log_id


class LinkMaker(Protocol):
    """Something that makes links to recorded files."""

    def can_link(self, ref: TaskRef, file: RecordingFile) -> bool:
        """Whether there is a store that the file lies in; asks nobody."""
        ...

    async def link(self, ref: TaskRef, file: RecordingFile) -> Link:
        """Make a fresh link to one file of the task. Raises LinkUnavailable."""
        ...
