"""Whether the other side is out of reach, said once when it goes and once when it comes back."""

from collections.abc import Callable

import structlog

log = structlog.get_logger()

# One failure may be an item's own. So many in a row, with no success for so many seconds, are not; where a part of what
# is asked fails, that is no outage, and each item waits for itself.
FAILURES_ARE_OUTAGE = 3
WITHOUT_SUCCESS_FOR = 5.0


class OutageDetector:
    """Counts failures in a row. `of` says in the log who is out of reach; `timer` counts in seconds."""

    def __init__(self, of: str, *, timer: Callable[[], float]) -> None:
        self._of = of
        self._timer = timer
        self._failures = 0
        self._succeeded_at = timer()
        self.is_on = False

    def note_failure(self, error: str) -> None:
        """One more."""
        self._failures += 1
        is_long = self._timer() - self._succeeded_at >= WITHOUT_SUCCESS_FOR
        if not self.is_on and is_long and self._failures >= FAILURES_ARE_OUTAGE:
            self.is_on = True
            log.warning("outage.began", of=self._of, error=error)

    def note_success(self) -> bool:
        """All is well; True where it was not."""
        was_on, self.is_on = self.is_on, False
        self._failures = 0
        self._succeeded_at = self._timer()
        if was_on:
            log.info("outage.ended", of=self._of)
        return was_on
