from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.notices.watching.schedule import Schedule
from testing.notices import NOW, reading

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
SCHEDULE = Schedule(30 * SECOND, lambda: 0.0)


@pytest.mark.parametrize(
    ("status", "running_for", "pause"),
    [
        (1, 5 * SECOND, 10 * SECOND),
        (1, 5 * HOUR, 10 * SECOND),
        (2, 5 * SECOND, 10 * SECOND),
        (2, 119 * SECOND, 10 * SECOND),
        (2, 120 * SECOND, 30 * SECOND),
        # Without a stream it ends 180 s after its start; a look comes just after.
        (2, 170 * SECOND, 12 * SECOND),
        (2, 182 * SECOND, 30 * SECOND),
        (2, 2 * HOUR, 30 * SECOND),
        (2, 3 * HOUR, 60 * SECOND),
        (2, 12 * HOUR, 120 * SECOND),
        (2, 72 * HOUR - 10 * SECOND, 12 * SECOND),
        (0, 1 * HOUR, 30 * SECOND),
    ],
)
def test_when_a_task_is_looked_at_next(status: int, running_for: timedelta, pause: timedelta) -> None:
    task = reading(status, start=NOW - running_for).task
    assert SCHEDULE.while_running(task, now=NOW) == pause


def test_a_start_that_is_not_known() -> None:
    assert SCHEDULE.while_running(reading(2, start=None).task, now=NOW) == 10 * SECOND


def test_files_are_looked_for_often_at_first_and_then_seldom() -> None:
    assert SCHEDULE.while_files_are_awaited() == 10 * SECOND
    assert SCHEDULE.while_late_files_may_come() == 60 * SECOND


@pytest.mark.parametrize(("failures", "pause"), [(1, 30), (2, 60), (3, 120), (4, 120), (10_000, 120)])
def test_failures_slow_it_down(failures: int, pause: int) -> None:
    assert SCHEDULE.after_failure(failures) == pause * SECOND


@given(randomness=st.floats(0, 1), interval=st.integers(1, 600), running_for=st.integers(-100, 80 * 3600))
def test_a_pause_is_jittered_downwards_only_and_never_nothing(
    randomness: float, interval: int, running_for: int
) -> None:
    task = reading(2, start=NOW - running_for * SECOND).task
    steady = Schedule(interval * SECOND, lambda: 0.0).while_running(task, now=NOW)
    pause = Schedule(interval * SECOND, lambda: randomness).while_running(task, now=NOW)
    assert timedelta() < pause <= steady
