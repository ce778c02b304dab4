"""When the next socket may be opened."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from bot.slack.connection.socket_pace import LIMITS, Pace

# What becomes of an opening, and after how long.
HAPPENINGS: dict[str, Callable[[Pace], None]] = {
    "lost": Pace.pause_after_loss,
    "replaced": Pace.pause_for_successor,
    "for long": Pace.pause_for_long,
    "as asked": lambda pace: pace.pause_as_asked(20.0),
}
happenings = st.tuples(st.sampled_from(sorted(HAPPENINGS)), st.floats(0, 200), st.floats(0, 0.999))


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.chance = 0.0


def open_all(happened: list[tuple[str, float, float]]) -> tuple[list[float], list[float]]:
    """When each socket was opened, and how long it was waited for."""
    clock = Clock()
    pace = Pace(LIMITS, timer=lambda: clock.now, random=lambda: clock.chance)
    openings, pauses = [], []
    for name, lived, clock.chance in happened:
        pauses.append(max(pace.seconds_to_wait(), 0.0))
        clock.now += pauses[-1]
        pace.note_opening()
        openings.append(clock.now)
        clock.now += lived
        if lived >= LIMITS.settled_after:
            pace.note_settled()
        HAPPENINGS[name](pace)
    return openings, pauses


@given(st.lists(happenings, max_size=60))
def test_never_more_than_ten_a_minute_and_never_a_longer_pause_than_promised(
    happened: list[tuple[str, float, float]],
) -> None:
    openings, pauses = open_all(happened)
    for first, eleventh in zip(openings, openings[LIMITS.openings_at_most :], strict=False):
        assert eleventh - first >= LIMITS.openings_within
    assert all(pause <= LIMITS.longest_pause for pause in pauses)


def test_the_window_holds_where_no_pause_does() -> None:
    clock = Clock()
    pace = Pace(LIMITS, timer=lambda: clock.now, random=lambda: clock.chance)
    for _ in range(LIMITS.openings_at_most):
        assert pace.seconds_to_wait() <= 0
        pace.note_opening()
        pace.note_settled()
        pace.pause_for_successor()
    assert pace.seconds_to_wait() == LIMITS.openings_within


def test_pauses_grow_to_the_longest_and_start_over_after_a_socket_that_lived() -> None:
    _, pauses = open_all([("lost", 0.0, 1.0)] * 8 + [("lost", 100.0, 1.0), ("lost", 0.0, 1.0), ("lost", 0.0, 1.0)])
    assert pauses == [0.0, 1.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 1.0, 1.0]


def test_slack_is_never_asked_sooner_than_it_wants_and_never_believed_for_hours() -> None:
    clock = Clock()
    pace = Pace(LIMITS, timer=lambda: clock.now, random=lambda: clock.chance)
    for asked, expected in [(40.0, 40.0), (0.0, 0.5), (86_400.0, LIMITS.retry_after_at_most)]:
        pace.pause_as_asked(asked)
        assert pace.seconds_to_wait() >= expected
    assert pace.seconds_to_wait() <= LIMITS.retry_after_at_most + LIMITS.longest_pause
