"""When a watched task is looked at next."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.recording.task import NOT_STARTED, RecordTask

# The vendor's default (parameter table of StartRecord): without a stream a task idles out after 180 s, so one that
# nobody ever sends to ends then. A look comes a little later.
IDLE_LIMIT = timedelta(seconds=180)
A_LITTLE_LATER = timedelta(seconds=2)
# What cannot be started, or was started by mistake, ends soon after its start.
YOUNG = timedelta(minutes=2)
SOON = timedelta(seconds=10)
LATE_FILES = timedelta(minutes=1)
# How many times the interval, by how long the task has been running.
_SLOWER = ((timedelta(hours=12), 4), (timedelta(hours=3), 2))
SLOWEST = max(times for _, times in _SLOWER)
BACK_OFF_AT_MOST = timedelta(minutes=2)
# Looks that were due together part, so that tasks of one start do not make a bunch for hours.
JITTER = 0.1


@dataclass(frozen=True, slots=True)
class Schedule:
    """`interval` is the time between two looks at a task that simply runs; `randomness` gives numbers from 0 to 1."""

    interval: timedelta
    randomness: Callable[[], float]

    def while_running(self, task: RecordTask, *, now: datetime) -> timedelta:
        """For a task that is not over."""
        pause = self._jittered(self._usual(task, now=now))
        return min([pause, *self._moments_ahead(task, now=now)])

    def at_first(self, task: RecordTask, *, now: datetime) -> timedelta:
        """For a task that was read just now and is watched from now on: anywhere within the time that it could take.

        Tasks that people subscribe to together, after one incident, are looked at one by one and told of one by one.
        """
        return self.while_running(task, now=now) * max(self.randomness(), JITTER)

    def while_files_are_awaited(self) -> timedelta:
        """For a task that is over without files, while its end has not been told."""
        return self._jittered(min(SOON, self.interval))

    def while_late_files_may_come(self) -> timedelta:
        """For a task whose end has been told without files."""
        return self._jittered(max(LATE_FILES, self.interval))

    def after_failure(self, failures: int) -> timedelta:
        """`failures` counts the looks that have failed in a row, this one too."""
        longest = max(BACK_OFF_AT_MOST, self.interval)
        return self._jittered(min(self.interval * (1 << min(failures - 1, 16)), longest))

    def _usual(self, task: RecordTask, *, now: datetime) -> timedelta:
        if task.status == NOT_STARTED or task.started_at is None:
            return min(SOON, self.interval)
        running_for = now - task.started_at
        if running_for < YOUNG:
            return min(SOON, self.interval)
        return self.interval * next((times for least, times in _SLOWER if running_for >= least), 1)

    def _moments_ahead(self, task: RecordTask, *, now: datetime) -> list[timedelta]:
        """How long it is to the moments at which a task is likely to end."""
        if task.started_at is None or task.known_until is None:
            return []
        moments = (task.started_at + IDLE_LIMIT, task.known_until)
        return [moment + A_LITTLE_LATER - now for moment in moments if moment + A_LITTLE_LATER > now]

    def _jittered(self, pause: timedelta) -> timedelta:
        """Shorter, never longer, so that a promise about the interval is kept."""
        return pause * (1 - JITTER * self.randomness())
