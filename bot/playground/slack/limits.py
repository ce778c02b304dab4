"""How often a method may be called, after docs.slack.dev/apis/web-api/rate-limits (read November 2026).

Slack promises "50+ a minute" and grants bursts of an untold size; here the least that is promised is all there is.
"""

import math
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_POSTING = "chat.postMessage"
_TIER_2 = frozenset({"auth.teams.list", "usergroups.users.list"})
_TIER_3 = frozenset(
    {"chat.update", *(f"conversations.{what}" for what in ("history", "info", "open", "replies"))},
)
_TIER_4 = frozenset(
    {"chat.postEphemeral", "users.info", *(f"views.{what}" for what in ("open", "publish", "push", "update"))}
)


@dataclass(frozen=True, slots=True)
class Rate:
    """At most so many calls within any such number of seconds."""

    most: int
    seconds: float

    def times(self, factor: float) -> "Rate":
        return Rate(math.ceil(self.most * factor), self.seconds)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is allowed: posting to one channel, posting at all, and each method of a tier."""

    channel: Rate = Rate(3, 3.0)
    workspace: Rate = Rate(300, 60.0)
    tier_2: Rate = Rate(20, 60.0)
    tier_3: Rate = Rate(50, 60.0)
    tier_4: Rate = Rate(100, 60.0)

    def times(self, factor: float) -> "Limits":
        """So many times as much, for tests of load."""
        rates = (self.channel, self.workspace, self.tier_2, self.tier_3, self.tier_4)
        return Limits(*(rate.times(factor) for rate in rates))


class Turnstile:
    """Counts the calls; `limits` may be changed at any time, None lets all pass."""

    def __init__(self, limits: Limits | None, clock: Callable[[], float]) -> None:
        self.limits = limits
        self._clock = clock
        self._passed: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)

    def seconds_to_wait(self, method: str, channel: str) -> int:
        """How long until it may be tried again; 0, and counted, where it may go on now."""
        rates = dict(self._rates_of(method, channel))
        wait = max((self._wait_at(place, rate) for place, rate in rates.items()), default=0.0)
        if wait > 0:
            return math.ceil(wait)
        for place in rates:
            self._passed[place].append(self._clock())
        return 0

    def _rates_of(self, method: str, channel: str) -> Iterator[tuple[tuple[str, str], Rate]]:
        if self.limits is None:
            return
        if method == _POSTING:
            yield (method, channel), self.limits.channel
            yield (method, ""), self.limits.workspace
        elif method in _TIER_2:
            yield (method, ""), self.limits.tier_2
        elif method in _TIER_3:
            yield (method, ""), self.limits.tier_3
        elif method in _TIER_4:
            yield (method, ""), self.limits.tier_4

    def _wait_at(self, place: tuple[str, str], rate: Rate) -> float:
        now, passed = self._clock(), self._passed[place]
        while passed and passed[0] <= now - rate.seconds:
            passed.popleft()
        return passed[-rate.most] + rate.seconds - now if len(passed) >= rate.most else 0.0
