"""The scripted record tasks of the stand-in, by room: what GetRecordTask returns for each at a given moment.

A scene knows the vendor's documented form only (page of GetRecordTask, read November 2026); times are in milliseconds.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

Json = dict[str, object]
BYTES_A_SECOND = 70_000
# A family of rooms rather than one.
_RUNS_FOR = re.compile(r"run-(\d{1,6})")


@dataclass(frozen=True, slots=True)
class Moment:
    """When a scene is looked at, in ms since the epoch: now, when the stand-in opened, and when it was first asked."""

    now: int
    opened: int
    first_asked: int


@dataclass(frozen=True, slots=True)
class Scene:
    """One room of the stand-in; `tell` gives the `Result` of its answer at a moment."""

    about: str
    tell: Callable[[Moment], object]


def task(
    *,
    status: object,
    start: object,
    end: object = 0,
    reason: object = "",
    files: object = None,
) -> Json:
    """A `Result` with one RecordTask in it."""
    return {
        "RecordTask": {
            "StartTime": start,
            "EndTime": end,
            "Status": status,
            "StopReason": reason,
            "RecordFileList": [] if files is None else files,
        }
    }


def vendors_example(moment: Moment) -> Json:
    """The example of the vendor's page, figure by figure, moved to have started an hour before the stand-in opened."""
    start = moment.opened - HOUR
    file = {
        "Vid": "v02b69g10000***eldb8vjafvmg",
        "Duration": 457280,
        "Size": 30388433,
        "StartTime": start + 354,
        "StreamList": [{"UserId": "user1", "StreamType": 0}],
    }
    return task(status=3, start=start, end=start + 462_000, reason="StopByAPI", files=[file])


def tos_file(
    start: int, *, number: int = 1, ending: str = "mp4", size: int | None = None, length: int = 10 * MINUTE
) -> Json:
    """A file in object storage with every field that the page names."""
    return {
        "ObjectKey": f"rec/2026/11/Task_Room_{start}_{number:03d}.{ending}",
        "Duration": length,
        "Size": 250_000_000 + number * 1_234_567 if size is None else size,
        "StartTime": start + (number - 1) * length,
        "StreamList": [
            {"Index": 0, "UserId": f"user{number}", "StreamType": 0},
            {"Index": 1, "UserId": f"user{number}", "StreamType": 1},
        ],
        "VideoCodec": "0",
        "AudioCodec": "0",
        "VideoWidth": 1280,
        "VideoHeight": 720,
    }


def _ended(
    reason: str, *, status: int = 3, has_end: bool = True, files: list[Json] | None = None
) -> Callable[[Moment], Json]:
    """Two hours ago, for an hour; with one file, unless others are named."""

    def tell(moment: Moment) -> Json:
        start = moment.opened - 2 * HOUR
        left = [tos_file(start, length=HOUR)] if files is None else files
        return task(status=status, start=start, end=start + HOUR if has_end else 0, reason=reason, files=left)

    return tell


def _running(moment: Moment) -> Json:
    return task(status=2, start=moment.opened - 25 * MINUTE)


def _hls_running(moment: Moment) -> Json:
    start = moment.opened - 25 * MINUTE
    return task(status=2, start=start, files=[tos_file(start, ending="m3u8", size=41_200_000)])


def _ageing(moment: Moment) -> Json:
    """Not started for 5 s, running until 35 s, over without files until 45 s, then with one."""
    age, start = moment.now - moment.first_asked, moment.first_asked
    if age < 5 * SECOND:
        return task(status=1, start=start)
    if age < 35 * SECOND:
        return task(status=2, start=start)
    files = [tos_file(start)] if age >= 45 * SECOND else None
    return task(status=3, start=start, end=start + 35 * SECOND, reason="StopByAPI", files=files)


def _runs_for(seconds: int, *, file_after: int = 0) -> Callable[[Moment], Json]:
    """From the first asking on for so long; then its file is there after so long again."""

    def tell(moment: Moment) -> Json:
        start, end = moment.first_asked, moment.first_asked + seconds * SECOND
        if moment.now < end:
            return task(status=2, start=start)
        is_there = moment.now >= end + file_after * SECOND
        files = [tos_file(start, size=seconds * BYTES_A_SECOND, length=end - start)] if is_there else None
        return task(status=3, start=start, end=end, reason="StopByAPI", files=files)

    return tell


def _replaced(moment: Moment) -> Json:
    """An old task until 20 s after the first asking, then a newer one that took the same ids."""
    if moment.now - moment.first_asked < 20 * SECOND:
        return vendors_example(moment)
    return task(status=2, start=moment.first_asked + 15 * SECOND)


def _as_strings(moment: Moment) -> Json:
    start = moment.opened - HOUR
    file = {name: str(value) if isinstance(value, int) else value for name, value in tos_file(start).items()}
    return task(status="3", start=str(start), end=str(start + 600_000), reason="StopByAPI", files=[file])


def _hostile(moment: Moment) -> Json:
    start = moment.opened - HOUR
    stream = {"UserId": "<!channel> `*@here*` https://example.com/", "StreamType": 7}
    file = {**tos_file(start), "ObjectKey": "a/<!here>\u001b[31m\u202egpj.`*_~&.mp4", "StreamList": [stream]}
    return task(status=3, start=start, end=start + 600_000, reason="<!channel>\u001b]0;x\u0007*", files=[file])


def _many_files(moment: Moment) -> Json:
    start = moment.opened - 70 * HOUR
    files = [tos_file(start, number=number, length=8 * MINUTE) for number in range(1, 501)]
    return task(status=3, start=start, end=moment.opened - HOUR, reason="StopByAPI", files=files)


SCENES: dict[str, Scene] = {
    "Room1": Scene("the example of the vendor's page", vendors_example),
    "stopped-by-api": Scene("ended by a call of the API, one file in TOS", _ended("StopByAPI")),
    "idle": Scene("ended by the idle limit", _ended("IdleTimeOut")),
    "unknown-reason": Scene("ended, Volcengine does not know why", _ended("UnknownStopReason")),
    "start-failed": Scene("could not be started", _ended("StartTaskFailed", status=4, has_end=False, files=[])),
    "failed": Scene("failed while it ran", _ended("UnknownStopReason", status=4)),
    "abnormal": Scene("status 0", _ended("", status=0, has_end=False, files=[])),
    "not-started": Scene("not started", lambda m: task(status=1, start=m.opened - SECOND)),
    "running": Scene("running", _running),
    "hls-running": Scene("running, with its HLS file already there", _hls_running),
    "ageing": Scene("goes through all its states within a minute of the first asking", _ageing),
    "soon": Scene("ends 20 s after the first asking, its file comes 10 s later", _runs_for(20, file_after=10)),
    "late-file": Scene("ends 20 s after the first asking, its file comes 4 min later", _runs_for(20, file_after=240)),
    "run-60": Scene("runs for as many seconds as the room's name says; any number will do", _runs_for(60)),
    "replaced": Scene("a newer task takes the ids 20 s after the first asking", _replaced),
    "vod": Scene("two files in VOD", _ended("StopByAPI", files=[{"Vid": "v0aaa", "Size": "1"}, {"Vid": "v0bbb"}])),
    "vod-unpublished": Scene(
        "a file in VOD that is not published", _ended("StopByAPI", files=[{"Vid": "v0unpublished"}])
    ),
    "many-files": Scene("500 files", _many_files),
    "no-files": Scene("ended without files", _ended("StopByAPI", files=[])),
    "empty-file": Scene("ended with a file of 0 bytes", _ended("StopByAPI", files=[{"ObjectKey": "a.mp4", "Size": 0}])),
    "status-9": Scene("a status that is not documented", _ended("", status=9, has_end=False, files=[])),
    "new-reason": Scene("a stop reason that is not documented", _ended("StopByMoonPhase")),
    "end-before-start": Scene("ends before it starts", lambda m: task(status=3, start=m.opened, end=m.opened - HOUR)),
    "strings": Scene("numbers as strings", _as_strings),
    "nulls": Scene("nothing but a status", lambda _: {"RecordTask": {"Status": 3, "RecordFileList": None}}),
    "hostile": Scene("names made to break out of their place", _hostile),
    "result-ok": Scene('a Result that is the text "ok"', lambda _: "ok"),
    "result-null": Scene("a Result that is null", lambda _: None),
    "result-empty": Scene("an empty Result", lambda _: {}),
    "task-is-text": Scene("a RecordTask that is a text", lambda _: {"RecordTask": "gone"}),
    "too-old": Scene("started 73 hours ago", lambda m: task(status=2, start=m.opened - 73 * HOUR)),
}


def scene_of(room: str) -> Scene | None:
    if room in SCENES:
        return SCENES[room]
    runs = _RUNS_FOR.fullmatch(room)
    return Scene("", _runs_for(int(runs[1]))) if runs else None
