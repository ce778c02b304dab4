"""What `rectask show --json` prints: a documented form (docs/show.schema.json) that stays as it is within a version.

New fields may be added in the same version; a reader passes over those that it does not know.
"""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from bot.recording.diagnosis.verdict import Verdict, judge
from bot.recording.reading import Reading
from bot.recording.task import RecordedStream, RecordingFile, RecordTask

ErrorKind = Literal["usage", "settings", "not_found", "refused", "unavailable"]


class _Shown(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class ShownStatus(_Shown):
    code: int | str | None
    """The vendor's code: 0 unknown or abnormal, 1 not started, 2 running, 3 ended, 4 failed; others as they came."""
    name: str


class ShownStopReason(_Shown):
    code: str
    """The vendor's code, such as "StopByAPI"."""
    meaning: str


class ShownStream(_Shown):
    user_id: str | None
    kind: str
    """"camera", "screen", or the vendor's number as "type N"."""
    index: int | None


class ShownFile(_Shown):
    vid: str | None
    """Set where the file lies in VOD."""
    object_key: str | None
    """Set where the file lies in an object store: the full path."""
    length_seconds: float | None
    size_bytes: int | None
    created_at: datetime | None
    streams: list[ShownStream]
    video_codec: str | None
    """The vendor's code as it came."""
    audio_codec: str | None
    width: int | None
    height: int | None


class ShownConcern(_Shown):
    what: str
    advice: str


class ShownTask(_Shown):
    """What is known of a record task. Times are in UTC, null where RTC gave none."""

    version: Literal[1] = 1
    found: Literal[True] = True
    verdict: str
    """For people; its wording may change at any time."""
    mood: Literal["good", "under way", "doubtful", "bad"]
    room: str
    task: str
    app: str
    app_id: str
    status: ShownStatus
    is_over: bool
    stop_reason: ShownStopReason | None
    started_at: datetime | None
    ended_at: datetime | None
    length_seconds: float | None
    """Null while it is not known, and where the end lies before the start."""
    files: list[ShownFile]
    concerns: list[ShownConcern]
    read_at: datetime
    """When RTC gave this answer."""
    known_until: datetime | None
    """72 hours after the start; later RTC does not tell of the task."""
    request_id: str | None
    log_id: str | None


class ShownError(_Shown):
    """Why nothing can be shown. The texts are for people."""

    version: Literal[1] = 1
    found: Literal[False] = False
    kind: ErrorKind
    happened: str
    meaning: str | None = None
    advice: str | None = None
    code: str | None = None
    """The vendor's error code, where it gave one."""
    request_id: str | None = None
    log_id: str | None = None


SHOWN: TypeAdapter[ShownTask | ShownError] = TypeAdapter(ShownTask | ShownError)


def reading_as_json(reading: Reading) -> str:
    """A task as JSON, indented."""
    return _shown(reading.task, judge(reading.task, now=reading.read_at), reading).model_dump_json(indent=2)


def error_as_json(error: ShownError) -> str:
    """An error as JSON, indented."""
    return error.model_dump_json(indent=2)


def _shown(task: RecordTask, verdict: Verdict, reading: Reading) -> ShownTask:
    reason = task.stop_reason
    return ShownTask(
        verdict=verdict.sentence,
        mood=verdict.mood.value,
        room=task.ref.room,
        task=task.ref.task,
        app=task.ref.app.name,
        app_id=task.ref.app.app_id,
        status=ShownStatus(code=task.status.code, name=task.status.name),
        is_over=task.is_over,
        stop_reason=None if reason is None else ShownStopReason(code=reason.code, meaning=reason.meaning),
        started_at=task.started_at,
        ended_at=task.ended_at,
        length_seconds=None if task.length is None else task.length.total_seconds(),
        files=[_shown_file(file) for file in task.files],
        concerns=[ShownConcern(what=concern.what, advice=concern.advice) for concern in verdict.concerns],
        read_at=reading.read_at,
        known_until=task.known_until,
        request_id=reading.request_id,
        log_id=reading.log_id,
    )


def _shown_file(file: RecordingFile) -> ShownFile:
    return ShownFile(
        vid=file.vid,
        object_key=file.object_key,
        length_seconds=None if file.length is None else file.length.total_seconds(),
        size_bytes=file.size,
        created_at=file.created_at,
        streams=[_shown_stream(stream) for stream in file.streams],
        video_codec=file.video_codec,
        audio_codec=file.audio_codec,
        width=file.width,
        height=file.height,
    )


def _shown_stream(stream: RecordedStream) -> ShownStream:
    return ShownStream(user_id=stream.user_id, kind=stream.kind, index=stream.index)
