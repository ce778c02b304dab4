"""The record task in an answer of `GetRecordTask`, taken as it comes (see `bot.volcengine.api.wire`)."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.recording.stop_reason import StopReason
from bot.recording.task import RecordedStream, RecordingFile, RecordTask, Status
from bot.recording.task_ref import TaskRef
from bot.volcengine.api.numbers import Amount, Code, Else, Milliseconds, Number, Text
from bot.volcengine.api.wire import InvalidResponse, WireModel, moment_of

_STREAM_KINDS = {None: "camera", 0: "camera", 1: "screen"}


class WireStream(WireModel):
    """`RecordFileList[].StreamList[]`."""

    index: Number = None
    user_id: Text = None
    stream_type: Number = None


class WireFile(WireModel):
    """`RecordFileList[]`."""

    vid: Text = None
    object_key: Text = None
    duration: Milliseconds = None
    size: Amount = None
    start_time: Milliseconds = None
    stream_list: Annotated[list[Annotated[WireStream | None, Else(None)]], Else([])] = Field(default_factory=list)
    video_codec: Text = None
    audio_codec: Text = None
    video_width: Amount = None
    video_height: Amount = None


class WireTask(WireModel):
    """`Result.RecordTask`."""

    start_time: Milliseconds = None
    end_time: Milliseconds = None
    status: Code = None
    stop_reason: Text = None
    record_file_list: object = None


def parse_record_task(result: object, ref: TaskRef) -> RecordTask | None:
    """The task in a `Result`; None where there is none in it, which is one of RTC's ways of saying "not found".

    Raises InvalidResponse where something stands in the task's place that is no task.
    """
    task = result.get("RecordTask") if isinstance(result, dict) else None
    if not task:
        return None
    if not isinstance(task, dict):
        raise InvalidResponse("its RecordTask is not an object")
    return _record_task(WireTask.model_validate(task), ref)


def _wire_files(listed: object) -> list[WireFile | None]:
    """One by one, so that a thread which reads thousands lets others have their turn in between."""
    if listed is None:
        return []
    if not isinstance(listed, list):
        return [None]
    return [WireFile.model_validate(file) if isinstance(file, dict) else None for file in listed]


def _record_task(wire: WireTask, ref: TaskRef) -> RecordTask:
    listed = _wire_files(wire.record_file_list)
    return RecordTask(
        ref=ref,
        status=Status.from_code(wire.status),
        stop_reason=StopReason.from_code(wire.stop_reason),
        started_at=moment_of(wire.start_time),
        ended_at=moment_of(wire.end_time),
        files=tuple([_recording_file(file) for file in listed if file is not None]),
        unreadable_files=listed.count(None),
    )


def _recording_file(wire: WireFile) -> RecordingFile:
    return RecordingFile(
        vid=wire.vid,
        object_key=wire.object_key,
        length=_length(wire.duration),
        size=wire.size,
        created_at=moment_of(wire.start_time),
        streams=tuple([_stream(stream) for stream in wire.stream_list if stream is not None]),
        video_codec=wire.video_codec,
        audio_codec=wire.audio_codec,
        width=wire.video_width,
        height=wire.video_height,
    )


def _stream(wire: WireStream) -> RecordedStream:
    kind = _STREAM_KINDS.get(wire.stream_type, f"type {wire.stream_type}")
    return RecordedStream(user_id=wire.user_id, kind=kind, index=wire.index)


def _length(milliseconds: int | None) -> timedelta | None:
    try:
        return None if milliseconds is None else timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None
