"""Readings, completions, notices and entries for the tests of cards and of the messenger."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.notices.completion import Completion, Occasion
from bot.notices.notice import MessageRef, Notice, NoticeState
from bot.notices.person import Person
from bot.notices.subscription import Entry, Phase, WatchedTask
from bot.playground.slack.world import T_HOME, U_ANA
from bot.recording.reading import Reading
from bot.recording.stop_reason import STOP_BY_API, StopReason
from bot.recording.task import ENDED, NOT_STARTED, RUNNING, UNKNOWN, RecordedStream, RecordingFile, RecordTask, Status
from bot.recording.task_ref import RtcApp, TaskRef

APP = RtcApp("prod", "661e0000000000000000543c")
REF = TaskRef(APP, "Room1", "Task1")
LONGEST = TaskRef(RtcApp("n" * 40, "661e0000000000000000543c"), "r" * 128, "t" * 128)
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ANA = Person(T_HOME, U_ANA)
MP4 = RecordingFile(object_key="a/b.mp4", size=30_400_000, length=timedelta(minutes=7))


def reading(
    status: Status = RUNNING,
    *,
    ref: TaskRef = REF,
    files: tuple[RecordingFile, ...] = (),
    started: timedelta = timedelta(minutes=10),
    ended: timedelta | None = None,
    reason: StopReason | None = None,
    age: timedelta = timedelta(),
) -> Reading:
    """Of a task that began and ended so long ago."""
    task = RecordTask(
        ref,
        status,
        stop_reason=reason,
        started_at=NOW - started,
        ended_at=None if ended is None else NOW - ended,
        files=files,
    )
    return Reading(task, NOW - age, "{}", request_id="2026112212000001")


def ended_reading(*, files: tuple[RecordingFile, ...] = (MP4,), ref: TaskRef = REF) -> Reading:
    return reading(ENDED, ref=ref, files=files, ended=timedelta(minutes=1), reason=STOP_BY_API)


def huge_reading() -> Reading:
    """As large as a card can get: the longest ids, and more files than there is room for, with the longest names."""
    streams = tuple(RecordedStream("<!here>`" * 16, "camera") for _ in range(20))
    file = RecordingFile(object_key="<&>" * 600, size=1, streams=streams, video_codec="v" * 500, width=1, height=1)
    return ended_reading(files=(file,) * 60, ref=LONGEST)


def completion(occasion: Occasion, *, ref: TaskRef = REF) -> Completion:
    """A plausible one."""
    match occasion:
        case Occasion.ENDED | Occasion.FILES:
            return Completion(occasion, NOW, ended_reading(ref=ref))
        case Occasion.UNCLEAR:
            return Completion(occasion, NOW, reading(UNKNOWN, ref=ref))
        case Occasion.REPLACED:
            newer = reading(RUNNING, ref=ref, started=timedelta(minutes=1))
            return Completion(occasion, NOW, reading(ref=ref, age=timedelta(minutes=1)), newer)
    return Completion(occasion, NOW, reading(ref=ref, started=timedelta(hours=71), age=timedelta(minutes=1)))


def notice(
    of: Completion | Occasion = Occasion.ENDED,
    *,
    original: MessageRef | None = None,
    person: Person = ANA,
    goes_on: bool = False,
) -> Notice:
    told = completion(of) if isinstance(of, Occasion) else of
    return Notice(
        key="k3y-of_this",
        person=person,
        ref=REF if told.reading is None else told.reading.task.ref,
        completion=told,
        subscribed_at=NOW - timedelta(hours=1),
        queued_at=NOW,
        original=original,
        goes_on=goes_on,
    )


def entry(*, ref: TaskRef = REF, seen: Reading | None = None, phase: Phase = Phase.WATCHING, **more: Any) -> Entry:
    """`more` are fields of the entry, or of its watched task."""
    of_watched = {name: more.pop(name) for name in ("failures", "last_error") if name in more}
    watched = WatchedTask(
        id=1,
        ref=ref,
        started_at=None,
        phase=phase,
        watched_since=NOW,
        next_look_at=NOW + timedelta(seconds=30),
        seen=seen or reading(ref=ref, age=timedelta(seconds=12)),
        **of_watched,
    )
    return Entry(watched, subscribed_at=NOW - timedelta(hours=1), **more)


def delivered(occasion: Occasion = Occasion.ENDED, **more: Any) -> Entry:
    return entry(
        phase=Phase.CLOSED,
        completion=completion(occasion),
        notice_state=NoticeState.DELIVERED,
        settled_at=NOW,
        **more,
    )


NOT_BEGUN = reading(NOT_STARTED)
