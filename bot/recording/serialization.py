"""A reading as compact text, to be stored or shared, and back; without the raw answer.

The text names its version. What an older release wrote can be read for ever; what a newer one writes must be readable
for the releases that may run beside it, so fields are added and never given another meaning.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.recording.reading import Reading
from bot.recording.stop_reason import StopReason
from bot.recording.task import RecordedStream, RecordingFile, RecordTask, Status
from bot.recording.task_ref import RtcApp, TaskRef

VERSION = 1
_EPOCH = datetime.fromtimestamp(0, UTC)
_NEVER = datetime(3000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Fields = dict[str, Any]


class NotDecodable(ValueError):
    """The text is none that this or an older release has written."""


def encode_reading(reading: Reading) -> str:
    """The reading without `raw`; what is absent or empty takes no room."""
    task = reading.task
    fields: Fields = {
        "v": VERSION,
        "app": [task.ref.app.name, task.ref.app.app_id],
        "room": task.ref.room,
        "task": task.ref.task,
        "status": task.status.code,
        "reason": task.stop_reason.code if task.stop_reason else None,
        "started": _number(task.started_at),
        "ended": _number(task.ended_at),
        "files": [_file_fields(file) for file in task.files],
        "unreadable": task.unreadable_files,
        "read": _number(reading.read_at),
        "request": reading.request_id,
        "log": reading.log_id,
    }
    return json.dumps(_present(fields), separators=(",", ":"), ensure_ascii=False)


def decode_reading(text: str) -> Reading:
    """Raises NotDecodable."""
    return _decode(text, _file)


def decode_summary(text: str) -> Reading:
    """The same with nothing of each file but its size, which is all that a verdict needs. Raises NotDecodable."""
    return _decode(text, _file_in_short)


def _decode(text: str, file_of: Callable[[Fields], RecordingFile]) -> Reading:
    try:
        fields = json.loads(text)
        if (version := fields["v"]) <= VERSION:
            return _reading(fields, file_of)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as flaw:
        raise NotDecodable(type(flaw).__name__) from flaw
    raise NotDecodable(f"version {version}")


def _reading(fields: Fields, file_of: Callable[[Fields], RecordingFile]) -> Reading:
    return Reading(
        task=_task(fields, file_of),
        read_at=_moment_at(_whole(fields["read"])),
        raw="",
        request_id=_text_or_none(fields.get("request")),
        log_id=_text_or_none(fields.get("log")),
    )


def _task(fields: Fields, file_of: Callable[[Fields], RecordingFile]) -> RecordTask:
    name, app_id = fields["app"]
    status = fields.get("status")
    return RecordTask(
        ref=TaskRef(RtcApp(_text(name), _text(app_id)), _text(fields["room"]), _text(fields["task"])),
        status=Status.from_code(status if isinstance(status, str) else _whole_or_none(status)),
        stop_reason=StopReason.from_code(_text_or_none(fields.get("reason"))),
        started_at=_moment(fields.get("started")),
        ended_at=_moment(fields.get("ended")),
        files=tuple(file_of(each) for each in fields.get("files", ())),
        unreadable_files=_whole(fields.get("unreadable", 0)),
    )


def _file_fields(file: RecordingFile) -> Fields:
    return _present(
        {
            "vid": file.vid,
            "key": file.object_key,
            "length": None if file.length is None else file.length // _MICROSECOND,
            "size": file.size,
            "created": _number(file.created_at),
            "streams": [[stream.user_id, stream.kind, stream.index] for stream in file.streams],
            "video": file.video_codec,
            "audio": file.audio_codec,
            "width": file.width,
            "height": file.height,
        }
    )


def _file(fields: Fields) -> RecordingFile:
    length = _whole_or_none(fields.get("length"))
    return RecordingFile(
        vid=_text_or_none(fields.get("vid")),
        object_key=_text_or_none(fields.get("key")),
        length=None if length is None else length * _MICROSECOND,
        size=_whole_or_none(fields.get("size")),
        created_at=_moment(fields.get("created")),
        streams=tuple(_stream(*each) for each in fields.get("streams", ())),
        video_codec=_text_or_none(fields.get("video")),
        audio_codec=_text_or_none(fields.get("audio")),
        width=_whole_or_none(fields.get("width")),
        height=_whole_or_none(fields.get("height")),
    )


def _stream(user: object, kind: object, index: object) -> RecordedStream:
    return RecordedStream(_text_or_none(user), _text(kind), _whole_or_none(index))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value


def _whole_or_none(value: object) -> int | None:
    return None if value is None else _whole(value)


def _file_in_short(fields: Fields) -> RecordingFile:
    return RecordingFile(size=fields.get("size"))


def _present(fields: Fields) -> Fields:
    """Zero and empty text mean something; absent values and empty lists do not."""
    return {name: value for name, value in fields.items() if value is not None and value != []}


def _number(moment: datetime | None) -> int | None:
    """Microseconds since the epoch, exactly."""
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def _moment(value: object) -> datetime | None:
    return None if value is None else _moment_at(_whole(value))


def _moment_at(number: int) -> datetime:
    """Near the end of what a datetime can hold, adding a span or changing the time zone would fail later on."""
    moment = _EPOCH + number * _MICROSECOND
    if not _EPOCH <= moment < _NEVER:
        raise OverflowError
    return moment
