"""How far this machine's clock is from Slack's, by the Date header of every answer.

Not by the timestamps of requests: an old one that somebody plays back would look like a clock that is ahead.
"""

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

import structlog

log = structlog.get_logger()

# Slack signs the time, and `http_endpoint` allows a difference of five minutes. A Date header is exact to a second, and
# a response may take some seconds.
_MAY_DIFFER_BY = 285.0


class SlackClock:
    """Told of each answer's date; what changes is said once in the log."""

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self.is_well = True

    def note(self, date: str | None) -> None:
        """What cannot be read as a date tells nothing."""
        ahead = seconds_ahead(date, now=self._now)
        if ahead is None:
            return
        is_well = agrees(ahead)
        if is_well != self.is_well:
            self.is_well = is_well
            if is_well:
                log.info("clock.corrected")
            else:
                log.error("clock.wrong", seconds_ahead_of_slack=round(ahead), advice=ADVICE)


ADVICE = "Set this machine's clock (NTP): over HTTP every request of Slack's is refused while it is 5 min off."


def seconds_ahead(date: str | None, *, now: Callable[[], float] = time.time) -> float | None:
    """How far this machine's clock is ahead of whoever dated an answer just now; None for what is no date."""
    try:
        return now() - parsedate_to_datetime(date or "").timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def agrees(ahead: float) -> bool:
    """Whether what Slack signs is taken here."""
    return abs(ahead) <= _MAY_DIFFER_BY


def in_words(ahead: float) -> str:
    """The difference as a sentence."""
    seconds = round(ahead)
    if abs(seconds) <= 1:
        return "This machine's clock agrees with Slack's."
    return f"This machine's clock is {abs(seconds):,} s {'ahead of' if seconds > 0 else 'behind'} Slack's."
