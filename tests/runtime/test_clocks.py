"""Nothing is deleted within an hour of a start or of a jump of the clock, and everything in time afterwards."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.typing import EventDict

from bot.access.audit.record import Record, Search
from bot.app.wiring.access import keep_forgetting
from bot.notices.store import DatabaseUnavailable, Farthest
from bot.notices.timekeeper import LATE_AFTER, LOOKED_AT_EVERY, Timekeeper
from bot.runtime.clocks import JUMP, SteadyClock
from testing.clock import run_in_virtual_time

pytestmark = pytest.mark.usefixtures("logged")

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR = 3600.0
DAY = timedelta(days=1)


class JumpyClock:
    """Goes with the loop's time, but for the jumps that are to come, each at its second."""

    def __init__(self, jumps: Sequence[tuple[float, timedelta]] = ()) -> None:
        self.jumps = list(jumps)

    def __call__(self) -> datetime:
        seconds = asyncio.get_running_loop().time()
        jumped = sum((jump for at, jump in self.jumps if at <= seconds), timedelta())
        return NOON + timedelta(seconds=seconds) + jumped

    async def moment(self) -> datetime:
        return self()


def timer() -> float:
    return asyncio.get_running_loop().time()


class Shelf:
    """Records of which something may always be forgotten, and when it was."""

    def __init__(self) -> None:
        self.forgotten_at: list[float] = []
        self.left = 0

    async def forget(self, *, before: datetime, at_most: int) -> int:
        del before, at_most
        self.forgotten_at.append(timer())
        self.left = 1 - self.left  # one batch each time
        return self.left

    async def search(self, search: Search, *, limit: int) -> Sequence[Record]:
        raise NotImplementedError


async def forgetting_for(seconds: float, clock: JumpyClock) -> list[float]:
    shelf = Shelf()
    keeping = asyncio.create_task(keep_forgetting(shelf, DAY, clock=clock, timer=timer))  # type: ignore[arg-type]
    await asyncio.sleep(seconds)
    keeping.cancel()
    await asyncio.wait([keeping])
    return shelf.forgotten_at


def test_it_forgets_every_hour_and_not_at_the_start() -> None:
    forgotten_at = run_in_virtual_time(forgetting_for(3.5 * HOUR, JumpyClock()))
    assert {round(at / HOUR, 2) for at in forgotten_at} == {1.0, 2.0, 3.0}


def test_a_clock_200_days_ahead_that_is_set_right_within_the_hour_deletes_nothing(logged: list[EventDict]) -> None:
    clock = JumpyClock([(0.0, 200 * DAY), (0.9 * HOUR, -200 * DAY)])
    forgotten_at = run_in_virtual_time(forgetting_for(2.5 * HOUR, clock))
    assert {round(at / HOUR, 1) for at in forgotten_at} == {1.9}
    jumps = [event for event in logged if event["event"] == "clock.jumped"]
    assert [(jump["of"], jump["seconds"]) for jump in jumps] == [("machine", -200 * 24 * 3600)]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.floats(0, 10 * HOUR), st.timedeltas(-300 * DAY, 300 * DAY).filter(lambda jump: abs(jump) >= 2 * JUMP)
        ),
        max_size=5,
    )
)
def test_nothing_is_forgotten_within_an_hour_of_a_jump_and_all_in_time(jumps: list[tuple[float, timedelta]]) -> None:
    # Two that happen between two looks may make none.
    jumps = [(at, jump) for number, (at, jump) in enumerate(jumps) if all(abs(at - t) > 120 for t, _ in jumps[:number])]
    forgotten_at = run_in_virtual_time(forgetting_for(14 * HOUR, JumpyClock(jumps)))
    for forgot in forgotten_at:
        assert forgot >= HOUR
        # As far as it was looked at, which is each minute, or between two batches.
        assert not [at for at, _ in jumps if 1.0 < forgot - at < HOUR]
    last = max([at for at, _ in jumps], default=0.0)
    assert any(last + HOUR <= forgot <= last + 2 * HOUR + 120 for forgot in forgotten_at)


@pytest.mark.parametrize("drift", [1.0, 50.0, -50.0])
def test_a_clock_that_is_drawn_near_has_not_jumped(drift: float) -> None:
    async def story() -> timedelta:
        clock = JumpyClock([(30.0, timedelta(seconds=drift))])
        steady = SteadyClock("machine", clock.moment, timer=timer)
        await steady.look()
        await asyncio.sleep(60)
        return await steady.look()

    assert run_in_virtual_time(story()) == timedelta()


class DueTimes:
    """A store of which something may be pulled in, or that is away."""

    def __init__(self, clock: JumpyClock) -> None:
        self.clock = clock
        self.is_away = False
        self.too_far = 0

    async def moment(self) -> datetime:
        if self.is_away:
            raise DatabaseUnavailable("It is away.")
        return self.clock()

    async def pull_in(self, farthest: Farthest) -> int:
        del farthest
        pulled, self.too_far = self.too_far, 0
        return pulled


def test_the_timekeeper_pulls_in_wakes_the_loops_and_says_whether_it_could(logged: list[EventDict]) -> None:
    woken: list[float] = []

    async def story() -> None:
        due_times = DueTimes(JumpyClock([(100.0, -DAY)]))
        farthest = Farthest(DAY, DAY, DAY)
        keeper = Timekeeper(due_times, farthest, on_pulled_in=lambda: woken.append(timer()), timer=timer)
        due_times.too_far = 1
        was_well = [keeper.is_well]
        running = asyncio.create_task(keeper.run())
        await asyncio.sleep(1.0)
        was_well.append(keeper.is_well)
        assert woken == [0.0]
        await asyncio.sleep(100.0)
        due_times.too_far = 2
        await asyncio.sleep(LOOKED_AT_EVERY)
        assert len(woken) == 2
        due_times.is_away = True
        await asyncio.sleep(LATE_AFTER + LOOKED_AT_EVERY)
        was_well.append(keeper.is_well)
        due_times.is_away = False
        await asyncio.sleep(LOOKED_AT_EVERY)
        was_well.append(keeper.is_well)
        assert was_well == [False, True, False, True]
        running.cancel()

    run_in_virtual_time(story())
    assert [event["event"] for event in logged] == ["due_times.pulled_in", "clock.jumped", "due_times.pulled_in"]
