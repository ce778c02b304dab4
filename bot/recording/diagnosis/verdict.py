"""The verdict on a recording: one sentence first, then what looks wrong and what to do about it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from bot.recording.diagnosis.findings import CLOCKS_MAY_DIFFER_BY, Finding, contradictions, findings, is_before
from bot.recording.format import format_count, format_duration, format_size
from bot.recording.stop_reason import START_TASK_FAILED
from bot.recording.task import ENDED, FAILED, NOT_STARTED, RUNNING, UNKNOWN, RecordTask


class Severity(Enum):
    """How a verdict is coloured; never the only sign of it."""

    GOOD = "good"
    UNDER_WAY = "under way"
    DOUBTFUL = "doubtful"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said of a recording; `sentence` comes first on everything that shows one."""

    mood: Severity
    sentence: str
    concerns: tuple[Finding, ...] = ()


def judge(task: RecordTask, *, now: datetime) -> Verdict:
    """The verdict on the task as of `now` (aware). It never raises and claims nothing that the answer leaves open."""
    concerns = (*contradictions(task, now=now), *findings(task, now=now))
    return Verdict(_mood(task, concerns), _sentence(task, now=now), concerns)


def _mood(task: RecordTask, concerns: tuple[Finding, ...]) -> Severity:
    if task.status == FAILED or task.stop_reason == START_TASK_FAILED:
        return Severity.BAD
    if concerns or task.status not in (NOT_STARTED, RUNNING, ENDED):
        return Severity.DOUBTFUL
    return Severity.GOOD if task.status == ENDED else Severity.UNDER_WAY


def _sentence(task: RecordTask, *, now: datetime) -> str:
    return f"{_state(task, now=now)}{_reason(task)}. {_files(task)}."


_STATE_IN_WORDS = {
    ENDED: "Ended",
    FAILED: "Failed",
    RUNNING: "Running",
    NOT_STARTED: "Not started yet",
    UNKNOWN: "State unknown: Volcengine calls it unknown or abnormal",
}


_STATE_IN_THE_PAST = {
    ENDED: "had ended",
    FAILED: "had failed",
    RUNNING: "was running",
    NOT_STARTED: "had not started yet",
}


def in_the_past(task: RecordTask) -> str:
    """What was so when RTC last answered, as a clause that follows "it"."""
    return _STATE_IN_THE_PAST.get(task.status, "had no clear status")


def _state(task: RecordTask, *, now: datetime) -> str:
    if task.status.code is None:
        return "State unknown: the answer names no status"
    undocumented = f"State unknown: status {task.status.code} is not documented"
    return _STATE_IN_WORDS.get(task.status, undocumented) + _time_taken(task, now=now)


def _time_taken(task: RecordTask, *, now: datetime) -> str:
    if task.is_over and task.length is not None and not is_before(now + CLOCKS_MAY_DIFFER_BY, task.ended_at):
        return f" after {format_duration(task.length)}"
    if task.status == RUNNING and task.started_at is not None and task.started_at <= now:
        return f" for {format_duration(now - task.started_at)}"
    return ""


def _reason(task: RecordTask) -> str:
    if task.stop_reason is not None:
        joint = ": " if task.is_over else "; the stop reason says: "
        return joint + task.stop_reason.clause
    return ": no stop reason is given" if task.is_over else ""


def _files(task: RecordTask) -> str:
    if not task.files and task.unreadable_files:
        return "Its files cannot be read from the answer"
    if not task.files:
        return "No files" if task.is_over else "No files so far"
    words = format_count(len(task.files), "file")
    if not task.is_over:
        words += " so far"
    return f"{words}, {_total_size(task)}"


def _total_size(task: RecordTask) -> str:
    sizes = [file.size for file in task.files if file.size is not None]
    if not sizes:
        return "size unknown"
    total = format_size(sum(sizes))
    is_whole = len(sizes) == len(task.files) and not task.unreadable_files
    return total if is_whole else f"at least {total}"
