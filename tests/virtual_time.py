"""An event loop whose clock jumps to whatever is due next, so that a test of hours takes no time."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


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
        if not self._ready and self._scheduled:
            self.now = max(self.now, self._scheduled[0].when())
        super()._run_once()  # type: ignore[misc]  # private, and the one place where a loop waits


def run_in_virtual_time(main: Coroutine[Any, Any, T]) -> T:
    """Like asyncio.run; asyncio.sleep takes no real time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
