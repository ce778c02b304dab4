"""What RTC sends, taken as it comes: every part may be missing, null or of another type, and numbers may be strings.

The only place where numbers have units: times are milliseconds since the epoch, durations milliseconds, sizes bytes.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_pascal
from pydantic_core import from_json

from bot.recording.stop_reason import StopReason
from bot.recording.task import RecordedStream, RecordingFile, RecordTask, Status, TaskRef

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STREAM_KINDS = {None: "camera", 0: "camera", 1: "screen"}


class MakesNoSense(ValueError):
    """An answer in which nothing of the documented form is to be found."""


def _number(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return int(value) if isinstance(value, int | float) else int(value.strip())
    except (ValueError, OverflowError):
        return None


def _amount(value: object) -> int | None:
    number = _number(value)
    return None if number is None or number < 0 else number


def _text(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value) or None


def _code(value: object) -> int | str | None:
    number = _number(value)
    return _text(value) if number is None else number


def _moment(value: object) -> datetime | None:
    number = _amount(value)
    try:
        return _EPOCH + timedelta(milliseconds=number) if number else None
    except OverflowError:
        return None


def _length(value: object) -> timedelta | None:
    number = _amount(value)
    try:
        return None if number is None else timedelta(milliseconds=number)
    except OverflowError:
        return None


def _object(value: object) -> object:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[object]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


Number = Annotated[int | None, BeforeValidator(_number)]
Amount = Annotated[int | None, BeforeValidator(_amount)]
Text = Annotated[str | None, BeforeValidator(_text)]
Code = Annotated[int | str | None, BeforeValidator(_code)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]
Length = Annotated[timedelta | None, BeforeValidator(_length)]


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal, extra="ignore", frozen=True)


class WireError(_Wire):
    """`ResponseMetadata.Error`: `code` is a name such as "LackPolicy", `code_n` the gateway's number for it."""

    code: Text = None
    code_n: Number = None
    message: Text = None

    @property
    def is_there(self) -> bool:
        return bool(self.code or self.code_n or self.message)


class Metadata(_Wire):
    """`ResponseMetadata`."""

    request_id: Text = None
    error: Annotated[
        WireError, BeforeValidator(lambda value: value if isinstance(value, dict) else {"Code": value})
    ] = WireError()


class Envelope(_Wire):
    """The form of every answer of Volcengine; `result` is an object, a string, null or absent."""

    response_metadata: Annotated[Metadata, BeforeValidator(_object)] = Metadata()
    result: object = None


class WireStream(_Wire):
    """`RecordFileList[].StreamList[]`."""

    index: Number = None
    user_id: Text = None
    stream_type: Number = None


class WireFile(_Wire):
    """`RecordFileList[]`."""

    vid: Text = None
    object_key: Text = None
    duration: Length = None
    size: Amount = None
    start_time: Moment = None
    stream_list: Annotated[list[WireStream], BeforeValidator(_objects)] = []
    video_codec: Text = None
    audio_codec: Text = None
    video_width: Amount = None
    video_height: Amount = None


class WireTask(_Wire):
    """`Result.RecordTask`."""

    start_time: Moment = None
    end_time: Moment = None
    status: Code = None
    stop_reason: Text = None
    record_file_list: Annotated[list[WireFile], BeforeValidator(_objects)] = Field(default=[])


def parse_envelope(body: bytes | bytearray) -> Envelope:
    """Raises MakesNoSense for what is not JSON, not an object, or has neither of an envelope's parts."""
    try:
        payload = from_json(bytes(body))
    except ValueError as failure:
        raise MakesNoSense("it is not JSON") from failure
    if not isinstance(payload, dict):
        raise MakesNoSense("it is JSON, yet not an object")
    if not ("ResponseMetadata" in payload or "Result" in payload):
        raise MakesNoSense("it has neither ResponseMetadata nor Result")
    return Envelope.model_validate(payload)


def parse_record_task(result: object, ref: TaskRef) -> RecordTask | None:
    """The task in a `Result`; None where there is none in it, which is one of RTC's ways of saying "not found".

    Raises MakesNoSense where something stands in the task's place that is no task.
    """
    task = result.get("RecordTask") if isinstance(result, dict) else None
    if not task:
        return None
    if not isinstance(task, dict):
        raise MakesNoSense("its RecordTask is not an object")
    return _record_task(WireTask.model_validate(task), ref)


def _record_task(wire: WireTask, ref: TaskRef) -> RecordTask:
    return RecordTask(
        ref=ref,
        status=Status.from_code(wire.status),
        stop_reason=StopReason.from_code(wire.stop_reason),
        started_at=wire.start_time,
        ended_at=wire.end_time,
        files=tuple(_recording_file(file) for file in wire.record_file_list),
    )


def _recording_file(wire: WireFile) -> RecordingFile:
    return RecordingFile(
        vid=wire.vid,
        object_key=wire.object_key,
        length=wire.duration,
        size=wire.size,
        created_at=wire.start_time,
        streams=tuple(_stream(stream) for stream in wire.stream_list),
        video_codec=wire.video_codec,
        audio_codec=wire.audio_codec,
        width=wire.video_width,
        height=wire.video_height,
    )


def _stream(wire: WireStream) -> RecordedStream:
    kind = _STREAM_KINDS.get(wire.stream_type, f"type {wire.stream_type}")
    return RecordedStream(user_id=wire.user_id, kind=kind, index=wire.index)
