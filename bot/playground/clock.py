"""The clock of the playground: the wall clock, which can be moved forward for all who go by it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime


class PlayClock:
    """Called, it tells seconds since the epoch. `ahead` is how far it was moved, in seconds."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self.ahead = 0.0
        self._wall = wall

    def __call__(self) -> float:
        return self._wall() + self.ahead

    def now(self) -> datetime:
        """The same moment, aware and in UTC."""
        return datetime.fromtimestamp(self(), UTC)

    def timer(self) -> float:
        """Seconds for who counts and never looks at a date; moved as the clock is."""
        return time.monotonic() + self.ahead

    def forward(self, seconds: float) -> None:
        """Raises ValueError for a step back, which no clock of these parts is made for."""
        if seconds < 0:
            raise ValueError("The clock goes forward only.")
        self.ahead += seconds
