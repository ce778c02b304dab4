"""The pacer in virtual time: what no window may hold, who goes first, what a stall and a 429 do."""

import asyncio
import itertools
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.typing import EventDict

from bot.lookup.local_slots import OwnSlots
from bot.lookup.pacing import Pacer, PacerClosed
from bot.playground.volcengine.arrivals import worst_second
from bot.recording.reading import Priority, Urgency
from testing.clock import VirtualTimeLoop, run_in_virtual_time

LIMIT = 60


def person() -> Urgency:
    return Urgency(Priority.PERSON)


def background() -> Urgency:
    return Urgency(Priority.BACKGROUND)


def this_loop() -> VirtualTimeLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    return loop


def pacer_on_this_loop(limit: int = LIMIT) -> Pacer:
    clock = this_loop().time
    return Pacer(OwnSlots(limit, clock=clock), timer=clock)


async def go(pacer: Pacer, urgency: Urgency) -> None:
    """Take a turn with a server that answers at once."""
    (await pacer.turn(urgency)).answered()


@dataclass(frozen=True)
class Asker:
    after: float
    priority: Priority


async def turns_of(askers: list[Asker], *, limit: int) -> list[tuple[float, Asker]]:
    turns: list[tuple[float, Asker]] = []
    async with pacer_on_this_loop(limit) as pacer:

        async def take(asker: Asker) -> None:
            await asyncio.sleep(asker.after)
            await go(pacer, Urgency(asker.priority))
            turns.append((this_loop().time(), asker))

        await asyncio.gather(*(take(asker) for asker in askers))
    return turns


askers = st.lists(st.builds(Asker, after=st.floats(0, 3), priority=st.sampled_from(Priority)), min_size=1, max_size=150)


@given(askers, st.integers(min_value=1, max_value=60))
def test_no_second_holds_more_than_the_limit_and_everybody_has_a_turn(askers: list[Asker], limit: int) -> None:
    turns = run_in_virtual_time(turns_of(askers, limit=limit))
    assert len(turns) == len(askers)
    assert worst_second([at for at, _ in turns]) <= limit


@given(askers)
def test_nobody_goes_before_somebody_more_urgent_who_is_there(askers: list[Asker]) -> None:
    turns = run_in_virtual_time(turns_of(askers, limit=10))
    for at, asker in turns:
        passed_over = [other for later, other in turns if later > at and other.after < at]
        assert all(other.priority >= asker.priority for other in passed_over)


def test_within_one_priority_the_first_to_come_is_the_first_to_go() -> None:
    askers = [Asker(after=n / 1000, priority=Priority.PERSON) for n in range(30)]
    assert [asker for _, asker in run_in_virtual_time(turns_of(askers, limit=10))] == askers


def test_a_person_passes_a_thousand_who_wait_in_the_background() -> None:
    async def main() -> float:
        async with pacer_on_this_loop() as pacer:
            waiting = [asyncio.create_task(go(pacer, background())) for _ in range(1000)]
            await asyncio.sleep(1)
            came = this_loop().time()
            await go(pacer, person())
            for task in waiting:
                task.cancel()
            return this_loop().time() - came

    assert run_in_virtual_time(main()) <= 1 / LIMIT + 0.001


def test_one_whose_priority_rises_while_it_waits_passes_too() -> None:
    async def main() -> list[str]:
        order: list[str] = []
        async with pacer_on_this_loop(1) as pacer:

            async def take(name: str, urgency: Urgency) -> None:
                await go(pacer, urgency)
                order.append(name)

            raised = background()
            async with asyncio.TaskGroup() as group:
                for name in ("first", "second", "third"):
                    group.create_task(take(name, background()))
                group.create_task(take("raised", raised))
                await asyncio.sleep(0.5)
                raised.raise_to(Priority.PERSON)
                raised.raise_to(Priority.BACKGROUND)
        return order

    assert run_in_virtual_time(main()) == ["first", "raised", "second", "third"]


def test_one_who_gave_up_costs_no_turn() -> None:
    async def main() -> float:
        async with pacer_on_this_loop(10) as pacer:
            gone = [asyncio.create_task(go(pacer, person())) for _ in range(50)]
            await asyncio.sleep(0.05)
            for task in gone:
                task.cancel()
            await go(pacer, person())
            return this_loop().time()

    assert run_in_virtual_time(main()) == pytest.approx(0.1)


def test_what_a_stall_cost_is_not_caught_up() -> None:
    async def main() -> list[float]:
        turns: list[float] = []
        async with pacer_on_this_loop() as pacer:

            async def take() -> None:
                await go(pacer, person())
                turns.append(this_loop().time())

            async def stall() -> None:
                await asyncio.sleep(0.5)
                this_loop().now += 0.3

            await asyncio.gather(stall(), *(take() for _ in range(100)))
        return turns

    turns = run_in_virtual_time(main())
    gaps = [after - before for before, after in itertools.pairwise(turns)]
    # Whoever had been granted its turn and not yet sent when the stall began is the one straggler.
    assert sum(gap < 1 / LIMIT - 1e-9 for gap in gaps) <= 1
    assert worst_second(turns) <= LIMIT


def test_too_many_requests_halve_the_rate_which_climbs_back(logged: list[EventDict]) -> None:
    async def main() -> list[int]:
        each_second = [0] * 14
        async with pacer_on_this_loop() as pacer:
            pacer.slow_down()
            pacer.slow_down()  # what comes within the same second is the same congestion
            while (now := this_loop().time()) < 14:
                each_second[int(now)] += 1
                await go(pacer, person())
        return each_second

    each_second = run_in_virtual_time(main())
    assert 29 <= each_second[0] <= 33
    assert each_second[:10] == sorted(each_second[:10])
    assert each_second[12] >= LIMIT - 1
    told = [entry["event"] for entry in logged if entry["log_level"] != "debug"]
    assert told == ["pacer.slowed", "pacer.recovered"]


def test_even_at_its_slowest_one_request_a_second_goes() -> None:
    async def main() -> float:
        async with pacer_on_this_loop(2) as pacer:
            for _ in range(5):
                pacer.slow_down()
                await asyncio.sleep(1)
            begun = this_loop().time()
            await go(pacer, person())
            await go(pacer, person())
            return this_loop().time() - begun

    assert run_in_virtual_time(main()) <= 1.01


def test_closing_ends_those_who_wait() -> None:
    async def main() -> list[bool]:
        async with pacer_on_this_loop(1) as pacer:
            waiting = [asyncio.create_task(go(pacer, person())) for _ in range(3)]
            await asyncio.sleep(0.5)
        await asyncio.wait(waiting)
        with pytest.raises(PacerClosed):
            await go(pacer, person())
        return [isinstance(task.exception(), PacerClosed) for task in waiting]

    assert run_in_virtual_time(main()) == [False, True, True]


def test_a_dispatcher_that_is_cancelled_leaves_nobody_waiting() -> None:
    async def main() -> None:
        async with pacer_on_this_loop(2) as pacer:
            waiting = [asyncio.create_task(go(pacer, person())) for _ in range(4)]
            await asyncio.sleep(0.2)
            for task in asyncio.all_tasks():
                if task.get_name() == "pacer":
                    task.cancel()
            async with asyncio.timeout(10):
                await asyncio.gather(*waiting)

    run_in_virtual_time(main())


def test_a_dispatcher_that_fails_fails_those_who_wait() -> None:
    async def break_down(_seconds: float) -> None:
        raise OSError("no more time")

    async def main() -> list[bool]:
        async with Pacer(OwnSlots(1, clock=this_loop().time, sleep=break_down)) as pacer:
            waiting = [asyncio.create_task(go(pacer, person())) for _ in range(3)]
            await asyncio.wait(waiting)
        return [isinstance(task.exception(), OSError) for task in waiting]

    assert run_in_virtual_time(main()) == [False, True, True]


def test_a_limit_of_two_is_two_a_second() -> None:
    async def main() -> float:
        async with pacer_on_this_loop(2) as pacer:
            for _ in range(5):
                await go(pacer, person())
        return this_loop().time()

    assert run_in_virtual_time(main()) == pytest.approx(2.0, abs=0.01)
