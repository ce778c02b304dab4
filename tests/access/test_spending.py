"""What one person may spend: requests, deeds of any kind, and what is given back."""

from bot.access.spending import DEEDS_AT_LEAST, DEEDS_PER_REQUEST, REFUSALS_KEPT, Spending
from tests.access.test_rate_limit import Timer


def requests(spending: Spending, timer: Timer, *, give_back: bool = False) -> int:
    """How many are granted before one is refused."""
    granted = 0
    while not spending.request("ann"):
        granted += 1
        if give_back:
            spending.give_back("ann")
    timer.now += 60
    return granted


def test_what_cost_nothing_is_given_back_as_often_as_there_are_requests() -> None:
    timer = Timer()
    spending = Spending(3, timer=timer)
    assert requests(spending, timer) == 3
    assert requests(spending, timer, give_back=True) == 6
    assert requests(spending, timer) == 3


def test_giving_back_what_was_never_taken_changes_nothing() -> None:
    spending = Spending(3, timer=Timer())
    spending.give_back("ann")
    assert requests(spending, Timer()) == 3


def test_there_are_many_deeds_to_a_request_and_an_end_to_them() -> None:
    for per_minute, deeds in ((1, DEEDS_AT_LEAST), (30, 30 * DEEDS_PER_REQUEST)):
        spending = Spending(per_minute, timer=Timer())
        assert [spending.deed("ann") for _ in range(deeds)] == [0] * deeds
        assert spending.deed("ann") == 60
        assert spending.deed("ben") == 0


def test_the_same_refusal_is_news_so_often_a_minute() -> None:
    for at_most in (1, REFUSALS_KEPT):
        timer = Timer()
        spending = Spending(3, timer=timer)
        assert [spending.is_news("ann", "no", at_most=at_most) for _ in range(12)].count(True) == at_most
        assert spending.is_news("ben", "no", at_most=at_most)
        assert spending.is_news("ann", "no, either", at_most=at_most)
        timer.now += 60
        assert spending.is_news("ann", "no", at_most=at_most)
