import string
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.recording.stop_reason import STOP_BY_API, StopReason
from bot.recording.task import RUNNING, RecordingFile, RecordTask, Status
from bot.recording.task_ref import InvalidId, RtcApp, TaskRef, UnknownApp, choose_app

PROD, STAGING = RtcApp("prod", "661e0000000000000000543c"), RtcApp("staging", "661f0000000000000000543c")
LEGAL = string.ascii_letters + string.digits + "@-_."


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("", "is empty"),
        ("a b", "' ' at position 2"),
        ("房间一", "'房' at position 1"),
        ("a/b", "'/' at position 2"),
        ("a\nb", "'\\n' at position 2"),
        ("Room1\n", "'\\n' at position 6"),
        ("<@U123>", "'<' at position 1"),
        ("r" * 129, "129 characters"),
    ],
)
def test_an_id_that_the_vendor_forbids_is_refused_with_the_offending_part(value: str, complaint: str) -> None:
    with pytest.raises(InvalidId, match="task id") as refused:
        TaskRef(PROD, "Room1", value)
    assert complaint in str(refused.value)


@given(st.text(alphabet=LEGAL, min_size=1, max_size=128))
def test_every_id_that_the_vendor_allows_is_taken(value: str) -> None:
    assert TaskRef(PROD, value, value).room == value


@given(st.text(min_size=1, max_size=200))
def test_no_other_id_is_taken(value: str) -> None:
    if len(value) <= 128 and set(value) <= set(LEGAL):
        return
    with pytest.raises(InvalidId, match=r"room id") as refused:
        TaskRef(PROD, value, "Task1")
    assert str(refused.value)


def test_the_first_app_is_the_default() -> None:
    assert choose_app((PROD, STAGING), None) == PROD
    assert choose_app((PROD, STAGING), "staging") == STAGING


def test_an_unknown_app_is_answered_with_those_that_exist() -> None:
    with pytest.raises(UnknownApp, match="prod, staging"):
        choose_app((PROD, STAGING), "live")


@given(st.one_of(st.none(), st.integers(), st.text()))
def test_any_status_code_becomes_a_status_that_keeps_it(code: int | str | None) -> None:
    assert Status.from_code(code).code == code
    assert Status.from_code(code).documented == (code in (0, 1, 2, 3, 4))


@given(st.text())
def test_any_stop_reason_is_kept_as_it_is(code: str) -> None:
    reason = StopReason.from_code(code)
    assert reason is None if not code else reason is not None and reason.code == code


@pytest.mark.parametrize(
    ("key", "file_format"),
    [("abc/efg/123.mp4", "MP4"), ("a.M3U8", "M3U8"), ("a.mp4/b", None), ("noending", None), (None, None)],
)
def test_the_format_is_read_off_the_object_key(key: str | None, file_format: str | None) -> None:
    assert RecordingFile(object_key=key).file_format == file_format


def test_what_an_unfinished_task_lacks_is_none() -> None:
    task = RecordTask(TaskRef(PROD, "Room1", "Task1"), Status.from_code(2), started_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert task.length is None
    assert task.known_until == datetime(2026, 1, 4, tzinfo=UTC)


def test_statuses_and_stop_reasons_are_compared_by_their_codes() -> None:
    """What they are called may change between a look and the next one, which another release may do."""
    assert Status(2, "called otherwise") == RUNNING
    assert {Status(2, "called otherwise", documented=False), RUNNING} == {RUNNING}
    assert Status(3, RUNNING.name) != RUNNING
    assert StopReason("StopByAPI", "in other words", "with another meaning") == STOP_BY_API
