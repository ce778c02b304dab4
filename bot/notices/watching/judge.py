"""What a look at a watched task means: to go on watching, to tell the subscribers, or to close it without a word."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.notices.completion import Completion, Occasion
from bot.notices.subscription import Phase, WatchedTask, known_start
from bot.notices.watching.schedule import Schedule
from bot.recording.diagnosis.findings import FILES_MAY_FOLLOW_FOR, files_may_follow
from bot.recording.reading import Reading, TaskNotFound, TaskReadError, TaskRefused
from bot.recording.stop_reason import START_TASK_FAILED
from bot.recording.task import LOOKUP_WINDOW, NOT_STARTED, RUNNING, RecordTask, is_same_start

# After its end a task's files may come some moments later; its end is told with them if they come within this time.
FILES_ARE_AWAITED_FOR = timedelta(minutes=2)
# A status that tells nothing is worth a notice when it stays for so long.
UNCLEAR_AFTER = timedelta(minutes=10)
# After the 72 hours RTC would tell of it no more, whatever it is that keeps it from saying so. Before that, "not found"
# may be a slip of the gateway's, and the recording may still be running: it is borne like an outage.
GRACE_WHEN_NOT_FOUND = timedelta()
GRACE_WHEN_REFUSED = timedelta(hours=1)
GRACE_WHEN_UNAVAILABLE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class WatchOn:
    """Nobody is to be told of this reading; look again after `next_look`."""

    reading: Reading
    next_look: timedelta
    waiting_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The look told nothing; look again after `next_look`."""

    error: str
    next_look: timedelta


@dataclass(frozen=True, slots=True)
class Tell:
    """The subscribers are to be told; then the task goes into the phase and is looked at after `next_look`."""

    completion: Completion
    phase: Phase
    next_look: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Close:
    """Nothing more is to be found out, and all has been told."""


Judgement = WatchOn | Failed | Tell | Close


def judge_look(watched: WatchedTask, reading: Reading, *, now: datetime, schedule: Schedule) -> Judgement:
    """What RTC's answer means for the subscribers."""
    if _is_newer(watched, reading.task):
        return _lost_sight(watched, Completion(Occasion.REPLACED, now, watched.seen, reading))
    if watched.phase is Phase.AWAITING_FILES:
        return _late_files(watched, reading, now=now, schedule=schedule)
    if reading.task.is_over:
        return _over(watched, reading, now=now, schedule=schedule)
    return _not_over(watched, reading, now=now, schedule=schedule)


def judge_failure(watched: WatchedTask, failure: TaskReadError, *, now: datetime, schedule: Schedule) -> Judgement:
    """What it means that RTC gave no answer, or this one."""
    forgotten_at = (watched.started_at or watched.watched_since) + LOOKUP_WINDOW
    if now >= forgotten_at + _grace_after(failure):
        return _lost_sight(watched, Completion(Occasion.FORGOTTEN, now, watched.seen))
    if (seen := _end_to_tell(watched, now=now)) is not None:
        late = schedule.while_late_files_may_come()
        return Tell(Completion(Occasion.ENDED, now, seen), Phase.AWAITING_FILES, late)
    code = "" if failure.code is None else f" ({failure.code})"
    return Failed(f"{failure.reason}{code}.", schedule.after_failure(watched.failures + 1))


def _grace_after(failure: TaskReadError) -> timedelta:
    if isinstance(failure, TaskNotFound):
        return GRACE_WHEN_NOT_FOUND
    return GRACE_WHEN_REFUSED if isinstance(failure, TaskRefused) else GRACE_WHEN_UNAVAILABLE


def _is_newer(watched: WatchedTask, task: RecordTask) -> bool:
    """Whether another task has taken the ids: one with another start, or one that has not begun, as this one had."""
    if watched.started_at is None:
        return False
    start = known_start(task)
    return task.status == NOT_STARTED or (start is not None and not is_same_start(start, watched.started_at))


def _end_to_tell(watched: WatchedTask, *, now: datetime) -> Reading | None:
    """An end that was seen is told without its files when it is time, though RTC cannot be asked."""
    if watched.phase is not Phase.WATCHING or watched.seen is None or not watched.seen.task.is_over:
        return None
    return watched.seen if now - (watched.waiting_since or now) >= FILES_ARE_AWAITED_FOR else None


def _late_files(watched: WatchedTask, reading: Reading, *, now: datetime, schedule: Schedule) -> Judgement:
    """Its end has been told without files."""
    if reading.task.files:
        return Tell(Completion(Occasion.FILES, now, reading), Phase.CLOSED)
    since = watched.waiting_since or now
    if not files_may_follow(reading.task, now=now) or now - since >= FILES_MAY_FOLLOW_FOR:
        return Close()
    return WatchOn(reading, schedule.while_late_files_may_come(), waiting_since=since)


def _over(watched: WatchedTask, reading: Reading, *, now: datetime, schedule: Schedule) -> Judgement:
    task = reading.task
    if not _awaits_files(task, now=now):
        return Tell(Completion(Occasion.ENDED, now, reading), Phase.CLOSED)
    was_over = watched.seen is not None and watched.seen.task.is_over
    since = (watched.waiting_since if was_over else None) or now
    if now - min(since, task.ended_at or since) < FILES_ARE_AWAITED_FOR:
        return WatchOn(reading, schedule.while_files_are_awaited(), waiting_since=since)
    late = schedule.while_late_files_may_come()
    return Tell(Completion(Occasion.ENDED, now, reading), Phase.AWAITING_FILES, late)


def _awaits_files(task: RecordTask, *, now: datetime) -> bool:
    """What could not be started leaves none."""
    return task.stop_reason != START_TASK_FAILED and files_may_follow(task, now=now)


def _not_over(watched: WatchedTask, reading: Reading, *, now: datetime, schedule: Schedule) -> Judgement:
    next_look = schedule.while_running(reading.task, now=now)
    if not _is_unclear(reading.task):
        return WatchOn(reading, next_look)
    was_unclear = watched.seen is not None and _is_unclear(watched.seen.task)
    since = (watched.waiting_since if was_unclear else None) or now
    if now - since < UNCLEAR_AFTER:
        return WatchOn(reading, next_look, waiting_since=since)
    return Tell(Completion(Occasion.UNCLEAR, now, reading), Phase.WATCHING, next_look)


def _is_unclear(task: RecordTask) -> bool:
    return not task.is_over and task.status not in (NOT_STARTED, RUNNING)


def _lost_sight(watched: WatchedTask, otherwise: Completion) -> Judgement:
    """RTC no longer returns it. Where its end was seen, that is what is told."""
    if watched.phase is Phase.AWAITING_FILES:
        return Close()
    if watched.seen is not None and watched.seen.task.is_over:
        return Tell(Completion(Occasion.ENDED, otherwise.noticed_at, watched.seen), Phase.CLOSED)
    return Tell(otherwise, Phase.CLOSED)
