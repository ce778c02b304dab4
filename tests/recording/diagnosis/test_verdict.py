from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.recording.diagnosis.verdict import Severity, Verdict, judge
from bot.recording.stop_reason import StopReason
from bot.recording.task import RecordingFile, RecordTask, Status
from bot.recording.task_ref import RtcApp, TaskRef

REF = TaskRef(RtcApp("prod", "661e0000000000000000543c"), "Room1", "Task1")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MB30 = RecordingFile(object_key="a.mp4", size=30_388_433)
UNSIZED = RecordingFile(vid="v0")
EMPTY = RecordingFile(object_key="b.mp4", size=0)


def verdict(
    status: int | str | None,
    reason: str | None = None,
    *files: RecordingFile,
    started: timedelta | None = timedelta(minutes=30),
    lasted: timedelta | None = None,
    unreadable: int = 0,
) -> Verdict:
    """The verdict on a task that started so long ago and lasted so long."""
    start = None if started is None else NOW - started
    task = RecordTask(
        REF,
        Status.from_code(status),
        stop_reason=StopReason.from_code(reason),
        started_at=start,
        ended_at=None if lasted is None or start is None else start + lasted,
        files=files,
        unreadable_files=unreadable,
    )
    return judge(task, now=NOW)


LASTED = timedelta(minutes=7, seconds=42)
HOURS2 = timedelta(hours=2)


@pytest.mark.parametrize(
    ("said", "mood", "sentence", "concerns"),
    [
        (verdict(3, "StopByAPI", MB30, lasted=LASTED), Severity.GOOD,
         "Ended after 7 min 42 s: stopped through the API. 1 file, 30.4 MB.", []),
        (verdict(3, "IdleTimeOut", MB30, MB30, lasted=LASTED), Severity.GOOD,
         "Ended after 7 min 42 s: nobody was sending for longer than the idle limit. 2 files, 60.8 MB.", []),
        (verdict(3, "UnknownStopReason", MB30, lasted=LASTED), Severity.DOUBTFUL,
         "Ended after 7 min 42 s: Volcengine does not know why. 1 file, 30.4 MB.", ["does not know why it stopped"]),
        (verdict(3, "StartTaskFailed", lasted=LASTED), Severity.BAD,
         "Ended after 7 min 42 s: the task could not be started. No files.",
         ["yet the stop reason says that it never started", "so nothing was recorded"]),
        (verdict(3, "StopByAPI", MB30, lasted=timedelta(hours=11)), Severity.DOUBTFUL,
         "Ended: stopped through the API. 1 file, 30.4 MB.", ["The end lies in the future"]),
        (verdict(3, "StopByAPI", lasted=LASTED, unreadable=2), Severity.DOUBTFUL,
         "Ended after 7 min 42 s: stopped through the API. Its files cannot be read from the answer.",
         ["2 entries of the file list cannot be read"]),
        (verdict(3, "StopByAPI", MB30, lasted=LASTED, unreadable=1), Severity.DOUBTFUL,
         "Ended after 7 min 42 s: stopped through the API. 1 file, at least 30.4 MB.",
         ["1 entry of the file list cannot be read"]),
        (verdict(4, started=None), Severity.BAD, "Failed: no stop reason is given. No files.",
         ["no end time is given", "it may have recorded nothing", "lists no files yet"]),
        (verdict(2, "StartTaskFailed"), Severity.BAD,
         "Running for 30 min; the stop reason says: the task could not be started. No files so far.",
         ["yet there is a stop reason", "yet the stop reason says that it never started"]),
        (verdict(7, "StartTaskFailed"), Severity.BAD,
         ("State unknown: status 7 is not documented; the stop reason says: the task could not be started. "
          "No files so far."),
         ["cannot be told"]),
        (verdict(2, "UnknownStopReason"), Severity.DOUBTFUL,
         "Running for 30 min; the stop reason says: Volcengine does not know why. No files so far.",
         ["yet there is a stop reason"]),
        (verdict(1, None, MB30), Severity.DOUBTFUL, "Not started yet. 1 file so far, 30.4 MB.",
         ["The status says “not started”, yet there are files"]),
        (verdict(3, "StopByMoonPhase", MB30, lasted=LASTED), Severity.GOOD,
         "Ended after 7 min 42 s: stop reason StopByMoonPhase. 1 file, 30.4 MB.", []),
        (verdict(3, None, MB30, lasted=LASTED), Severity.GOOD,
         "Ended after 7 min 42 s: no stop reason is given. 1 file, 30.4 MB.", []),
        (verdict(3, "StopByAPI", MB30, UNSIZED, lasted=LASTED), Severity.GOOD,
         "Ended after 7 min 42 s: stopped through the API. 2 files, at least 30.4 MB.", []),
        (verdict(3, "StopByAPI", UNSIZED, lasted=LASTED), Severity.GOOD,
         "Ended after 7 min 42 s: stopped through the API. 1 file, size unknown.", []),
        (verdict(3, "StopByAPI", EMPTY, MB30, lasted=LASTED), Severity.DOUBTFUL,
         "Ended after 7 min 42 s: stopped through the API. 2 files, 30.4 MB.", ["1 file of 2 with a size of 0 bytes"]),
        (verdict(3, "StopByAPI", lasted=LASTED), Severity.DOUBTFUL,
         "Ended after 7 min 42 s: stopped through the API. No files.", ["lists no files yet"]),
        (verdict(3, "StopByAPI", started=HOURS2, lasted=LASTED), Severity.DOUBTFUL,
         "Ended after 7 min 42 s: stopped through the API. No files.", ["It has ended and lists no files."]),
        (verdict(3, "StopByAPI", MB30, started=None), Severity.DOUBTFUL,
         "Ended: stopped through the API. 1 file, 30.4 MB.", ["no end time is given"]),
        (verdict(3, "StopByAPI", MB30, lasted=-LASTED), Severity.DOUBTFUL,
         "Ended: stopped through the API. 1 file, 30.4 MB.", ["The end lies before the start"]),
        (verdict(3, "StopByAPI", MB30, lasted=timedelta()), Severity.GOOD,
         "Ended after 0 s: stopped through the API. 1 file, 30.4 MB.", []),
        (verdict(4, "StartTaskFailed", started=None), Severity.BAD,
         "Failed: the task could not be started. No files.", ["so nothing was recorded"]),
        (verdict(4, "StartTaskFailed", MB30, lasted=LASTED), Severity.BAD,
         "Failed after 7 min 42 s: the task could not be started. 1 file, 30.4 MB.", ["yet it lists files"]),
        (verdict(4, None, MB30, lasted=LASTED), Severity.BAD,
         "Failed after 7 min 42 s: no stop reason is given. 1 file, 30.4 MB.", ["The task failed; what it recorded"]),
        (verdict(2), Severity.UNDER_WAY, "Running for 30 min. No files so far.", []),
        (verdict(2, None, MB30), Severity.UNDER_WAY, "Running for 30 min. 1 file so far, 30.4 MB.", []),
        (verdict(2, started=None), Severity.UNDER_WAY, "Running. No files so far.", []),
        (verdict(2, started=timedelta(hours=71)), Severity.DOUBTFUL,
         "Running for 2 d 23 h. No files so far.", ["this one is still running"]),
        (verdict(2, started=-timedelta(minutes=1)), Severity.UNDER_WAY, "Running. No files so far.", []),
        (verdict(2, started=-HOURS2), Severity.DOUBTFUL, "Running. No files so far.", ["The start lies in the future"]),
        (verdict(2, "StopByAPI"), Severity.DOUBTFUL,
         "Running for 30 min; the stop reason says: stopped through the API. No files so far.",
         ["yet there is a stop"]),
        (verdict(2, lasted=LASTED), Severity.DOUBTFUL, "Running for 30 min. No files so far.", ["yet there is an end"]),
        (verdict(1, started=timedelta(seconds=5)), Severity.UNDER_WAY, "Not started yet. No files so far.", []),
        (verdict(1, started=None), Severity.UNDER_WAY, "Not started yet. No files so far.", []),
        (verdict(1), Severity.DOUBTFUL, "Not started yet. No files so far.", ["created 30 min ago and has not begun"]),
        (verdict(0), Severity.DOUBTFUL,
         "State unknown: Volcengine calls it unknown or abnormal. No files so far.", ["cannot be told"]),
        (verdict(9), Severity.DOUBTFUL,
         "State unknown: status 9 is not documented. No files so far.", ["cannot be told"]),
        (verdict("paused", None, MB30), Severity.DOUBTFUL,
         "State unknown: status paused is not documented. 1 file so far, 30.4 MB.", ["cannot be told"]),
        (verdict(None), Severity.DOUBTFUL,
         "State unknown: the answer names no status. No files so far.", ["cannot be told"]),
    ],
)  # fmt: skip
def test_the_verdict(said: Verdict, mood: Severity, sentence: str, concerns: list[str]) -> None:
    assert said.sentence == sentence
    assert said.mood == mood
    assert len(said.concerns) == len(concerns)
    assert all(part in concern.what for part, concern in zip(concerns, said.concerns, strict=True))


moments = st.one_of(st.none(), st.datetimes(timezones=st.just(UTC)))
files = st.builds(RecordingFile, size=st.one_of(st.none(), st.integers(min_value=0)))
tasks = st.builds(
    RecordTask,
    ref=st.just(REF),
    status=st.builds(Status.from_code, st.one_of(st.none(), st.integers(0, 5), st.text())),
    stop_reason=st.builds(StopReason.from_code, st.sampled_from(["", "StopByAPI", "StartTaskFailed", "New"])),
    started_at=moments,
    ended_at=moments,
    files=st.lists(files, max_size=3).map(tuple),
)


@given(tasks)
def test_nothing_unknown_is_claimed(task: RecordTask) -> None:
    verdict = judge(task, now=NOW)
    state = verdict.sentence.split(".")[0]
    assert state.startswith("Ended") == (task.status.code == 3)
    assert state.startswith("Failed") == (task.status.code == 4)
    assert " after " not in state.split(":")[0] or (task.is_over and task.length is not None)
    assert "nothing was recorded" not in " ".join(c.what for c in verdict.concerns) or not task.files
    assert all(concern.what and concern.advice for concern in verdict.concerns)
    assert verdict.mood != Severity.GOOD or task.status.code == 3
