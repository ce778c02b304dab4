"""What the stand-in for RTC returns for each task: what was done to it, a test's own answer, or its room's scene."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from bot.playground.volcengine.gateway import Refusal
from bot.playground.volcengine.scenes import (
    BYTES_A_SECOND,
    HOUR,
    MINUTE,
    SECOND,
    Json,
    Moment,
    scene_of,
    task,
    tos_file,
)

_LOOKUP_WINDOW = 72 * HOUR
_GONE = object()


class Key(NamedTuple):
    """The ids of a task."""

    app_id: str
    room: str
    task_id: str


class Tasks:
    """All tasks that there are; `answers` maps a room to a `Result` of the test's own.

    `clock` tells the time in ms since the epoch.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self.answers: dict[str, object] = {}
        self._clock = clock
        self._opened = clock()
        self._first_asked: dict[Key, int] = {}
        self._changed: dict[Key, object] = {}

    def tell(self, key: Key) -> object:
        """The `Result`; raises Refusal where there is no such task, or where it was started too long ago."""
        now = self._clock()
        is_own = key.room in self.answers and key not in self._changed
        result = self._result(key, now)
        if result is _GONE or (not is_own and now - start_of(result, now) > _LOOKUP_WINDOW):
            raise Refusal("InvalidParameter.ErrorActiveTaskNotFound", "Active task is not found.")
        return result

    def _result(self, key: Key, now: int) -> object:
        self._first_asked.setdefault(key, now)
        if key in self._changed:
            return self._changed[key]
        if key.room in self.answers:
            return self.answers[key.room]
        return self._as_in_its_scene(key, now)

    def _as_in_its_scene(self, key: Key, now: int) -> object:
        scene, first_asked = scene_of(key.room), self._first_asked.get(key, now)
        return scene.tell(Moment(now=now, opened=self._opened, first_asked=first_asked)) if scene else _GONE

    def overlook(self, keys: Iterable[Key]) -> dict[Key, object]:
        """What these and all that were asked for or changed would be told as, None for what is not known.

        Looking on is not asking: a scene that begins with the first asking does not begin.
        """
        now, told = self._clock(), {}
        for key in {**dict.fromkeys(keys), **dict.fromkeys(self._first_asked), **dict.fromkeys(self._changed)}:
            own = self._changed.get(key, self.answers.get(key.room))
            result = self._as_in_its_scene(key, now) if own is None else own
            told[key] = None if result is _GONE else result
        return told

    def restore(self, key: Key) -> None:
        """It is what its scene says again, from the beginning."""
        self._changed.pop(key, None)
        self._first_asked.pop(key, None)

    def end(self, key: Key, *, reason: str, status: int, files: int) -> None:
        """It ends now, whatever its scene says; one that is not there has begun ten minutes ago."""
        now = self._clock()
        start = start_of(self._result(key, now), now - 10 * MINUTE)
        self._changed[key] = task(status=status, start=start, end=now, reason=reason, files=_files(start, now, files))

    def leave_files(self, key: Key, count: int) -> None:
        """So many files of its are there now."""
        now = self._clock()
        result = self._result(key, now)
        told = result["RecordTask"] if isinstance(result, dict) else {}
        self._changed[key] = {
            "RecordTask": {**told, "RecordFileList": _files(start_of(result, now), told.get("EndTime") or now, count)}
        }

    def replace(self, key: Key) -> None:
        """A newer task takes its ids, and runs."""
        self._changed[key] = task(status=2, start=self._clock())

    def forget(self, key: Key) -> None:
        """It is not known any longer."""
        self._changed[key] = _GONE


def start_of(result: object, otherwise: int) -> int:
    """When the task of this `Result` began, in ms."""
    told = result.get("RecordTask") if isinstance(result, dict) else None
    start = told.get("StartTime") if isinstance(told, dict) else None
    return start if isinstance(start, int) else otherwise


def _files(start: int, end: object, count: int) -> list[Json]:
    """As long together as the recording, and as large as that makes them."""
    whole = end - start if isinstance(end, int) else 0
    length = max(whole // max(count, 1), SECOND)
    size = length // SECOND * BYTES_A_SECOND
    return [tos_file(start, number=number, size=size, length=length) for number in range(1, count + 1)]
