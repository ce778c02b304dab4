"""What is known of a record task: its state, its times and the files it left."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.recording.stop_reason import StopReason
from bot.recording.task_ref import TaskRef

# GetRecordTask knows tasks that were started within this time (vendor's page of GetRecordTask).
LOOKUP_WINDOW = timedelta(hours=72)
SAME_START_WITHIN = timedelta(seconds=1)


# What a recording can be stored as (parameter table of StartRecord); HLS is a playlist and its segments.
_FILE_FORMATS = frozenset({"MP4", "M3U8", "TS", "FLV", "MP3", "AAC", "M4A"})


@dataclass(frozen=True, slots=True)
class Status:
    """A task's status; an open set, because the vendor owns it: an undocumented code is kept as it came.

    Equal by its code alone, whatever it is called.
    """

    code: int | str | None
    name: str = field(compare=False)
    documented: bool = field(default=True, compare=False)

    @classmethod
    def from_code(cls, code: int | str | None) -> "Status":
        """Never raises: whatever is not documented becomes a status that says so."""
        if code is None:
            return cls(None, "not given", documented=False)
        if (known := _STATUS_BY_CODE.get(code)) is not None:
            return known
        return cls(code, "not documented", documented=False)


UNKNOWN = Status(0, "unknown or abnormal")
NOT_STARTED = Status(1, "not started")
RUNNING = Status(2, "running")
ENDED = Status(3, "ended")
FAILED = Status(4, "failed")

_STATUS_BY_CODE: dict[int | str, Status] = {
    status.code: status for status in (UNKNOWN, NOT_STARTED, RUNNING, ENDED, FAILED) if status.code is not None
}


@dataclass(frozen=True, slots=True)
class RecordedStream:
    """One participant's stream within a file. `kind` is "camera", "screen", or the vendor's code when unlisted."""

    user_id: str | None
    kind: str
    index: int | None = None


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """One file that a task left; every part may be unknown. `size` is in bytes, `width` and `height` in pixels.

    `vid` is there when the file lies in VOD, `object_key` (the full path) when it lies in an object store. Codecs are
    the vendor's codes as they came: no table for the answer is published.
    """

    vid: str | None = None
    object_key: str | None = None
    length: timedelta | None = None
    size: int | None = None
    created_at: datetime | None = None
    streams: tuple[RecordedStream, ...] = ()
    video_codec: str | None = None
    audio_codec: str | None = None
    width: int | None = None
    height: int | None = None

    @property
    def file_format(self) -> str | None:
        """By the object key's ending, such as "MP4"; None where that is none a recording can have."""
        ending = (self.object_key or "").rpartition(".")[2].upper()
        return ending if ending in _FILE_FORMATS else None


def is_same_start(one: datetime, other: datetime) -> bool:
    """Whether two start times are of one task: RTC may round them, and give another unit than before."""
    return abs(one - other) <= SAME_START_WITHIN


@dataclass(frozen=True, slots=True)
class RecordTask:
    """A record task as RTC last told of it. Times are aware and in UTC; None where the vendor gave none.

    `unreadable_files` counts what stands in the file list and is no file.
    """

    ref: TaskRef
    status: Status
    stop_reason: StopReason | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    files: tuple[RecordingFile, ...] = ()
    unreadable_files: int = 0

    @property
    def is_over(self) -> bool:
        """Whether the recording has ended, well or badly; status 0 and undocumented ones are not taken for an end."""
        return self.status in (ENDED, FAILED)

    @property
    def length(self) -> timedelta | None:
        """From start to end; None while it is not known, and where the end lies before the start."""
        if self.started_at is None or self.ended_at is None or self.ended_at < self.started_at:
            return None
        return self.ended_at - self.started_at

    @property
    def known_until(self) -> datetime | None:
        """When the vendor forgets the task: 72 hours after its start."""
        return None if self.started_at is None else self.started_at + LOOKUP_WINDOW
