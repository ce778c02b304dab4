"""The scripted recordings as a person sees and changes them, and what can be arranged to go wrong with RTC."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from bot.playground.slack.world import Json
from bot.playground.volcengine.gateway import ERRORS
from bot.playground.volcengine.rtc import FakeRtc
from bot.playground.volcengine.scenes import scene_of

FAULTS = {
    "slow": "answers come 4 s late",
    "down": "nothing listens at its address",
    "429": "every request is over the limit",
    "skewed": "its clock is 20 minutes ahead",
}
_SLOW, _SKEW = 4.0, timedelta(minutes=20)
_FILE_MAY_HAVE = 5_000_000
# The vendor's page of GetRecordTask.
_ID = re.compile(r"[a-zA-Z0-9_@\-.]{1,128}")


class RtcStage:
    """One fault at a time, and changes to single recordings."""

    def __init__(self, rtc: FakeRtc) -> None:
        self._rtc = rtc
        self._fault: str | None = None
        self._own = 0
        self.does: dict[str, Callable[[str, str], None]] = {
            "end": rtc.end,
            "fail": lambda room, task: rtc.end(room, task, reason="UnknownStopReason", status=4),
            "idle": lambda room, task: rtc.end(room, task, reason="IdleTimeOut"),
            "lose_files": lambda room, task: rtc.leave_files(room, task, count=0),
            "leave_files": rtc.leave_files,
            "replace": rtc.replace,
            "forget": rtc.forget,
            "restore": rtc.restore,
        }

    def state(self) -> Json:
        """The fault in force, and every recording of the first app as it is now."""
        first = self._rtc.account.app_ids[0]
        told = self._rtc.tasks()
        tasks = [_row(key, result) for key, result in told.items() if key.app_id == first]
        return {"fault": self._fault, "errors": sorted(ERRORS), "tasks": tasks}

    async def change(self, said: Json) -> str:
        """{do, room, task}; raises LookupError where there is no such thing to do."""
        what, room, task = said["do"], str(said["room"]), str(said.get("task", "Task1"))
        if what not in self.does:
            raise LookupError(f"A recording cannot be made to {what!r}.")
        self.does[what](room, task)
        return f"{what}: room {room}, task {task}"

    async def arrange(self, said: Json) -> str:
        """{fault: one of FAULTS, a fault or error that FakeRtc.fail_with takes, or null}; raises LookupError."""
        fault = said["fault"]
        if fault and fault not in FAULTS:
            self._rtc.fail_with(str(fault))
        await self._heal(keeps_failure=bool(fault) and fault not in FAULTS)
        self._fault = fault
        if fault == "slow":
            self._rtc.delay = _SLOW
        elif fault == "down":
            await self._rtc.close_door()
        elif fault == "429":
            self._rtc.fail_with("FlowLimitExceeded")
        elif fault == "skewed":
            self._rtc.skew = _SKEW
        return FAULTS.get(fault, str(fault)) if fault else "RTC is well again"

    async def _heal(self, *, keeps_failure: bool) -> None:
        self._rtc.delay, self._rtc.skew = 0.0, timedelta()
        if not keeps_failure:
            self._rtc.heal()
        await self._rtc.open_door()

    async def tell_own(self, said: Json) -> Json:
        """{answer: JSON of GetRecordTask, or the path of a file with it; room, task: made up where they are not given}.

        From then on RTC answers so for the room; an error too. Raises ValueError where there is neither in it, and for
        an id that RTC would refuse.
        """
        told = _told_in(_text_of(str(said["answer"]).strip()))
        self._own += 1
        room = _id(said.get("room") or f"own-{self._own}", of="room")
        task = _id(said.get("task") or "Task1", of="task")
        error = _error_in(told)
        self._rtc.own_errors.pop(room, None)
        if error is not None:
            self._rtc.own_errors[room] = error
        else:
            self._rtc.answers[room] = _result_in(told)
        return {"room": room, "task": task}


def _row(key: tuple[str, str, str], result: object) -> Json:
    _, room, task = key
    scene = scene_of(room)
    told = result.get("RecordTask") if isinstance(result, dict) else None
    row = {"room": room, "task": task, "about": scene.about if scene else "your own", "is_known": result is not None}
    if not isinstance(told, dict):
        return row | {"status": None, "reason": None, "files": None}
    files = told.get("RecordFileList")
    count = len(files) if isinstance(files, list) else None
    return row | {"status": told.get("Status"), "reason": told.get("StopReason"), "files": count}


def _text_of(answer: str) -> str:
    """The answer itself, or what stands in the file of that path."""
    if answer.startswith("{"):
        return answer
    try:
        path = Path(answer).expanduser()
        size, text = path.stat().st_size, ""
        if size <= _FILE_MAY_HAVE:
            text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as failure:  # a name that no file can have, or no UTF-8, is a ValueError
        raise ValueError("Neither JSON nor a file that can be read.") from failure
    if size > _FILE_MAY_HAVE:
        raise ValueError("The file is too large.")
    return text


def _id(value: object, *, of: str) -> str:
    """Raises ValueError."""
    if not _ID.fullmatch(str(value)):
        raise ValueError(f"A {of} id has only letters, digits, _ @ - and a dot, at most 128 of them.")
    return str(value)


def _told_in(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as failure:
        raise ValueError(f"This is not JSON: line {failure.lineno}, column {failure.colno}.") from failure


def _error_in(told: object) -> Json | None:
    """The `Error` of a whole answer, or of its `ResponseMetadata`."""
    metadata = told.get("ResponseMetadata", told) if isinstance(told, dict) else None
    error = metadata.get("Error") if isinstance(metadata, dict) else None
    return error if isinstance(error, dict) and "Code" in error else None


def _result_in(told: object) -> object:
    """The `Result` of a whole answer, of a Result, of a RecordTask, or of what `rectask show --json` prints as raw."""
    if isinstance(told, dict) and "Result" in told:
        return told["Result"]
    if isinstance(told, dict) and "RecordTask" in told:
        return told
    if isinstance(told, dict) and {"Status", "StartTime"} & told.keys():
        return {"RecordTask": told}
    raise ValueError("There is no Result, RecordTask, Status or Error in it.")
