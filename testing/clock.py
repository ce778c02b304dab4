"""An event loop whose clock jumps to whatever is due next, so that a test of hours takes no time."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

A_LONG_JUMP = 1.0


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """For coroutines that only wait for one another and for time, never for a socket."""

    _ready: list[Any]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if not self._ready:
            self._jump(self._next_due())
        super()._run_once()  # type: ignore[misc]  # private, and the one place where a loop waits

    def _next_due(self) -> float:
        return min((timer.when() for timer in self._scheduled if not timer.cancelled()), default=self.now)

    def _jump(self, then: float) -> None:
        self.now = max(self.now, then)


class VirtualTimeLoopWithSockets(VirtualTimeLoop):
    """For coroutines that wait for sockets between themselves, too: the clock jumps when nothing comes in.

    What one end sends over loopback is at the other one at once, as a rule; before a long jump a millisecond passes in
    which the exceptions come in.
    """

    _selector: selectors.BaseSelector

    def _jump(self, then: float) -> None:
        come = self._selector.select(0.001 if then - self.now > A_LONG_JUMP else 0)
        self._process_events(come)  # type: ignore[attr-defined]  # private as well
        if not come:
            super()._jump(then)


def run_in_virtual_time(
    main: Coroutine[Any, Any, T], *, loop_factory: Callable[[], VirtualTimeLoop] = VirtualTimeLoop
) -> T:
    """Like asyncio.run; asyncio.sleep takes no real time."""
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(main)
