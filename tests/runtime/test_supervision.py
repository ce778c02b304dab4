"""Background tasks are started again whatever ends them, and are known to be away until then."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.typing import EventDict

from bot.runtime.supervision import FIRST_PAUSE, LONGEST_PAUSE, STEADY_AFTER, Supervisor
from testing.clock import run_in_virtual_time

pytestmark = pytest.mark.usefixtures("logged")


async def _raise() -> None:
    raise TypeError("nonsense from outside")


async def _return() -> None:
    return


async def _cancel_oneself() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


class Runs:
    """A body whose first runs end in some way, and whose next one goes on for ever."""

    def __init__(self, *, at_first: Callable[[], Awaitable[None]], times: int, lasting: float = 0.0) -> None:
        self._at_first, self._times, self._lasting = at_first, times, lasting
        self.began: list[float] = []

    async def __call__(self) -> None:
        self.began.append(asyncio.get_running_loop().time())
        if len(self.began) > self._times:
            await asyncio.Event().wait()
        await asyncio.sleep(self._lasting)
        await self._at_first()


def _supervisor() -> Supervisor:
    return Supervisor(timer=asyncio.get_running_loop().time)


@pytest.mark.parametrize(("ending", "how"), [(_raise, "raised"), (_return, "returned"), (_cancel_oneself, "cancelled")])
def test_it_is_started_again_whatever_ends_it(
    ending: Callable[[], Awaitable[None]], how: str, logged: list[EventDict]
) -> None:
    async def story() -> None:
        supervisor, runs = _supervisor(), Runs(at_first=ending, times=1)
        async with supervisor.running("beat", runs):
            await asyncio.sleep(FIRST_PAUSE / 2)
            assert supervisor.away == {"beat"}
            await asyncio.sleep(FIRST_PAUSE)
            assert supervisor.away == set()
            assert len(runs.began) == 2

    run_in_virtual_time(story())
    assert [event["event"] for event in logged] == ["background_task.ended", "background_task.restarted"]
    assert (logged[0]["task"], logged[0]["how"]) == ("beat", how)


def test_the_pauses_grow_up_to_a_limit() -> None:
    async def story() -> list[float]:
        runs = Runs(at_first=_raise, times=9)
        async with _supervisor().running("beat", runs):
            await asyncio.sleep(3600)
        return runs.began

    began = run_in_virtual_time(story())
    pauses = [later - earlier for earlier, later in itertools.pairwise(began)]
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]


def test_a_task_that_ran_for_long_starts_over_with_the_first_pause() -> None:
    async def story() -> list[float]:
        runs = Runs(at_first=_raise, times=3, lasting=STEADY_AFTER)
        async with _supervisor().running("beat", runs):
            await asyncio.sleep(3600)
        return runs.began

    began = run_in_virtual_time(story())
    assert [later - earlier for earlier, later in itertools.pairwise(began)] == [STEADY_AFTER + 0.5] * 3


def test_one_that_is_cancelled_while_it_pauses_is_started_as_well() -> None:
    async def story() -> None:
        supervisor, runs = _supervisor(), Runs(at_first=_raise, times=1)
        async with supervisor.running("beat", runs):
            await asyncio.sleep(FIRST_PAUSE / 2)
            for task in asyncio.all_tasks():
                if task.get_name() == "beat":
                    task.cancel()
            await asyncio.sleep(3 * FIRST_PAUSE)
            assert len(runs.began) == 2

    run_in_virtual_time(story())


def test_what_is_ended_stays_ended_and_is_not_away() -> None:
    async def story() -> None:
        supervisor, runs = _supervisor(), Runs(at_first=_raise, times=1)
        async with supervisor.running("beat", runs):
            await asyncio.sleep(FIRST_PAUSE / 2)
        assert supervisor.away == set()
        await asyncio.sleep(3600)
        assert len(runs.began) == 1
        assert len(asyncio.all_tasks()) == 1

    run_in_virtual_time(story())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from([_raise, _return, _cancel_oneself]), st.floats(0, 200)), max_size=20))
def test_whatever_happens_it_runs_again_within_the_longest_pause(
    lives: list[tuple[Callable[[], Awaitable[None]], float]],
) -> None:
    async def story() -> None:
        left = list(lives)
        is_running = asyncio.Event()

        async def body() -> None:
            if not left:
                is_running.set()
                await asyncio.Event().wait()
            end, after = left.pop(0)
            await asyncio.sleep(after)
            await end()

        supervisor = _supervisor()
        async with asyncio.timeout(sum(after + LONGEST_PAUSE for _, after in lives) + 1):
            async with supervisor.running("beat", body):
                await is_running.wait()
                assert not supervisor.away

    run_in_virtual_time(story())
