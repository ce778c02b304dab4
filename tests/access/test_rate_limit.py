"""How often one person may ask: a window that slides, and a memory that is bounded."""

from hypothesis import given
from hypothesis import strategies as st

from bot.access.rate_limit import RateLimiter


class Timer:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_so_many_and_then_when_it_is_possible_again() -> None:
    timer = Timer()
    allowance = RateLimiter(3, timer=timer)
    for _ in range(3):
        assert allowance.take("ann") == 0
        timer.now += 10
    assert allowance.take("ann") == 30
    assert allowance.take("ben") == 0
    timer.now += 29
    assert allowance.take("ann") == 1
    timer.now += 1
    assert allowance.take("ann") == 0
    assert allowance.take("ann") == 10


@given(st.lists(st.floats(0, 40), min_size=1, max_size=80), st.integers(1, 5))
def test_never_more_in_any_minute_and_what_is_promised_is_kept(pauses: list[float], limit: int) -> None:
    timer = Timer()
    allowance = RateLimiter(limit, timer=timer)
    granted: list[float] = []
    for pause in pauses:
        timer.now += pause
        if wait := allowance.take("ann"):
            timer.now += wait * 1.0000001
            assert allowance.take("ann") == 0
        granted.append(timer.now)
    assert all(later - earlier >= 60 for earlier, later in zip(granted, granted[limit:], strict=False))


def test_who_has_been_silent_for_a_minute_is_not_kept() -> None:
    timer = Timer()
    allowance = RateLimiter(3, timer=timer)
    for number in range(50):
        allowance.take(number)
        timer.now += 10
    assert len(allowance) == 6


def test_the_memory_is_bounded() -> None:
    allowance = RateLimiter(1, timer=Timer(), people_kept=10)
    for number in range(50):
        assert allowance.take(number) == 0
    assert len(allowance) == 10
    assert allowance.take(49) == 60
    assert allowance.take(0) == 0
