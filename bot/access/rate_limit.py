"""How often one person may ask, so that nobody uses up what all share."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable

WINDOW = 60.0
PEOPLE_KEPT = 10_000


class RateLimiter:
    """At most so many askings a person within any minute.

    A window that slides, and not tokens that fill up again: those would let twice as much through in the worst minute.
    Whoever has not asked for a minute is not kept; nor is, where too many people ask, whoever was silent longest.
    """

    def __init__(
        self, per_minute: int, *, timer: Callable[[], float] = time.monotonic, people_kept: int = PEOPLE_KEPT
    ) -> None:
        self.per_minute = per_minute
        self._timer = timer
        self._people_kept = people_kept
        # The moments of each person's askings; who asked last comes last.
        self._asked: OrderedDict[Hashable, deque[float]] = OrderedDict()

    def take(self, person: Hashable) -> float:
        """Count one more asking and return 0; or count nothing, and return in how many seconds it will be possible."""
        now = self._timer()
        asked = self._asked.setdefault(person, deque())
        while asked and asked[0] <= now - WINDOW:
            asked.popleft()
        if len(asked) >= self.per_minute:
            return asked[0] + WINDOW - now
        asked.append(now)
        self._asked.move_to_end(person)
        self._forget(now)
        return 0.0

    def give_back(self, person: Hashable) -> None:
        """The last asking does not count."""
        if asked := self._asked.get(person):
            asked.pop()
        if not asked:
            self._asked.pop(person, None)

    def _forget(self, now: float) -> None:
        while True:
            person, asked = next(iter(self._asked.items()))
            if asked[-1] > now - WINDOW and len(self._asked) <= self._people_kept:
                return
            del self._asked[person]

    def __len__(self) -> int:
        """How many people are kept."""
        return len(self._asked)
