"""One deadline for all that ends, and what is cut short by it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.typing import EventDict

from bot.runtime.deadline import Deadline, leaving_within
from testing.clock import run_in_virtual_time


def test_it_is_shared_from_when_the_end_begins() -> None:
    now = 100.0
    deadline = Deadline(10.0, timer=lambda: now)
    assert deadline.left(but=3.0) == 7.0
    now = 200.0
    assert deadline.left() == 10.0
    deadline.begin()
    now = 204.0
    deadline.begin()
    assert (deadline.left(), deadline.left(but=1.5), deadline.left(but=7.0)) == (6.0, 4.5, 0.0)


def test_it_may_be_shorter() -> None:
    deadline = Deadline(10.0, timer=lambda: 0.0)
    deadline.begin(within=2.0)
    assert deadline.left() == 2.0


@asynccontextmanager
async def slow_to_leave(seconds: float, left: list[str]) -> AsyncIterator[str]:
    try:
        yield "inside"
    finally:
        await asyncio.sleep(seconds)
        left.append("left")


@pytest.mark.parametrize(("seconds", "is_left"), [(1.0, True), (1000.0, False)])
def test_leaving_is_cut_short(seconds: float, is_left: bool, logged: list[EventDict]) -> None:
    left: list[str] = []

    async def story() -> float:
        async with leaving_within(slow_to_leave(seconds, left), lambda: 5.0, what="door") as inside:
            assert inside == "inside"
        return asyncio.get_running_loop().time()

    assert run_in_virtual_time(story()) == (1.0 if is_left else 5.0)
    assert bool(left) == is_left
    assert [event["what"] for event in logged] == ([] if is_left else ["door"])


@pytest.mark.parametrize("seconds", [1.0, 1000.0])
def test_what_is_raised_inside_goes_on(seconds: float) -> None:
    async def story() -> None:
        async with leaving_within(slow_to_leave(seconds, []), lambda: 5.0, what="door"):
            raise LookupError

    with pytest.raises(LookupError):
        run_in_virtual_time(story())


def test_a_timeout_of_its_own_is_no_cutting_short() -> None:
    @asynccontextmanager
    async def failing() -> AsyncIterator[None]:
        yield
        raise TimeoutError("its own")

    async def story() -> None:
        async with leaving_within(failing(), lambda: 5.0, what="door"):
            pass

    with pytest.raises(TimeoutError, match="its own"):
        run_in_virtual_time(story())
