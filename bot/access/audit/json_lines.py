"""Records as JSON lines, on a stream or in a file."""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

from bot.access.audit.record import NotRecorded, Record
from bot.runtime.private_files import opened_private


class Stream(Protocol):
    """What lines are written to."""

    def write(self, lines: str, /) -> object: ...

    def flush(self) -> object: ...


class JsonLines:
    """A sink of one record a line. `open_stream` is asked at each writing, so that a file may be moved away."""

    def __init__(self, open_stream: Callable[[], AbstractContextManager[Stream]]) -> None:
        self._open_stream = open_stream
        self._turn = asyncio.Lock()

    @classmethod
    def to_file(cls, path: Path) -> "JsonLines":
        """Appended to the file, which is made where there is none."""
        return cls(lambda: open(path, "a", encoding="utf-8", opener=opened_private))

    @classmethod
    def to_stream(cls, stream: Stream) -> "JsonLines":
        """The stream stays open."""
        return cls(lambda: nullcontext(stream))

    async def write(self, records: Sequence[Record]) -> None:
        """In a thread, for whoever reads a pipe may be slow; a record may stand there twice if this is given up."""
        lines = "".join(json.dumps(record.as_json()) + "\n" for record in records)
        async with self._turn:
            try:
                await asyncio.to_thread(self._append, lines)
            except (OSError, ValueError) as failure:  # a closed stream is a ValueError
                raise NotRecorded(f"The record cannot be written ({type(failure).__name__})") from failure

    def _append(self, lines: str) -> None:
        with self._open_stream() as stream:
            stream.write(lines)
            stream.flush()
