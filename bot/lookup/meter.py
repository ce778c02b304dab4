"""What the look-up counts of its own work; `app` decides who counts it and where."""

from typing import Literal, Protocol

from bot.recording.reading import Priority

# Where an answer came from: this process's memory, a request that was under way already, the memory that all replicas
# share, or a request of its own to RTC.
Source = Literal["memory", "flight", "shared", "rtc"]


class LookupMeter(Protocol):
    """Told of each answer and of each turn; never raises, never waits."""

    def answered(self, source: Source) -> None:
        """An answer came from there, or a failure, or "not found"."""
        ...

    def queued(self, priority: Priority, by: int) -> None:
        """So many more (less, where negative) wait for their turn."""
        ...

    def waited(self, priority: Priority, seconds: float) -> None:
        """One got its turn, after so long."""
        ...

    def paced(self, *, is_shared: bool) -> None:
        """From now on the pace is shared by all replicas, or this one's own share of it."""
        ...


class Unmetered:
    """A meter for where nobody looks: the terminal, most tests."""

    def answered(self, source: Source) -> None:
        pass

    def queued(self, priority: Priority, by: int) -> None:
        pass

    def waited(self, priority: Priority, seconds: float) -> None:
        pass

    def paced(self, *, is_shared: bool) -> None:
        pass


UNMETERED = Unmetered()
