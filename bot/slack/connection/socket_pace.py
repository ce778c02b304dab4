"""When the next socket may be opened: soon at first, then more and more slowly while it fails, and never too often."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """All times of Socket Mode, in seconds."""

    # Each of the three steps: asking for an address, the handshake, Slack's hello.
    step: float = 10.0
    # The pauses between openings that fail double from the first to the longest.
    first_pause: float = 1.0
    longest_pause: float = 30.0
    # Slack names no upper bound for Retry-After.
    retry_after_at_most: float = 300.0
    # Slack promises no more than about one opening a minute and tolerates bursts.
    openings_at_most: int = 10
    openings_within: float = 60.0
    # A socket that has lived for this long starts the pauses over.
    settled_after: float = 60.0
    # A socket counts as regained once it has lived for this long.
    steady_after: float = 10.0
    # Slack is sent a ping after so much silence, and has half of it to answer.
    ping_after: float = 5.0
    # A socket that Slack has asked to be replaced is read for so long beside its successor.
    linger: float = 10.0
    # And for so long while no successor can be opened; Slack should have closed it by then.
    replaced_within: float = 60.0
    # Saying goodbye to a peer that may be gone.
    close: float = 1.0


LIMITS = Limits()


class Pace:
    """Decides how long to wait before the next opening."""

    def __init__(self, limits: Limits, *, timer: Callable[[], float], random: Callable[[], float]) -> None:
        self._limits = limits
        self._timer = timer
        self._random = random
        self._failures = 0
        self._not_before = timer()
        self._openings: deque[float] = deque(maxlen=limits.openings_at_most)

    def seconds_to_wait(self) -> float:
        return max(self._not_before, self._window_is_free()) - self._timer()

    def _window_is_free(self) -> float:
        """When the oldest of the openings that count leaves the window."""
        if len(self._openings) < self._limits.openings_at_most:
            return self._timer()
        return self._openings[0] + self._limits.openings_within

    def note_opening(self) -> None:
        """An address is being asked for now."""
        self._openings.append(self._timer())

    def note_settled(self) -> None:
        """The socket has lived for so long that its predecessors' failures no longer matter."""
        self._failures = 0

    def pause_for_successor(self) -> None:
        """Slack wants the socket replaced, and it can be used until then."""
        self._pause(0.0)

    def pause_after_loss(self) -> None:
        """There is no socket; all the bots that lost theirs together should not come back together."""
        self._pause(self._random() * self._limits.first_pause)

    def pause_for_long(self) -> None:
        """Trying again soon cannot help."""
        self._failures += 1
        self._not_before = self._timer() + self._jittered(self._limits.longest_pause)

    def pause_as_asked(self, retry_after: float) -> None:
        """Slack has said how long to wait; never less than that."""
        self.pause_after_loss()
        asked = min(retry_after, self._limits.retry_after_at_most)
        self._not_before = max(self._not_before, self._timer() + asked + self._random() * self._limits.first_pause)

    def _pause(self, first: float) -> None:
        """The first time `first`; then ever longer."""
        pause = self._jittered(self._grown()) if self._failures else first
        self._failures += 1
        self._not_before = self._timer() + pause

    def _grown(self) -> float:
        # 2.0**1024 is out of range, and attempts go on for ever.
        doubled = self._limits.first_pause * 2.0 ** min(self._failures - 1, 30)
        return min(doubled, self._limits.longest_pause)

    def _jittered(self, pause: float) -> float:
        return pause * (1 + self._random()) / 2
