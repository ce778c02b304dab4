"""How fast people are written to: a few messages a second in all, and one a second to each of them."""

from collections.abc import Callable

from cachetools import TTLCache

from bot.notices.person import Person

# Slack: chat.postMessage about one a second to a conversation, several hundred a minute in a workspace.
A_SECOND = 4.0
SECONDS_BETWEEN_TWO_TO_ONE = 1.0
# A turn so many seconds ahead can be waited for.
NEAR = 1.0
_PEOPLE_AT_MOST = 10_000
_FORGOTTEN_AFTER = 60.0


class Pace:
    """Gives turns. `per_second` is for all people together; `timer` counts in seconds."""

    def __init__(self, *, timer: Callable[[], float], per_second: float = A_SECOND) -> None:
        self._timer = timer
        self._gap = 1 / per_second
        self._next = timer()
        self._next_to: TTLCache[Person, float] = TTLCache(_PEOPLE_AT_MOST, ttl=_FORGOTTEN_AFTER, timer=timer)
        self._deferred_to: TTLCache[Person, float] = TTLCache(_PEOPLE_AT_MOST, ttl=_FORGOTTEN_AFTER, timer=timer)

    @property
    def turns_near(self) -> int:
        """How many turns can be given that are near."""
        ahead = max(self._next - self._timer(), 0.0)
        return max(int((NEAR - ahead) / self._gap), 0)

    def take_turn(self, person: Person) -> float | None:
        """The seconds until the next turn, which is this person's now; None, with nothing taken, if it cannot be."""
        now = self._timer()
        at = max(now, self._next)
        if at - now > NEAR or self._next_to.get(person, at) > at:
            return None
        self._next = at + self._gap
        self._next_to[person] = at + SECONDS_BETWEEN_TWO_TO_ONE
        return at - now

    def defer(self, person: Person) -> float:
        """The seconds after which to ask again for a turn: another second for each message that waits already."""
        now = self._timer()
        at = max(self._next_to.get(person, now + NEAR), self._deferred_to.get(person, now))
        self._deferred_to[person] = at + SECONDS_BETWEEN_TWO_TO_ONE
        return at - now
