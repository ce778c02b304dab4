"""Refused requests: counted each, logged once a minute, whatever somebody throws at the port."""

import asyncio
from collections import Counter

import structlog

from bot.slack.connection.admission import UNMETERED, DoorMeter, Reason

log = structlog.get_logger()

LOGGED_EVERY = 60.0


class Refusals:
    """The first refusal after a quiet minute is logged at once, all further ones of that minute in one line."""

    def __init__(self, *, meter: DoorMeter = UNMETERED, every: float = LOGGED_EVERY) -> None:
        self._meter = meter
        self._every = every
        self._since = Counter[Reason]()
        self._failure: BaseException | None = None
        self._waiting: asyncio.TimerHandle | None = None

    def note(self, reason: Reason, failure: BaseException | None = None) -> None:
        """One more; a `failure` is a fault of Rectask's own, and the first one of the minute is logged whole."""
        self._meter.refused(reason)
        self._since[reason] += 1
        self._failure = self._failure or failure
        if self._waiting is None:
            self._log()

    def flush(self) -> None:
        """Log what has not been logged yet."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        if self._since:
            self._log()

    def close(self) -> None:
        """Log the rest, and no more after that."""
        self.flush()
        if self._waiting is not None:
            self._waiting.cancel()

    def _log(self) -> None:
        log.warning("requests.refused", **dict(self._since), exc_info=self._failure)
        self._since.clear()
        self._failure = None
        self._waiting = asyncio.get_running_loop().call_later(self._every, self._minute_over)

    def _minute_over(self) -> None:
        self._waiting = None
        if self._since:
            self._log()
