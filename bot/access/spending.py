"""What one person may spend of what all share: requests to RTC and VOD, and commands and presses of any kind."""

import time
from collections.abc import Callable, Hashable

from bot.access.rate_limit import RateLimiter

# A command that sends no request costs an answer, a record and perhaps a query of the database.
DEEDS_PER_REQUEST = 10
DEEDS_AT_LEAST = 100
# Of the same refusal, so many a minute are worth a line in the record.
REFUSALS_KEPT = 10


class Spending:
    """Each person's, in the last minute. `per_minute` are the requests that RTC or VOD may get for one person."""

    def __init__(self, per_minute: int, *, timer: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self.deeds_per_minute = max(DEEDS_AT_LEAST, DEEDS_PER_REQUEST * per_minute)
        self._requests = RateLimiter(per_minute, timer=timer)
        self._deeds = RateLimiter(self.deeds_per_minute, timer=timer)
        self._given_back = RateLimiter(per_minute, timer=timer)
        self._refused = (RateLimiter(REFUSALS_KEPT, timer=timer), RateLimiter(1, timer=timer))

    def request(self, person: Hashable) -> float:
        """Count one more request and return 0; or count nothing, and return in how many seconds it will be possible."""
        return self._requests.take(person)

    def give_back(self, person: Hashable) -> None:
        """Their last request cost nothing. As many a minute as there are requests: failing is no way out."""
        if not self._given_back.take(person):
            self._requests.give_back(person)

    def deed(self, person: Hashable) -> float:
        """As `request`, for whatever somebody does."""
        return self._deeds.take(person)

    def is_news(self, person: Hashable, *refusal: Hashable, at_most: int = REFUSALS_KEPT) -> bool:
        """Whether the same was refused to them less than so many times in the last minute."""
        return not self._refused[at_most == 1].take((person, *refusal))
