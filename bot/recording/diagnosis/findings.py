"""What looks wrong with a recording, and what to do about each."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.recording.format import format_count, format_duration
from bot.recording.stop_reason import START_TASK_FAILED, UNKNOWN_STOP_REASON
from bot.recording.task import ENDED, FAILED, NOT_STARTED, RUNNING, RecordTask

# A list of files can come some minutes after the end; later than this its absence is a finding.
FILES_MAY_FOLLOW_FOR = timedelta(hours=1)


# A task that has not begun this long after its creation is not merely on its way.
START_MAY_TAKE = timedelta(minutes=2)


# A running task this close to the end of the 72 hours is worth a word.
FORGETTING_IS_NEAR = timedelta(hours=2)


# Clocks differ a little; a start further in the future than this is a contradiction.
CLOCKS_MAY_DIFFER_BY = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a recording that looks wrong, and what to do about it."""

    what: str
    advice: str


_ASK_AGAIN = "Ask again in a minute; if it stays, give the request id to Volcengine's support."


_CHECK_CLOCK = "Check this machine's clock; if it is right: " + _ASK_AGAIN


def contradictions(task: RecordTask, *, now: datetime) -> tuple[Finding, ...]:
    """Where parts of the answer cannot be true together, or cannot be read."""
    signs = (*_signs_in_times(task, now=now), *_signs_in_status(task))
    found = tuple(Finding(what, advice) for is_so, what, advice in signs if is_so)
    if not task.unreadable_files:
        return found
    what = f"{format_count(task.unreadable_files, 'entry')} of the file list cannot be read."
    return (*found, Finding(what, "Look at the raw answer, and report it with the request id."))


def _signs_in_times(task: RecordTask, *, now: datetime) -> tuple[tuple[bool, str, str], ...]:
    latest = now + CLOCKS_MAY_DIFFER_BY
    is_reversed = is_before(task.ended_at, task.started_at)
    has_no_end = task.is_over and task.ended_at is None and task.stop_reason != START_TASK_FAILED
    return (
        (is_reversed, "The end lies before the start: no length can be told.", _ASK_AGAIN),
        (is_before(latest, task.started_at), "The start lies in the future.", _CHECK_CLOCK),
        (is_before(latest, task.ended_at), "The end lies in the future.", _CHECK_CLOCK),
        (has_no_end, "It is over, yet no end time is given.", _ASK_AGAIN),
    )


def _signs_in_status(task: RecordTask) -> tuple[tuple[bool, str, str], ...]:
    says = f"The status says “{task.status.name}”, yet "
    is_under_way = task.status in (NOT_STARTED, RUNNING)
    never_started = task.stop_reason == START_TASK_FAILED and task.status in (RUNNING, ENDED)
    has_reason = is_under_way and task.ended_at is None and task.stop_reason is not None
    return (
        (is_under_way and task.ended_at is not None, says + "there is an end time.", _ASK_AGAIN),
        (has_reason, says + "there is a stop reason.", _ASK_AGAIN),
        (never_started, says + "the stop reason says that it never started.", _ASK_AGAIN),
        (task.status == NOT_STARTED and bool(task.files), says + "there are files.", _ASK_AGAIN),
    )


def is_before(earlier: datetime | None, later: datetime | None) -> bool:
    return earlier is not None and later is not None and earlier < later


def findings(task: RecordTask, *, now: datetime) -> tuple[Finding, ...]:
    """What is believable and still not as it should be."""
    candidates = (
        _start_failed(task),
        _failed(task),
        _cause_unknown(task),
        _status_unclear(task),
        _start_is_late(task, now=now),
        _files_are_missing(task, now=now),
        _files_are_empty(task),
        _is_soon_forgotten(task, now=now),
    )
    return tuple(concern for concern in candidates if concern is not None)


def _start_failed(task: RecordTask) -> Finding | None:
    if task.stop_reason != START_TASK_FAILED or not task.is_over:
        return None
    has_files = task.files or task.unreadable_files
    return Finding(
        "The task could not be started, " + ("yet it lists files." if has_files else "so nothing was recorded."),
        "Check the parameters it was started with, above all storage (bucket, key, region), then start a new task.",
    )


def _failed(task: RecordTask) -> Finding | None:
    if task.status != FAILED or task.stop_reason == START_TASK_FAILED:
        return None
    to_do = "start a new task if the room is still in use, and give the request id to Volcengine's support."
    if not task.files:
        return Finding("The task failed; it may have recorded nothing.", to_do[0].upper() + to_do[1:])
    return Finding("The task failed; what it recorded may be incomplete.", "Play the files there are, " + to_do)


def _cause_unknown(task: RecordTask) -> Finding | None:
    if task.stop_reason != UNKNOWN_STOP_REASON or task.status != ENDED:
        return None
    return Finding(
        "Volcengine does not know why it stopped.",
        "Check that the files are complete; if not, give the request id to Volcengine's support.",
    )


def _status_unclear(task: RecordTask) -> Finding | None:
    if task.status in (NOT_STARTED, RUNNING, ENDED, FAILED):
        return None
    return Finding(
        "Whether it is recording cannot be told from this status.",
        "Do not rely on it: ask again in a minute, and start a second task, with another id, if the call matters.",
    )


def _start_is_late(task: RecordTask, *, now: datetime) -> Finding | None:
    if task.status != NOT_STARTED or task.started_at is None or now - task.started_at < START_MAY_TAKE:
        return None
    if task.files or task.ended_at is not None:
        return None
    waited = format_duration(now - task.started_at)
    return Finding(
        f"It was created {waited} ago and has not begun.",
        "Nothing is being recorded: check that somebody sends in the room, else start a new task.",
    )


def _files_are_missing(task: RecordTask, *, now: datetime) -> Finding | None:
    if not task.is_over or task.files or task.unreadable_files or task.stop_reason == START_TASK_FAILED:
        return None
    if files_may_follow(task, now=now):
        return Finding("It has ended and lists no files yet.", "They can come later: ask again in two minutes.")
    return Finding(
        "It has ended and lists no files.",
        "Look into the bucket or VOD space that the task was started with: an upload may have failed for want of "
        "rights, and where nobody sent there was nothing to record.",
    )


def _files_are_empty(task: RecordTask) -> Finding | None:
    empty = sum(1 for file in task.files if file.size == 0)
    if not task.is_over or not empty:
        return None
    return Finding(
        f"{format_count(empty, 'file')} of {len(task.files):,} with a size of 0 bytes.",
        "Nobody may have been sending at that time; where somebody was, give the request id to Volcengine's support.",
    )


def _is_soon_forgotten(task: RecordTask, *, now: datetime) -> Finding | None:
    if task.status != RUNNING or task.known_until is None or task.known_until - now > FORGETTING_IS_NEAR:
        return None
    return Finding(
        "Volcengine keeps a recording's details for 72 hours after it starts, and this one is still running.",
        "Stop it and start a new one; otherwise its end and its files cannot be looked up.",
    )


def files_may_follow(task: RecordTask, *, now: datetime) -> bool:
    """Whether a task that is over and lists no files may still come to list some.

    True within an hour of its end, and while it is not known when it ended.
    """
    if not task.is_over or task.files or task.unreadable_files:
        return False
    return task.ended_at is None or now - task.ended_at < FILES_MAY_FOLLOW_FOR
