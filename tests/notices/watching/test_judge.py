from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.notices.completion import Occasion
from bot.notices.subscription import Phase, WatchedTask
from bot.notices.watching.judge import Close, Failed, Judgement, Tell, WatchOn, judge_failure, judge_look
from bot.notices.watching.schedule import Schedule
from bot.recording.reading import Reading, TaskNotFound, TaskReadError, TaskRefused, TaskUnavailable
from bot.recording.task import LOOKUP_WINDOW
from testing.notices import MINUTE, NOW, START, reading, watched

SCHEDULE = Schedule(timedelta(seconds=30), lambda: 0.0)
ENDED = NOW - timedelta(seconds=20)
AWAITING = Phase.AWAITING_FILES


def look(task: WatchedTask, told: Reading, *, now: datetime = NOW) -> Judgement:
    return judge_look(task, told, now=now, schedule=SCHEDULE)


def fail(task: WatchedTask, failure: TaskReadError, *, now: datetime = NOW) -> Judgement:
    return judge_failure(task, failure, now=now, schedule=SCHEDULE)


def failure_of(kind: type[TaskReadError]) -> TaskReadError:
    return kind("It happened.", meaning="It means.", advice="Do.", reason="It is so")


@pytest.mark.parametrize(
    ("told", "occasion"),
    [
        (reading(3, end=ENDED, reason="StopByAPI", files=1), Occasion.ENDED),
        (reading(4, end=ENDED, reason="UnknownStopReason", files=1), Occasion.ENDED),
        (reading(4, reason="StartTaskFailed"), Occasion.ENDED),
        (reading(3, end=NOW - 3 * MINUTE, reason="IdleTimeOut", files=2), Occasion.ENDED),
        (reading(3, end=NOW - 61 * MINUTE, start=NOW - 90 * MINUTE), Occasion.REPLACED),
        (reading(2, start=START + MINUTE), Occasion.REPLACED),
    ],
)
def test_what_is_told_at_once(told: Reading, occasion: Occasion) -> None:
    judged = look(watched(seen=reading(2)), told)
    assert isinstance(judged, Tell)
    assert (judged.completion.occasion, judged.phase) == (occasion, Phase.CLOSED)


def test_a_replaced_task_is_told_with_what_was_last_known_and_with_the_newer_one() -> None:
    last, newer = reading(2), reading(2, start=START + MINUTE)
    judged = look(watched(seen=last), newer)
    assert isinstance(judged, Tell)
    assert (judged.completion.reading, judged.completion.newer) == (last, newer)


def test_a_start_time_that_is_not_known_is_not_another_one() -> None:
    assert isinstance(look(watched(seen=reading(2)), reading(2, start=None)), WatchOn)


@pytest.mark.parametrize("told", [reading(1, start=START - MINUTE), reading(1, start=START), reading(1, start=None)])
def test_a_task_that_has_not_begun_is_not_the_one_that_had(told: Reading) -> None:
    judged = look(watched(seen=reading(2)), told)
    assert isinstance(judged, Tell)
    assert judged.completion.occasion is Occasion.REPLACED


def test_a_task_that_begins_later_than_it_was_created_is_the_same() -> None:
    created = reading(1, start=START - 5 * MINUTE)
    assert isinstance(look(watched(seen=created, started_at=None), reading(2)), WatchOn)


def test_files_are_awaited_for_two_minutes_and_then_the_end_is_told_without_them() -> None:
    task = watched(seen=reading(2))
    over = reading(3, end=ENDED)
    assert look(task, over) == WatchOn(over, timedelta(seconds=10), waiting_since=NOW)
    waiting = watched(seen=over, waiting_since=NOW)
    assert isinstance(look(waiting, over, now=ENDED + 2 * MINUTE - timedelta(seconds=1)), WatchOn)
    told = look(waiting, over, now=ENDED + 2 * MINUTE)
    assert isinstance(told, Tell)
    assert (told.completion.occasion, told.phase) == (Occasion.ENDED, AWAITING)


def test_an_end_without_a_time_is_waited_for_from_when_it_was_first_seen() -> None:
    over = reading(3)
    waiting = watched(seen=over, waiting_since=NOW)
    assert isinstance(look(waiting, over, now=NOW + MINUTE), WatchOn)
    assert isinstance(look(waiting, over, now=NOW + 2 * MINUTE), Tell)


def test_files_that_come_while_they_are_awaited_are_told_with_the_end() -> None:
    waiting = watched(seen=reading(3, end=ENDED), waiting_since=NOW)
    told = look(waiting, reading(3, end=ENDED, files=1), now=NOW + MINUTE)
    assert isinstance(told, Tell)
    assert (told.completion.occasion, told.phase) == (Occasion.ENDED, Phase.CLOSED)


def test_files_that_come_within_the_hour_are_told_too() -> None:
    told = look(watched(phase=AWAITING, seen=reading(3, end=ENDED)), reading(3, end=ENDED, files=1))
    assert isinstance(told, Tell)
    assert (told.completion.occasion, told.phase) == (Occasion.FILES, Phase.CLOSED)


@pytest.mark.parametrize("end", [ENDED, None])
def test_late_files_are_looked_for_until_an_hour_has_passed(end: datetime | None) -> None:
    task = watched(phase=AWAITING, seen=reading(3, end=end), waiting_since=ENDED)
    assert isinstance(look(task, reading(3, end=end), now=ENDED + 59 * MINUTE), WatchOn)
    assert look(task, reading(3, end=end), now=ENDED + 60 * MINUTE) == Close()


def test_a_name_that_is_taken_after_the_end_was_told_is_no_news() -> None:
    assert look(watched(phase=AWAITING, seen=reading(3)), reading(2, start=NOW)) == Close()


@pytest.mark.parametrize("status", [0, 9, None])
def test_a_status_that_tells_nothing_for_long_is_told_and_watched_on(status: int | None) -> None:
    unclear = reading(status)
    first = look(watched(seen=reading(2)), unclear)
    assert isinstance(first, WatchOn)
    assert first.waiting_since == NOW
    waiting = watched(seen=unclear, waiting_since=NOW)
    assert isinstance(look(waiting, unclear, now=NOW + 9 * MINUTE), WatchOn)
    told = look(waiting, unclear, now=NOW + 10 * MINUTE)
    assert isinstance(told, Tell)
    assert (told.completion.occasion, told.phase) == (Occasion.UNCLEAR, Phase.WATCHING)
    assert told.next_look > timedelta()


def test_waiting_for_one_thing_is_not_counted_for_another() -> None:
    was_unclear = watched(seen=reading(0), waiting_since=NOW - 9 * MINUTE)
    judged = look(was_unclear, reading(3))
    assert isinstance(judged, WatchOn)
    assert judged.waiting_since == NOW


@pytest.mark.parametrize("failures", [0, 1, 50])
def test_not_found_is_borne_like_an_outage_while_the_72_hours_are_not_over(failures: int) -> None:
    """RTC may say so by mistake, and the recording go on; a subscription that was ended does not come back."""
    task = watched(seen=reading(2), failures=failures, last_error="It is so")
    judged = fail(task, failure_of(TaskNotFound), now=START + LOOKUP_WINDOW - MINUTE)
    assert judged == fail(task, failure_of(TaskUnavailable), now=START + LOOKUP_WINDOW - MINUTE)
    assert isinstance(judged, Failed)
    assert judged.next_look <= 2 * MINUTE


@pytest.mark.parametrize("by", [timedelta(milliseconds=1), -timedelta(milliseconds=999), timedelta(seconds=1)])
def test_a_start_that_differs_by_a_second_at_most_is_the_same_one(by: timedelta) -> None:
    told = look(watched(seen=reading(2)), reading(3, start=START + by, end=ENDED, files=1))
    assert isinstance(told, Tell)
    assert told.completion.occasion is Occasion.ENDED


def test_not_found_after_72_hours_means_that_they_are_over() -> None:
    judged = fail(watched(seen=reading(2)), failure_of(TaskNotFound), now=START + LOOKUP_WINDOW)
    assert isinstance(judged, Tell)
    assert (judged.completion.occasion, judged.phase) == (Occasion.FORGOTTEN, Phase.CLOSED)


def test_a_refusal_is_borne_until_an_hour_after_the_72() -> None:
    late = START + LOOKUP_WINDOW + 60 * MINUTE
    assert isinstance(fail(watched(), failure_of(TaskRefused), now=late - MINUTE), Failed)
    judged = fail(watched(), failure_of(TaskRefused), now=late)
    assert isinstance(judged, Tell)
    assert judged.completion.occasion is Occasion.FORGOTTEN


def test_an_outage_is_no_news_until_a_day_after_the_72_hours() -> None:
    last = START + LOOKUP_WINDOW + timedelta(hours=24)
    waiting = fail(watched(failures=3), failure_of(TaskUnavailable), now=last - MINUTE)
    assert waiting == Failed("It is so.", timedelta(minutes=2))
    judged = fail(watched(failures=3), failure_of(TaskUnavailable), now=last)
    assert isinstance(judged, Tell)
    assert judged.completion.occasion is Occasion.FORGOTTEN


@pytest.mark.parametrize("error", [TaskUnavailable, TaskRefused, TaskNotFound])
def test_an_end_that_was_seen_is_told_in_time_though_rtc_can_not_be_asked(error: type[TaskReadError]) -> None:
    over = reading(3, end=ENDED)
    waiting = watched(seen=over, waiting_since=NOW)
    assert isinstance(fail(waiting, failure_of(error), now=NOW + MINUTE), Failed)
    judged = fail(waiting, failure_of(error), now=NOW + 2 * MINUTE)
    assert isinstance(judged, Tell)
    assert (judged.completion.occasion, judged.completion.reading, judged.phase) == (Occasion.ENDED, over, AWAITING)
    told = watched(phase=AWAITING, seen=over, waiting_since=NOW)
    assert isinstance(fail(told, failure_of(error), now=NOW + 2 * MINUTE), Failed)


@pytest.mark.parametrize("error", [TaskNotFound, TaskRefused])
def test_what_is_lost_from_sight_after_its_end_was_seen_is_told_as_its_end(error: type[TaskReadError]) -> None:
    over = reading(3, end=ENDED)
    judged = fail(watched(seen=over), failure_of(error), now=START + LOOKUP_WINDOW * 2)
    assert isinstance(judged, Tell)
    assert (judged.completion.occasion, judged.completion.reading) == (Occasion.ENDED, over)
    assert fail(watched(phase=AWAITING), failure_of(TaskNotFound), now=START + LOOKUP_WINDOW) == Close()


@given(
    status=st.none() | st.integers(-1, 9),
    start=st.none() | st.just(START) | st.just(START + MINUTE),
    end=st.none() | st.just(ENDED),
    files=st.integers(0, 2),
    phase=st.sampled_from([Phase.WATCHING, Phase.AWAITING_FILES]),
    started_at=st.none() | st.just(START),
    waited=st.none() | st.integers(0, 100),
    later=st.integers(0, 80),
)
def test_whatever_comes_a_closed_task_is_told_or_was_told(
    status: int | None,
    start: datetime | None,
    end: datetime | None,
    files: int,
    phase: Phase,
    started_at: datetime | None,
    waited: int | None,
    later: int,
) -> None:
    since = None if waited is None else NOW - waited * MINUTE
    task = watched(phase=phase, started_at=started_at, waiting_since=since)
    judged = look(task, reading(status, start=start, end=end, files=files), now=NOW + later * MINUTE)
    if phase is Phase.WATCHING:
        assert not isinstance(judged, Close)
    if isinstance(judged, WatchOn):
        assert timedelta() < judged.next_look <= timedelta(minutes=2)
