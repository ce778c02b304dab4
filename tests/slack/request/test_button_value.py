"""What a button carries, and what comes back changed."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.recording.task import RUNNING, RecordTask
from bot.recording.task_ref import RtcApp, TaskRef
from bot.slack.request.button_value import ButtonValue, InvalidButtonValue, Told, read_value

APPS = (RtcApp("prod", "661e0000000000000000543c"), RtcApp("staging", "661f0000000000000000543c"))
IDS = st.text("abcXYZ019@-_.", min_size=1, max_size=128)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECONDS = st.integers(0, 253_402_300_799).map(lambda s: EPOCH + timedelta(seconds=s))
MILLISECONDS = st.integers(0, 253_402_300_799_000).map(lambda ms: EPOCH + timedelta(milliseconds=ms))
TOLD = st.builds(Told, SECONDS, st.none() | MILLISECONDS)


@given(
    st.sampled_from(APPS),
    IDS,
    IDS,
    st.integers(0, 1000),
    st.booleans(),
    st.sampled_from([None, "U0ANA00001"]),
    st.none() | TOLD,
)
def test_what_was_put_in_comes_back(
    app: RtcApp, room: str, task: str, page: int, outside: bool, shared_by: str | None, told: Told | None
) -> None:
    press = ButtonValue(TaskRef(app, room, task), page=page, outside_too=outside, shared_by=shared_by, told=told)
    assert read_value(press.as_value(), apps=APPS) == press
    assert len(press.as_value()) <= 500


@given(st.text(max_size=2000))
def test_of_a_file_the_beginning_comes_back(name: str) -> None:
    value = ButtonValue(TaskRef(APPS[0], "r" * 128, "t" * 128), file=name).as_value()
    assert len(value) <= 2000
    assert read_value(value, apps=APPS).file == (name[:200] or None)


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", "x", "[]", "{}", 7, '{"a":"prod","r":"Room1"}'),
        json.dumps({"a": "prod", "r": "a b", "t": "Task1"}),
        json.dumps({"a": "live", "r": "Room1", "t": "Task1"}),
        json.dumps({"a": "prod", "i": "661d0000000000000000543c", "r": "Room1", "t": "Task1"}),
        json.dumps({"a": "prod", "i": "../..", "r": "Room1", "t": "Task1"}),
        json.dumps({"a": "p" * 65, "i": "661e0000000000000000543c", "r": "Room1", "t": "Task1"}),
        json.dumps({"a": "prod", "r": "Room1", "t": "t" * 129}),
        json.dumps({"a": "prod", "r": "Room1", "t": "Task1", "p": -1}),
        json.dumps({"a": "prod", "r": "Room1", "t": "Task1", "p": "1"}),
        json.dumps({"a": "prod", "r": "Room1", "t": "Task1", "s": "<!channel>"}),
        json.dumps({"a": "prod", "r": "Room1", "t": "Task1", "more": 1}),
        json.dumps({"a": "prod", "r": "Room1", "t": "Task1", "f": "f" * 201}),
        json.dumps({"a": "prod", "r": "Room1", "t": "Task1", "n": -1}),
        json.dumps({"a": "prod", "r": "Room1", "t": "Task1", "n": 10**18}),
        json.dumps({"a": "prod", "r": "Room1", "t": "Task1", "n": 1, "b": 10**18}),
    ],
)
def test_what_was_changed_is_noticed(value: object) -> None:
    with pytest.raises(InvalidButtonValue):
        read_value(value, apps=APPS)


def test_an_app_is_known_by_its_id_whatever_it_was_called() -> None:
    value = ButtonValue(TaskRef(APPS[0], "Room1", "Task1")).as_value()
    renamed = RtcApp("production", APPS[0].app_id)
    # The name was given to another app.
    assert read_value(value, apps=[RtcApp("prod", APPS[1].app_id), renamed]).ref.app == renamed
    # One app may have two names.
    assert read_value(value, apps=[renamed, *APPS]).ref.app == APPS[0]


def test_a_button_of_an_older_release_has_the_name_only() -> None:
    value = json.dumps({"a": "staging", "r": "Room1", "t": "Task1"})
    assert read_value(value, apps=APPS).ref.app == APPS[1]


def test_an_app_that_was_removed() -> None:
    ref = TaskRef(APPS[0], "Room1", "Task1")
    with pytest.raises(InvalidButtonValue):
        read_value(ButtonValue(ref).as_value(), apps=APPS[1:])
    assert read_value(ButtonValue(ref).as_value(), apps=APPS[1:], or_removed=True).ref == ref
    with pytest.raises(InvalidButtonValue):
        read_value('{"a":"prod","r":"Room1","t":"Task1"}', apps=APPS[1:], or_removed=True)


@given(st.text())
def test_no_text_breaks_it(value: str) -> None:
    with pytest.raises(InvalidButtonValue):
        read_value(value, apps=APPS)


@given(MILLISECONDS, st.none() | MILLISECONDS)
def test_a_notice_knows_its_own_recording_from_a_newer_one(started_at: datetime, other: datetime | None) -> None:
    ref = TaskRef(APPS[0], "Room1", "Task1")
    told = Told(EPOCH, started_at)
    sent = read_value(ButtonValue(ref, told=told).as_value(), apps=APPS).told
    assert sent is not None
    assert sent.is_about(RecordTask(ref, RUNNING, started_at=started_at))
    assert sent.is_about(RecordTask(ref, RUNNING, started_at=other)) == (
        other is None or abs(other - started_at) <= timedelta(seconds=1)
    )
