"""Requests that the server may still be about to receive: none is done with until its answer is here.

What was let go in good order can arrive in a bunch: a network that stalled for two seconds delivered 163 requests in
one. A request reaches the server at some time between its turn and its answer. So it counts from its turn until a
second after its answer, and whoever lets another one go while fewer than the limit count keeps every window of the
server's within the limit.
"""

import heapq
import time
from collections.abc import Callable

WINDOW = 1.0
# The way there and back is part of every answer's time and can be taken off, as far as it was the same for all.
# Seconds: more is no way but a server that thinks, and what lies in a buffer looks like it.
LONGEST_WAY = 0.25
# So many answers tell how long the way is, of more than one moment and for so long, so that no stall passes for it.
_ANSWERS_NEEDED, _SPREAD_OVER, _REMEMBERED_FOR = 20, WINDOW, 300.0
# What nobody answered may lie in some buffer on the way. It counts until a later one is answered, or for so long.
LOST_FOR = 10.0


class Sent:
    """One request that was let go; it says once what became of it."""

    __slots__ = ("_under_way", "since")

    def __init__(self, under_way: "UnderWay", since: float) -> None:
        self._under_way = under_way
        self.since = since

    def answered(self) -> None:
        """An answer to it came."""
        self._under_way.end_answered(self)

    def failed(self) -> None:
        """It came to an end in some other way, so it does not lie in a buffer any more."""
        self._under_way.end_failed(self)

    def never_left(self) -> None:
        """It was not sent at all."""
        self._under_way.end_unsent(self)

    def lost(self) -> None:
        """Nobody waits for it any more, and nobody knows where it is."""
        self._under_way.end_lost(self)


class _Way:
    """The shortest time that an answer took, over the last minutes."""

    def __init__(self) -> None:
        self._shortest = self._before = LONGEST_WAY
        self._answers = 0
        self._first: float | None = None
        self._since = 0.0

    def note(self, seconds: float, *, now: float) -> None:
        self._first = now if self._first is None else self._first
        if now - self._since > _REMEMBERED_FOR:
            self._since, self._before, self._shortest = now, self._shortest, LONGEST_WAY
        self._shortest = min(self._shortest, seconds)
        self._answers += 1

    def seconds(self, now: float) -> float:
        """None of it before enough is known: all that a first stall held back comes at once, the oldest first."""
        if self._first is None or self._answers < _ANSWERS_NEEDED or now - self._first < _SPREAD_OVER:
            return 0.0
        return min(self._shortest, self._before)


class UnderWay:
    """Those that count now, of one process."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._unanswered = set[Sent]()
        self._lost = dict[Sent, float]()
        # Until when each of those counts that are over.
        self._over: list[float] = []
        self._way = _Way()

    def begin(self) -> Sent:
        sent = Sent(self, self._clock())
        self._unanswered.add(sent)
        return sent

    def count(self) -> int:
        """How many may still reach the server within the second that ends now, or later."""
        now = self._clock()
        while self._over and self._over[0] <= now:
            heapq.heappop(self._over)
        for sent in [sent for sent, until in self._lost.items() if until <= now]:
            del self._lost[sent]
        return len(self._unanswered) + len(self._lost) + len(self._over)

    def end_answered(self, sent: Sent) -> None:
        now = self._clock()
        self._way.note(now - sent.since, now=now)
        self._end(sent, now - self._way.seconds(now))
        # The network is back: what lay in a buffer has come out of it too.
        for lost in [lost for lost in self._lost if lost.since < sent.since]:
            del self._lost[lost]
            heapq.heappush(self._over, now + WINDOW)

    def end_failed(self, sent: Sent) -> None:
        self._end(sent, self._clock())

    def end_unsent(self, sent: Sent) -> None:
        self._unanswered.discard(sent)

    def end_lost(self, sent: Sent) -> None:
        if sent in self._unanswered:
            self._unanswered.discard(sent)
            self._lost[sent] = self._clock() + LOST_FOR

    def _end(self, sent: Sent, at: float) -> None:
        if sent in self._unanswered:
            self._unanswered.discard(sent)
            heapq.heappush(self._over, at + WINDOW)
