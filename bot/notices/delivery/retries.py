"""What stands in the way of single notices, and of all, as far as this process has met it since it started."""

from collections.abc import Callable
from dataclasses import dataclass

from cachetools import TTLCache

from bot.notices.person import Person

_NOTICES_AT_MOST = 10_000
_DAY = 86_400.0
# Slack failing for one person is that person's; for so many different ones, without a success, it is everybody's.
PEOPLE_ARE_EVERYBODY = 3


@dataclass(frozen=True, slots=True)
class Trouble:
    """Of which kind it is, how often in a row a notice met it, and since when (the timer's seconds)."""

    kind: type[Exception]
    times: int
    since: float


class RetryState:
    """Counts. A process that starts anew counts anew, which costs nothing but time. `timer` counts in seconds."""

    def __init__(self, *, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._of: TTLCache[str, Trouble] = TTLCache(_NOTICES_AT_MOST, ttl=7 * _DAY, timer=timer)
        self._unreached: set[Person] = set()

    def note(self, key: str, failure: Exception) -> Trouble:
        """The notice has met trouble; that of another kind before is over."""
        before, kind = self._of.get(key), type(failure)
        if before is None or before.kind is not kind:
            before = Trouble(kind, 0, self._timer())
        self._of[key] = Trouble(kind, before.times + 1, before.since)
        return self._of[key]

    def forget(self, key: str) -> None:
        """The notice has met none, or is settled."""
        self._of.pop(key, None)

    def note_unreached(self, person: Person) -> bool:
        """Slack failed for this person; whether that is everybody's trouble by now."""
        if len(self._unreached) < PEOPLE_ARE_EVERYBODY:
            self._unreached.add(person)
        return len(self._unreached) >= PEOPLE_ARE_EVERYBODY

    def note_reached(self) -> None:
        """Slack has done what it was asked for somebody."""
        self._unreached.clear()
