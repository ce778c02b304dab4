"""Readings and watched tasks of the tests, in few words."""

from datetime import UTC, datetime, timedelta

from bot.notices.subscription import Phase, WatchedTask
from bot.recording.reading import Reading
from bot.recording.stop_reason import StopReason
from bot.recording.task import RecordingFile, RecordTask, Status
from bot.recording.task_ref import RtcApp, TaskRef

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
START = NOW - timedelta(minutes=30)
REF = TaskRef(RtcApp("prod", "661e0000000000000000543c"), "Room1", "Task1")
FILE = RecordingFile(object_key="rec/a.mp4", size=1000)
MINUTE = timedelta(minutes=1)


def reading(
    status: int | None,
    *,
    start: datetime | None = START,
    end: datetime | None = None,
    reason: str = "",
    files: int = 0,
    at: datetime = NOW,
    ref: TaskRef = REF,
) -> Reading:
    """What RTC told at a moment."""
    task = RecordTask(
        ref=ref,
        status=Status.from_code(status),
        stop_reason=StopReason.from_code(reason),
        started_at=start,
        ended_at=end,
        files=(FILE,) * files,
    )
    return Reading(task=task, read_at=at, raw="{}")


def watched(
    *,
    seen: Reading | None = None,
    started_at: datetime | None = START,
    phase: Phase = Phase.WATCHING,
    failures: int = 0,
    last_error: str | None = None,
    waiting_since: datetime | None = None,
) -> WatchedTask:
    return WatchedTask(
        id=1,
        ref=REF,
        started_at=started_at,
        phase=phase,
        watched_since=START,
        next_look_at=NOW,
        failures=failures,
        last_error=last_error,
        seen=seen,
        waiting_since=waiting_since,
    )
