"""What is known of a record task: which one it is, the state it is in and the files it left."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.recording.stop_reason import StopReason

# The vendor's rule for room and task ids (parameter table of StartRecord, read November 2026).
ID_RULE = "1 to 128 letters A-Z a-z, digits and the signs @ - . _ only"
ID_LENGTH = 128
_FORBIDDEN_IN_ID = re.compile(r"[^a-zA-Z0-9@\-_.]")

# GetRecordTask knows tasks that were started within this time (vendor's page of GetRecordTask).
KNOWN_FOR = timedelta(hours=72)
SAME_START_WITHIN = timedelta(seconds=1)


# What a recording can be stored as (parameter table of StartRecord); HLS is a playlist and its segments.
_FILE_FORMATS = frozenset({"MP4", "M3U8", "TS", "FLV", "MP3", "AAC", "M4A"})


class InvalidId(ValueError):
    """A room or task id that the vendor's pattern forbids; its text shows the offending part."""


class UnknownApp(ValueError):
    """The name of an RTC app that is not configured; its text lists those that are."""


@dataclass(frozen=True, slots=True)
class RtcApp:
    """An RTC app as it is configured here: the name people use, and the vendor's AppId (24 characters)."""

    name: str
    app_id: str


def choose_app(apps: Sequence[RtcApp], name: str | None, *, told: Sequence[RtcApp] | None = None) -> RtcApp:
    """The app of that name, or the first one (the default) when no name is given.

    Upper and lower case differ only where two apps' names differ in nothing else. Raises UnknownApp, which names the
    apps in `told` (all, if that is not given).
    """
    if name is None:
        return apps[0]
    alike = [app for app in apps if app.name.casefold() == name.casefold()]
    if found := [app for app in alike if app.name == name or len(alike) == 1]:
        return found[0]
    known = ", ".join(app.name for app in (apps if told is None else told))
    raise UnknownApp(
        f"There is no app named {_shortened(name)!r} here." + (f" Configured are: {known}." if known else "")
    )


def app_as_configured(apps: Sequence[RtcApp], app: RtcApp) -> RtcApp | None:
    """What is configured under the id of this app, which may have had another name; None where nothing is."""
    return app if app in apps else next((each for each in apps if each.app_id == app.app_id), None)


@dataclass(frozen=True, slots=True)
class TaskRef:
    """The three ids that GetRecordTask asks for; raises InvalidId for those that the vendor would refuse."""

    app: RtcApp
    room: str
    task: str

    def __post_init__(self) -> None:
        check_id("room", self.room)
        check_id("task", self.task)


def check_id(kind: str, value: str) -> None:
    """Raise InvalidId, with the offending part, unless the vendor's pattern allows the id."""
    if not value:
        raise InvalidId(f"The {kind} id is empty. An id has {ID_RULE}.")
    if offending := _FORBIDDEN_IN_ID.search(value):
        raise InvalidId(
            f"The {kind} id {_shortened(value)!r} has {offending.group()!r} at position {offending.start() + 1}, "
            f"which is not allowed. An id has {ID_RULE}."
        )
    if len(value) > ID_LENGTH:
        raise InvalidId(
            f"The {kind} id {_shortened(value)!r} has {len(value)} characters, {ID_LENGTH} at most are allowed."
        )


def _shortened(value: str) -> str:
    return value if len(value) <= ID_LENGTH else value[: ID_LENGTH - 1] + "…"


@dataclass(frozen=True, slots=True)
class Status:
    """A task's status; an open set, because the vendor owns it: an undocumented code is kept as it came."""

    code: int | str | None
    name: str
    documented: bool = True

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
        return None if self.started_at is None else self.started_at + KNOWN_FOR
