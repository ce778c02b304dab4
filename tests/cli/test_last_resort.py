"""The process ends at the earliest moment that was set, and never without one."""

import threading
import time

from bot.cli.last_resort import LastResort

SOON = 10.0


def test_the_earliest_moment_counts_with_its_code() -> None:
    codes: list[int] = []
    has_ended = threading.Event()

    def end(code: int) -> None:
        codes.append(code)
        has_ended.set()

    last_resort = LastResort(end)
    last_resort.within(1000.0, code=0)
    last_resort.within(0.05, code=69)
    last_resort.within(1000.0, code=0)
    assert has_ended.wait(SOON)
    assert codes == [69]


def test_nothing_ends_unless_it_was_told_to() -> None:
    ended: list[int] = []
    last_resort = LastResort(ended.append)
    last_resort.within(1000.0, code=0)
    time.sleep(0.05)
    assert ended == []
