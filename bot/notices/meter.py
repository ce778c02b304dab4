"""What the loops count of their own work; `app` decides who counts it and where."""

from datetime import timedelta
from typing import Literal, Protocol

from bot.recording.reading import TaskReadError

Loop = Literal["looks", "notices"]
RoundOutcome = Literal["good", "failed"]
# What an attempt to deliver came to: it stands there, it never will, later, perhaps, and "somebody else has it".
Settled = Literal["delivered", "dead", "put_off", "in_doubt", "superseded"]


class WatchMeter(Protocol):
    """Told of each round, look and attempt to deliver; never raises, never waits."""

    def round_ended(self, loop: Loop, outcome: RoundOutcome) -> None:
        """What was due was claimed, or could not be."""
        ...

    def looked(self, *, late: timedelta) -> None:
        """A watched task was looked at, so long after it was due."""
        ...

    def looked_up(self, failure: TaskReadError | None) -> None:
        """The look got an answer, from RTC or from memory, or failed."""
        ...

    def settled(self, outcome: Settled) -> None:
        """An attempt to deliver a notice has come to this."""
        ...


class Unmetered:
    """A meter for where nobody looks."""

    def round_ended(self, loop: Loop, outcome: RoundOutcome) -> None:
        pass

    def looked(self, *, late: timedelta) -> None:
        pass

    def looked_up(self, failure: TaskReadError | None) -> None:
        pass

    def settled(self, outcome: Settled) -> None:
        pass


UNMETERED = Unmetered()
