"""Answers as they may come: every field optional, numbers as strings, anything in the place of anything."""

import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.recording.task import ENDED
from bot.recording.task_ref import RtcApp, TaskRef
from bot.volcengine.api.numbers import exact
from bot.volcengine.api.wire import InvalidResponse, parse_envelope
from bot.volcengine.rtc.wire import parse_record_task

REF = TaskRef(RtcApp("prod", "661e0000000000000000543c"), "Room1", "Task1")
EXAMPLE = {
    "StartTime": 1624873773000,
    "EndTime": 1624874235000,
    "Status": 3,
    "StopReason": "StopByAPI",
    "RecordFileList": [
        {
            "Vid": "v02b69g10000***eldb8vjafvmg",
            "Duration": 457280,
            "Size": 30388433,
            "StartTime": 1624873773354,
            "StreamList": [{"UserId": "user1", "StreamType": 0}],
        }
    ],
}
NAMES = ["ResponseMetadata", "Result", "RecordTask", "Error", "Code", "CodeN", "RequestId", "Message", *EXAMPLE]
NAMES += ["Vid", "ObjectKey", "Duration", "Size", "StreamList", "Index", "UserId", "StreamType", "VideoWidth"]
anything = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from(["0", "3", "-1", "1e9"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text()), inner, max_size=6)
    ),
    max_leaves=25,
)


def test_the_example_of_the_vendors_page() -> None:
    task = parse_record_task({"RecordTask": EXAMPLE}, REF)
    assert task is not None
    assert task.status == ENDED
    assert task.stop_reason is not None
    assert task.stop_reason.code == "StopByAPI"
    assert task.started_at == datetime(2021, 6, 28, 9, 49, 33, tzinfo=UTC)
    assert task.ended_at == datetime(2021, 6, 28, 9, 57, 15, tzinfo=UTC)
    assert task.length == timedelta(minutes=7, seconds=42)
    (file,) = task.files
    assert (file.vid, file.object_key) == ("v02b69g10000***eldb8vjafvmg", None)
    assert (file.length, file.size) == (timedelta(milliseconds=457280), 30388433)
    assert file.created_at == datetime(2021, 6, 28, 9, 49, 33, 354000, tzinfo=UTC)
    assert [(stream.user_id, stream.kind, stream.index) for stream in file.streams] == [("user1", "camera", None)]
    assert (file.video_codec, file.audio_codec, file.width, file.height) == (None, None, None, None)


def as_strings(value: Any) -> Any:
    match value:
        case dict():
            return {name: as_strings(inner) for name, inner in value.items()}
        case list():
            return [as_strings(inner) for inner in value]
        case int():
            return str(value)
    return value


def test_numbers_may_be_strings() -> None:
    assert parse_record_task({"RecordTask": as_strings(EXAMPLE)}, REF) == parse_record_task(
        {"RecordTask": EXAMPLE}, REF
    )


@pytest.mark.parametrize("result", [None, "ok", "", [], {}, 7, {"RecordTask": None}, {"RecordTask": {}}, {"Other": 1}])
def test_a_result_without_a_task_is_not_found(result: object) -> None:
    assert parse_record_task(result, REF) is None


@pytest.mark.parametrize("task", ["gone", ["a"], 7])
def test_something_else_in_the_tasks_place_makes_no_sense(task: object) -> None:
    with pytest.raises(InvalidResponse):
        parse_record_task({"RecordTask": task}, REF)


@pytest.mark.parametrize(
    "body",
    [b"", b"ok", b"[]", b"7", b"null", b'"text"', b"{}", b'{"a": 1}', b'{"Result":', b"\xff\xfe", b"[" * 100_000],
)
def test_what_is_no_envelope_makes_no_sense(body: bytes) -> None:
    with pytest.raises(InvalidResponse):
        parse_envelope(body)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("StartTime", 10**30),
        ("StartTime", -1),
        ("StartTime", 0),
        ("StartTime", "soon"),
        ("StartTime", True),
        ("StartTime", "9" * 5000),
        ("StartTime", []),
    ],
)
def test_a_time_that_can_not_be_is_unknown(field: str, value: object) -> None:
    task = parse_record_task({"RecordTask": {"Status": 2, field: value}}, REF)
    assert task is not None
    assert task.started_at is None


MOMENT = datetime(2021, 6, 28, 9, 49, 33, tzinfo=UTC)


def started_at(number: str) -> datetime | None:
    """What is read of a number as it stands in JSON."""
    envelope = parse_envelope(f'{{"Result": {{"RecordTask": {{"Status": 2, "StartTime": {number}}}}}}}'.encode())
    task = parse_record_task(envelope.result, REF)
    assert task is not None
    return task.started_at


@pytest.mark.parametrize(
    "number",
    [
        "1624873773000",
        "1624873773000.0",
        "1624873773000.25",
        "1.624873773e12",
        "1.624873773E+12",
        "16248737730000e-1",
        "1624873773",
        "1624873773.0",
        "1.624873773e9",
    ],
)
def test_a_number_is_read_however_it_is_written(number: str) -> None:
    assert started_at(number) == MOMENT
    assert started_at(f'"{number}"') == MOMENT


@pytest.mark.parametrize("number", ["1.62487e12", "1.62487e+12", "2e12", "1e3", "1e400", "1e-400", "-1.624873773e12"])
def test_a_number_that_was_rounded_or_can_not_be_is_not_guessed(number: str) -> None:
    assert started_at(number) is None
    assert started_at(f'"{number}"') is None


@pytest.mark.parametrize(
    ("size", "read"),
    [("3.5", None), ("30388433.0", 30388433), ("3.0388433e7", 30388433), ("3.03884e+07", None), ("NaN", None)],
)
def test_a_size_is_a_whole_number(size: str, read: int | None) -> None:
    body = f'{{"Result": {{"RecordTask": {{"Status": 2, "RecordFileList": [{{"Size": {size}}}]}}}}}}'
    task = parse_record_task(parse_envelope(body.encode()).result, REF)
    assert task is not None
    assert task.files[0].size == read


@given(st.text(max_size=50) | st.from_regex(r"-?[0-9]{1,25}(\.[0-9]{1,9})?([eE][+-]?[0-9]{1,4})?", fullmatch=True))
def test_every_text_is_a_number_or_none(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert exact(text).is_finite()


TOO_MUCH = [
    pytest.param(b"[" + b",".join([b"{}"] * 40_001) + b"]", id="objects"),
    pytest.param(b"[" + b",".join([b"[]"] * 40_001) + b"]", id="lists"),
    pytest.param(b"[" + b"1," * 400_001 + b"1]", id="numbers"),
    pytest.param(b"{" + b",".join(b'"%d":1' % n for n in range(200_001)) + b"}", id="names"),
    pytest.param(b'{"a":' * 50_000 + b"1" + b"}" * 50_000, id="depth"),
]


@pytest.mark.parametrize("result", TOO_MUCH)
def test_too_much_is_refused_before_objects_are_made_of_it(result: bytes) -> None:
    with pytest.raises(InvalidResponse, match="more than"):
        parse_envelope(b'{"Result":' + result + b"}")


def test_depth_is_bounded() -> None:
    with pytest.raises(InvalidResponse):
        parse_envelope(b'{"Result":' + b"[" * 300 + b"]" * 300 + b"}")


@given(st.dictionaries(st.sampled_from(NAMES), anything))
def test_whatever_comes_becomes_an_envelope_or_is_said_to_make_no_sense(payload: dict[str, Any]) -> None:
    body = json.dumps(payload).encode()
    try:
        envelope = parse_envelope(body)
        parse_record_task(envelope.result, REF)
    except InvalidResponse:
        result = payload.get("Result")
        assert not isinstance(result, dict) or not isinstance(result.get("RecordTask"), dict)
    else:
        assert "ResponseMetadata" in payload or "Result" in payload


@given(st.dictionaries(st.sampled_from(list(EXAMPLE)), anything, min_size=1))
def test_whatever_is_in_a_task_its_documented_parts_are_kept(task: dict[str, Any]) -> None:
    parsed = parse_record_task({"RecordTask": EXAMPLE | task}, REF)
    assert parsed is not None
    if "Status" not in task:
        assert parsed.status == ENDED
    if "RecordFileList" not in task:
        assert [file.size for file in parsed.files] == [30388433]


def test_500_files_of_more_than_two_gigabytes() -> None:
    files = [{"ObjectKey": f"{n}.mp4", "Size": 2**33} for n in range(500)]
    task = parse_record_task({"RecordTask": {"Status": 3, "RecordFileList": files}}, REF)
    assert task is not None
    assert sum(file.size or 0 for file in task.files) == 500 * 2**33


@pytest.mark.parametrize(
    ("listed", "unreadable"),
    [("oops", 1), ({"0": {}}, 1), (["a.mp4", 7], 2), ([{"Vid": "v0"}, None], 1), (None, 0), ([], 0), (7, 1)],
)
def test_what_is_no_file_in_the_file_list_is_counted(listed: object, unreadable: int) -> None:
    task = parse_record_task({"RecordTask": {"Status": 3, "RecordFileList": listed}}, REF)
    assert task is not None
    assert task.unreadable_files == unreadable


@pytest.mark.parametrize("value", [True, False, 10**400, -1, 1.5, "1.5", "many", [], {}])
def test_a_size_that_can_not_be_is_unknown(value: object) -> None:
    task = parse_record_task({"RecordTask": {"Status": 3, "RecordFileList": [{"Size": value}]}}, REF)
    assert task is not None
    assert task.files[0].size is None


@pytest.mark.parametrize(
    ("value", "code"),
    [(True, None), ("3", 3), (3.0, 3), (9, 9), ("paused", "paused"), ("", None), (10**400, None), ("x" * 65, None)],
)
def test_a_status_is_kept_as_it_came_within_reason(value: object, code: int | str | None) -> None:
    task = parse_record_task({"RecordTask": {"StopReason": "x", "Status": value}}, REF)
    assert task is not None
    assert task.status.code == code


def test_a_time_that_means_never_is_unknown() -> None:
    task = parse_record_task({"RecordTask": {"StartTime": 253402300799000, "Status": 3}}, REF)
    assert task is not None
    assert (task.started_at, task.known_until) == (None, None)
