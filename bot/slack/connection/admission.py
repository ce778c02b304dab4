"""Requests that the HTTP server does not take, and why: what the server, Slack's door and the metrics agree on."""

from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

Reason = Literal[
    "not_http",
    "unknown_path",
    "unsigned",
    "stale",
    "forged",
    "unreadable",
    "too_large",
    "too_slow",
    "too_many",
    "failed",
]

# Gives the body of a request. Raises Refused.
ReadBody = Callable[[], Awaitable[bytes]]


class Refused(Exception):
    """A request that is not taken, with the HTTP status that it gets."""

    def __init__(self, status: int, reason: Reason) -> None:
        super().__init__(f"{status} ({reason})")
        self.status = status
        self.reason = reason


class DoorMeter(Protocol):
    """Told of each request that is refused; never raises, never waits."""

    def refused(self, reason: Reason) -> None: ...


class Unmetered:
    """A meter for where nobody looks."""

    def refused(self, reason: Reason) -> None:
        pass


UNMETERED = Unmetered()
