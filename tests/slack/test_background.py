"""What goes on after Slack was answered: finished before the end, abandoned when it takes too long, bounded."""

import asyncio

import pytest
from structlog.typing import EventDict

from bot.slack.background import AT_MOST, BackgroundTasks, Overloaded
from testing.clock import run_in_virtual_time


def test_what_runs_is_finished_before_the_end() -> None:
    async def main() -> list[str]:
        done = []

        async def finish() -> None:
            await asyncio.sleep(9)
            done.append("finished")

        async with BackgroundTasks() as work:
            work.begin(finish())
        return done

    assert run_in_virtual_time(main()) == ["finished"]


def test_what_is_begun_meanwhile_is_finished_too() -> None:
    """As the answer to a command that was acknowledged while the card was still being made."""

    async def main() -> list[str]:
        done = []

        async def finish() -> None:
            await asyncio.sleep(3)
            done.append("finished")

        async def go_on() -> None:
            await asyncio.sleep(3)
            work.begin(finish())

        async with BackgroundTasks() as work:
            work.begin(go_on())
        return done

    assert run_in_virtual_time(main()) == ["finished"]


def test_what_takes_too_long_is_abandoned_and_said(logged: list[EventDict]) -> None:
    async def main() -> bool:
        async with BackgroundTasks() as work:
            task = work.begin(asyncio.sleep(1000))
        return task.cancelled()

    assert run_in_virtual_time(main())
    assert [(entry["event"], entry["tasks"]) for entry in logged] == [("work.abandoned", 1)]


def test_there_is_an_end_to_what_is_begun() -> None:
    async def main() -> None:
        async with BackgroundTasks(drain=lambda: 0.0) as work:
            for _ in range(AT_MOST):
                work.begin(asyncio.sleep(1000))
            with pytest.raises(Overloaded):
                work.begin(asyncio.sleep(0))

    run_in_virtual_time(main())
