"""Lines written by a thread of their own, so that a pipe that nobody reads stops nobody."""

import contextlib
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TextIO

# Characters that wait for a reader at most; what comes beyond them is dropped. Ten seconds of the busiest log.
CHARACTERS_KEPT = 4_000_000
# The standard streams, which stay open.
_STANDARD = 2


class LineWriter:
    """A stream to write to, as far as logging and the audit log need one: `write` never waits.

    `open_descriptor` is called in the thread before the first line, and again after a failure. What is written while so
    much waits already, or fails, is dropped; `on_dropped` is told the number of lines once lines are written again.
    """

    def __init__(
        self,
        open_descriptor: Callable[[], int],
        *,
        on_dropped: Callable[[int], object] = lambda _lines: None,
        characters_kept: int = CHARACTERS_KEPT,
    ) -> None:
        self._open_descriptor = open_descriptor
        self._on_dropped = on_dropped
        self._characters_kept = characters_kept
        self._waiting: deque[str] = deque()
        self._characters = 0
        self._is_writing = self._is_closed = False
        self._dropped = self._untold = 0
        self._changed = threading.Condition()
        # It may wait for a reader for ever, and the process ends all the same.
        threading.Thread(target=self._go_on_writing, name="line writer", daemon=True).start()

    @classmethod
    def to_stream(cls, stream: TextIO, *, on_dropped: Callable[[int], object] = lambda _: None) -> "LineWriter":
        """One of the standard streams; what was closed when the process began leads nowhere."""
        return cls(partial(_descriptor_of, stream), on_dropped=on_dropped)

    @property
    def dropped(self) -> int:
        """How many lines nobody will read."""
        return self._dropped

    def write(self, lines: str) -> int:
        """Take in one or more whole lines."""
        with self._changed:
            if self._is_closed or self._characters + len(lines) > self._characters_kept:
                self._drop(lines.count("\n"))
            else:
                self._waiting.append(lines)
                self._characters += len(lines)
                self._changed.notify_all()
        return len(lines)

    def flush(self) -> None:
        """Lines are written as soon as somebody reads them."""

    def close(self, *, within: float) -> bool:
        """Take nothing more in. Whether all that was taken in was written within this time."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        return self.wait(within)

    def wait(self, seconds: float) -> bool:
        """Whether all that was taken in was written within this time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._is_writing, timeout=seconds)

    def _go_on_writing(self) -> None:
        descriptor: int | None = None
        while (lines := self._next()) is not None:
            try:
                descriptor = self._open_descriptor() if descriptor is None else descriptor
                _write(descriptor, lines.encode(errors="backslashreplace"))
            except OSError:
                _close(descriptor)
                descriptor = None
                self._note_written(dropped=lines.count("\n"))
            else:
                self._note_written(dropped=0)
        _close(descriptor)

    def _next(self) -> str | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            if not self._waiting:
                return None
            self._is_writing = True
            lines = self._waiting.popleft()
            self._characters -= len(lines)
            return lines

    def _note_written(self, *, dropped: int) -> None:
        with self._changed:
            self._is_writing = False
            self._drop(dropped)
            told = 0 if dropped or self._waiting else self._untold
            self._untold -= told
            self._changed.notify_all()
        if told:
            self._on_dropped(told)

    def _drop(self, lines: int) -> None:
        self._dropped += lines
        self._untold += lines


def _write(descriptor: int, line: bytes) -> None:
    left = memoryview(line)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:  # somebody else who has this stream made it one that does not wait
            select.select([], [descriptor], [])


def _close(descriptor: int | None) -> None:
    if descriptor is not None and descriptor > _STANDARD:
        with contextlib.suppress(OSError):
            os.close(descriptor)


def _descriptor_of(stream: TextIO) -> int:
    """Where the stream leads to; nowhere where it was closed when the process began."""
    try:
        return stream.fileno()
    except (OSError, ValueError):
        return os.open(os.devnull, os.O_WRONLY)
