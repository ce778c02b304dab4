"""The process ends at the earliest moment that was set, and never without one."""

import os
import select
import signal
import threading
import time

from bot.app.cli.last_resort import LastResort

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


def test_a_signal_is_heard_while_the_main_thread_waits_and_whichever_thread_gets_it() -> None:
    heard = threading.Event()

    def send() -> None:
        """To this thread itself."""
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

    before = signal.getsignal(signal.SIGUSR1)
    try:
        with LastResort(lambda _code: None).hearing([signal.SIGUSR1], heard.set):
            threading.Thread(target=send).start()
            # In the system, where the interpreter calls no handler.
            select.select([], [], [], 0.2)
            assert heard.wait(SOON)
        os.kill(os.getpid(), signal.SIGUSR1)  # by now ignored
    finally:
        signal.signal(signal.SIGUSR1, before)
