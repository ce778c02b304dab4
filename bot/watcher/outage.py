"""Whether the other side is out of reach, said once when it goes and once when it comes back."""

import structlog

log = structlog.get_logger()

# One failure may be an item's own; so many in a row, without one success, are not.
FAILURES_ARE_OUTAGE = 3


class Outage:
    """Counts failures in a row. `of` says in the log who is out of reach."""

    def __init__(self, of: str) -> None:
        self._of = of
        self._failures = 0

    @property
    def is_on(self) -> bool:
        return self._failures >= FAILURES_ARE_OUTAGE

    def note_failure(self, error: str) -> None:
        """One more."""
        self._failures += 1
        if self._failures == FAILURES_ARE_OUTAGE:
            log.warning("outage.began", of=self._of, error=error)

    def note_success(self) -> bool:
        """All is well; True where it was not."""
        was_on = self.is_on
        self._failures = 0
        if was_on:
            log.info("outage.ended", of=self._of)
        return was_on
