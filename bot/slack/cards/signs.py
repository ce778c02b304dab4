"""The one table of the signs on cards and what each means; they stand beside words, never instead of them."""

from enum import StrEnum

from bot.recording.diagnosis.verdict import Severity, Verdict
from bot.recording.reading import TaskNotFound, TaskReadError, TaskUnavailable
from bot.recording.task import NOT_STARTED, RecordTask


class Sign(StrEnum):
    """A sign by what it means. docs/signs.md has the same table for people."""

    GOOD = "✅"
    RUNNING = "⏺️"
    WAITING = "⏳"
    DOUBTFUL = "⚠️"
    BAD = "❌"
    NOT_FOUND = "🔍"
    UNAVAILABLE = "🔌"
    REFUSED = "⛔"
    QUEUED = "📨"
    DELIVERED = "📬"
    GIVEN_UP = "📭"


_BY_MOOD = {
    Severity.GOOD: Sign.GOOD,
    Severity.UNDER_WAY: Sign.RUNNING,
    Severity.DOUBTFUL: Sign.DOUBTFUL,
    Severity.BAD: Sign.BAD,
}


def sign_of(task: RecordTask, verdict: Verdict) -> Sign:
    """Of a recording."""
    if verdict.mood is Severity.UNDER_WAY and task.status == NOT_STARTED:
        return Sign.WAITING
    return _BY_MOOD[verdict.mood]


def sign_of_failure(failure: TaskReadError) -> Sign:
    """Of a look-up that brought no answer."""
    match failure:
        case TaskNotFound():
            return Sign.NOT_FOUND
        case TaskUnavailable():
            return Sign.UNAVAILABLE
    return Sign.REFUSED
