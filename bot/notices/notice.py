"""A notice: one message about one completion to one subscriber, and where it has got to."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.notices.completion import Completion
from bot.notices.person import Person
from bot.recording.task_ref import TaskRef


class NoticeState(StrEnum):
    """Where a notice has got to. The values are stored: keep them."""

    PENDING = "pending"
    SENDING = "sending"  # an attempt was begun, and its end is not known (yet)
    DELIVERED = "delivered"
    DEAD = "dead"  # given up, with the reason


@dataclass(frozen=True, slots=True)
class MessageRef:
    """Where a message stands in Slack."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to write. `key` is unique for ever and travels in the message's metadata.

    `ref` is what is watched; the completion has no reading of it if none succeeded or can still be decoded.

    `original` is where the notice of the end stands, for one about files that arrived later; `asked_in` is the
    channel where the person subscribed, None where that was in none. With `goes_on` the task was looked at still when
    this was claimed, so that another notice may follow.
    """

    key: str
    person: Person
    ref: TaskRef
    completion: Completion
    subscribed_at: datetime
    queued_at: datetime
    attempts: int = 0
    original: MessageRef | None = None
    asked_in: str | None = None
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class ClaimedNotice:
    """A notice claimed for one attempt; `token` proves the claim when something is written.

    With `is_doubtful` an earlier attempt has an unknown end: it may stand in the conversation already.
    """

    notice: Notice
    token: int
    is_doubtful: bool
