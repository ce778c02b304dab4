import itertools
from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from bot.notices.delivery.message_rate import Pace
from bot.notices.person import Person

ANA, BEN = Person("T1", "U1"), Person("T1", "U2")


class Timer:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_one_person_is_written_to_once_a_second() -> None:
    timer = Timer()
    pace = Pace(timer=timer)
    assert [pace.take_turn(ANA), pace.take_turn(ANA)] == [0.0, None]
    assert pace.take_turn(BEN) == 0.25
    assert [pace.defer(ANA), pace.defer(ANA)] == [1.0, 2.0]
    timer.now += 1.0
    assert pace.take_turn(ANA) == 0.0


def test_all_together_are_written_to_four_times_a_second() -> None:
    timer = Timer()
    pace = Pace(timer=timer)
    assert pace.turns_near == 4
    assert [pace.take_turn(Person("T1", f"U{n}")) for n in range(5)] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert pace.turns_near == 0
    assert pace.take_turn(Person("T1", "U9")) is None
    timer.now += 0.5
    assert pace.turns_near == 1


@given(st.lists(st.tuples(st.sampled_from([ANA, BEN, Person("T2", "U1")]), st.floats(0, 0.7)), max_size=60))
def test_no_turn_comes_too_soon(asked: list[tuple[Person, float]]) -> None:
    timer = Timer()
    pace = Pace(timer=timer)
    given_at, given_to = list[float](), defaultdict[Person, list[float]](list)
    for person, passed in asked:
        timer.now += passed
        if (wait := pace.take_turn(person)) is not None:
            given_at.append(timer.now + wait)
            given_to[person].append(timer.now + wait)
        else:
            assert pace.defer(person) > 0.0
    assert all(_are_apart(turns, 1.0) for turns in given_to.values())
    assert _are_apart(given_at, 0.25)


def _are_apart(turns: list[float], seconds: float) -> bool:
    return all(later - earlier > seconds - 1e-6 for earlier, later in itertools.pairwise(turns))
