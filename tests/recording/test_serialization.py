import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.recording.diagnosis.verdict import judge
from bot.recording.reading import Reading
from bot.recording.serialization import NotDecodable, decode_reading, decode_summary, encode_reading
from bot.recording.stop_reason import StopReason
from bot.recording.task import RecordedStream, RecordingFile, RecordTask, Status
from bot.recording.task_ref import RtcApp, TaskRef

words = st.none() | st.text(max_size=20)
numbers = st.none() | st.integers(0, 2**53)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # made aware
ids = st.text("abcXYZ019@-_.", min_size=1, max_size=128)
streams = st.builds(RecordedStream, words, st.text(max_size=10), st.none() | st.integers(0, 99))
files = st.builds(
    RecordingFile,
    vid=words,
    object_key=words,
    length=st.none() | st.timedeltas(timedelta(), timedelta(days=4)),
    size=numbers,
    created_at=st.none() | moments,
    streams=st.lists(streams, max_size=3).map(tuple),
    video_codec=words,
    audio_codec=words,
    width=numbers,
    height=numbers,
)
a_few = settings(max_examples=30)
tasks = st.builds(
    RecordTask,
    ref=st.builds(TaskRef, st.builds(RtcApp, st.text(max_size=8), st.text(max_size=24)), ids, ids),
    status=(st.none() | st.integers(-1, 12) | st.text(max_size=5)).map(Status.from_code),
    stop_reason=(st.none() | st.sampled_from(["StopByAPI", "IdleTimeOut", "Überraschung"])).map(StopReason.from_code),
    started_at=st.none() | moments,
    ended_at=st.none() | moments,
    files=st.lists(files, max_size=3).map(tuple),
    unreadable_files=st.integers(0, 3),
)
readings = st.builds(Reading, task=tasks, read_at=moments, raw=st.just(""), request_id=words, log_id=words)


@a_few
@given(readings)
def test_what_is_encoded_comes_back(reading: Reading) -> None:
    assert decode_reading(encode_reading(reading)) == reading


@a_few
@given(readings)
def test_a_summary_has_the_same_verdict(reading: Reading) -> None:
    summary, now = decode_summary(encode_reading(reading)), reading.read_at
    assert judge(summary.task, now=now) == judge(reading.task, now=now)
    assert all(file == RecordingFile(size=file.size) for file in summary.task.files)


@a_few
@given(readings)
def test_the_raw_answer_is_left_out(reading: Reading) -> None:
    whole = Reading(reading.task, reading.read_at, "{}", reading.request_id, reading.log_id)
    assert encode_reading(whole) == encode_reading(reading)


@a_few
@given(
    st.text()
    | st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)).map(
        json.dumps
    )
)
def test_anything_else_is_not_decodable(text: str) -> None:
    with pytest.raises(NotDecodable):
        decode_reading(text)


@a_few
@given(readings, st.integers(2, 1000))
def test_a_newer_version_is_not_guessed_at(reading: Reading, version: int) -> None:
    fields = json.loads(encode_reading(reading)) | {"v": version}
    with pytest.raises(NotDecodable):
        decode_reading(json.dumps(fields))
