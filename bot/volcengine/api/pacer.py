"""Whoever paces the requests to Volcengine, as the attempts see it."""

from typing import Protocol

from bot.recording.reading import Urgency


class Sent(Protocol):
    """One request whose turn it is; the pacer is told once what became of it."""

    def answered(self) -> None:
        """An answer to it came."""
        ...

    def failed(self) -> None:
        """It came to an end in some other way."""
        ...

    def never_left(self) -> None:
        """It was not sent at all."""
        ...

    def lost(self) -> None:
        """Nobody waits for it any more, and nobody knows where it is."""
        ...


class Pacer(Protocol):
    """Whoever decides when a request may go out."""

    async def turn(self, urgency: Urgency) -> Sent:
        """Return when it is this asker's turn to send one request."""
        ...

    def slow_down(self) -> None:
        """Volcengine says that there were too many requests."""
        ...
