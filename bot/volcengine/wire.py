"""What RTC and VOD send, taken as it comes: every part may be missing, null or of another type, numbers may be strings.

The only place where numbers have units: RTC's times are milliseconds since the epoch, its durations milliseconds, VOD's
times seconds since the epoch; sizes are bytes. No number is guessed: one that was rounded is as good as none.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_pascal
from pydantic_core import from_json

from bot.recording.stop_reason import StopReason
from bot.recording.task import RecordedStream, RecordingFile, RecordTask, Status, TaskRef
from bot.volcengine.bodies import excess
from bot.volcengine.numbers import Amount, Code, Else, Milliseconds, Number, Text, exact

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What is earlier than 2000-01-01 is no time of a recording, but a number that means something else.
_EARLIEST = 946_684_800_000
# And 2200-01-01: what is later is somebody's "never", and near the end of what a datetime can hold.
_LATEST = 7_258_118_400_000
_EXPONENT = re.compile(rb"[0-9][eE][+-]?[0-9]")
# Of the signs of RFC 3986 only: what else comes would have to be escaped to be shown.
_WEB_ADDRESS = re.compile(r"https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?([/?][A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*)?")
_STREAM_KINDS = {None: "camera", 0: "camera", 1: "screen"}


class MakesNoSense(ValueError):
    """An answer in which nothing of the documented form is to be found."""


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal, extra="ignore", coerce_numbers_to_str=True, frozen=True)


class WireError(_Wire):
    """`ResponseMetadata.Error`: `code` is a name such as "LackPolicy", `code_n` the gateway's number for it."""

    code: Text = None
    code_n: Number = None
    message: Text = None

    @property
    def is_there(self) -> bool:
        return bool(self.code or self.code_n or self.message)


def _error_object(value: object) -> object:
    """An error that is no object is taken for its code."""
    return value if isinstance(value, dict) else {"Code": value}


class Metadata(_Wire):
    """`ResponseMetadata`."""

    request_id: Text = None
    error: Annotated[WireError, BeforeValidator(_error_object)] = WireError()


class Envelope(_Wire):
    """The form of every answer of Volcengine; `result` is an object, a string, null or absent."""

    response_metadata: Annotated[Metadata, Else(Metadata())] = Metadata()
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
    duration: Milliseconds = None
    size: Amount = None
    start_time: Milliseconds = None
    stream_list: Annotated[list[Annotated[WireStream | None, Else(None)]], Else([])] = []
    video_codec: Text = None
    audio_codec: Text = None
    video_width: Amount = None
    video_height: Amount = None


class WirePlayInfo(_Wire):
    """`PlayInfoList[]` of VOD's GetPlayInfo."""

    main_play_url: Text = None
    main_url_expire: Text = None
    backup_play_url: Text = None
    backup_url_expire: Text = None
    definition: Text = None
    size: Amount = None


class WirePlayInfos(_Wire):
    """`Result` of VOD's GetPlayInfo."""

    play_info_list: Annotated[list[Annotated[WirePlayInfo | None, Else(None)]] | None, Else(None)] = None


@dataclass(frozen=True, slots=True)
class PlayAddress:
    """An address that VOD gave for one version of a media; `expires_at` is None where VOD does not tell."""

    url: str = field(repr=False)
    expires_at: datetime | None
    definition: str | None
    size: int | None


class WireTask(_Wire):
    """`Result.RecordTask`."""

    start_time: Milliseconds = None
    end_time: Milliseconds = None
    status: Code = None
    stop_reason: Text = None
    record_file_list: object = None


def parse_envelope(body: bytes) -> Envelope:
    """Raises MakesNoSense for what is not JSON, too much, not an object, or has neither of an envelope's parts."""
    if (flaw := excess(body)) is not None:
        raise MakesNoSense(flaw)
    try:
        payload = from_json(bytes(body))
        if _EXPONENT.search(body):
            # The digits of a number are lost in a float, and with them whether it was rounded.
            payload = json.loads(body, parse_float=_number)
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


def _number(text: str) -> int | float | str:
    """As it was meant, or as the text that it is where that is not certain."""
    try:
        number = exact(text)
    except ValueError:
        return text
    return int(number) if number == number.to_integral_value() else float(number)


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
        started_at=_moment(wire.start_time),
        ended_at=_moment(wire.end_time),
        files=tuple([_recording_file(file) for file in listed if file is not None]),
        unreadable_files=listed.count(None),
    )


def _recording_file(wire: WireFile) -> RecordingFile:
    return RecordingFile(
        vid=wire.vid,
        object_key=wire.object_key,
        length=_length(wire.duration),
        size=wire.size,
        created_at=_moment(wire.start_time),
        streams=tuple([_stream(stream) for stream in wire.stream_list if stream is not None]),
        video_codec=wire.video_codec,
        audio_codec=wire.audio_codec,
        width=wire.video_width,
        height=wire.video_height,
    )


def _stream(wire: WireStream) -> RecordedStream:
    kind = _STREAM_KINDS.get(wire.stream_type, f"type {wire.stream_type}")
    return RecordedStream(user_id=wire.user_id, kind=kind, index=wire.index)


def _moment(number: int | None) -> datetime | None:
    """From milliseconds, as is documented, or seconds: no time of a recording can be both."""
    if number is None:
        return None
    if _EARLIEST <= number * 1000 <= _LATEST:
        return _EPOCH + timedelta(seconds=number)
    return _EPOCH + timedelta(milliseconds=number) if _EARLIEST <= number <= _LATEST else None


def _length(milliseconds: int | None) -> timedelta | None:
    try:
        return None if milliseconds is None else timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def parse_play_addresses(result: object) -> list[PlayAddress]:
    """One for each version in a `Result` that has an address which a browser can open; none for any other result."""
    wire = WirePlayInfos.model_validate(result if isinstance(result, dict) else {})
    versions = [version for version in wire.play_info_list or [] if version is not None]
    return [address for version in versions if (address := _play_address(version)) is not None]


def _play_address(wire: WirePlayInfo) -> PlayAddress | None:
    given = ((wire.main_play_url, wire.main_url_expire), (wire.backup_play_url, wire.backup_url_expire))
    for url, expires in given:
        if url is not None and _WEB_ADDRESS.fullmatch(url):
            return PlayAddress(url, _moment_in_seconds(expires), wire.definition, wire.size)
    return None


def _moment_in_seconds(text: str | None) -> datetime | None:
    """From the forms in which a point in time may come: seconds since the epoch or, to be safe, ISO 8601."""
    if text is None:
        return None
    try:
        return _moment(int(exact(text)))
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else None
