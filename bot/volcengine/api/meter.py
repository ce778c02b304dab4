"""What is counted of the requests to Volcengine; `app` decides who counts it and where."""

from typing import Protocol

from bot.volcengine.api.error_codes import KNOWN_NAMES, known_name
from bot.volcengine.api.wire import WireError

ANSWERED, UNREADABLE, OTHER, UNREACHABLE, TIMED_OUT = "ok", "unreadable", "other", "unreachable", "timeout"
# Whatever Volcengine may come to answer, no other code is ever counted.
CODES = (ANSWERED, UNREADABLE, OTHER, UNREACHABLE, TIMED_OUT, *KNOWN_NAMES)


class AttemptMeter(Protocol):
    """Told of each request and what came of it; never raises, never waits."""

    def attempted(self, code: str, seconds: float) -> None:
        """One of CODES, so long after the request was sent."""
        ...


class Unmetered:
    """A meter for where nobody looks."""

    def attempted(self, code: str, seconds: float) -> None:
        pass


UNMETERED = Unmetered()


def code_of(error: WireError, status_code: int, *, flaw: str | None) -> str:
    """What of CODES an answer is; `flaw` says why it cannot be read."""
    if error.is_there or status_code != 200:  # noqa: PLR2004
        return known_name(code=error.code, number=error.code_n, status_code=status_code) or OTHER
    return ANSWERED if flaw is None else UNREADABLE
