"""What subscribers of a task are told, and on which occasion."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.recording.reading import Reading


class Occasion(StrEnum):
    """Why subscribers of a task are written to; each once a subscription at most. The values are stored: keep them."""

    ENDED = "ended"  # it is over, well or badly, with its files or without any
    FILES = "files"  # files have appeared after ENDED was told without any
    UNCLEAR = "unclear"  # its status has been unknown for long; it is watched on
    REPLACED = "replaced"  # a newer task has taken its ids, so that RTC tells no more of it
    GONE = (
        "gone"  # of the releases that believed a "not found" before the 72 hours were over; stored, and no longer told
    )
    FORGOTTEN = "forgotten"  # the 72 hours are over


@dataclass(frozen=True, slots=True)
class Completion:
    """The occasion, when it was noticed here, and the last reading of the task.

    With REPLACED, `reading` is of the task that was watched and `newer` of the one that took its ids.
    """

    occasion: Occasion
    noticed_at: datetime
    reading: Reading | None
    newer: Reading | None = None
