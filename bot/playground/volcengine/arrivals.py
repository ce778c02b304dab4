"""What came in at the stand-in for RTC, and how closely."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came in: when (seconds, monotonic), its target as sent, its headers by small-letter name."""

    at: float
    target: str
    headers: dict[str, str]


def worst_second(arrivals: list[float]) -> int:
    """The most arrivals (seconds, ascending) within any window of one second."""
    worst, first = 0, 0
    for last, at in enumerate(arrivals):
        while arrivals[first] <= at - 1.0:
            first += 1
        worst = max(worst, last - first + 1)
    return worst
