"""Rows decoded one by one, so that one that cannot be decoded does not stop the others.

A newer release may have written it, a hand may have edited it, a disk may have lost it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Generic, NamedTuple, TypeVar

import structlog
from sqlalchemy import Row

from bot.recording.reading import Reading
from bot.recording.task_ref import RtcApp, TaskRef
from bot.storage.columns import Unreadable, UnreadableReading


class AppNames:
    """The names of apps by their ids; one that is not among them keeps the name that was stored."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def ref(self, stored: TaskRef) -> TaskRef:
        app_id = stored.app.app_id
        return replace(stored, app=RtcApp(self._names.get(app_id, stored.app.name), app_id))

    def reading(self, stored: Reading | Unreadable | None) -> Reading | None:
        """None for one that is absent or cannot be read."""
        if stored is None or isinstance(stored, Unreadable):
            return None
        return replace(stored, task=replace(stored.task, ref=self.ref(stored.task.ref)))


log = structlog.get_logger()

Decoded = TypeVar("Decoded")
# What a value of the wrong kind raises, wherever it is used.
_FLAWS = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError)
# So many rows are remembered as logged; no more than these are logged.
NAMED_AT_MOST = 1000


class Sorted(NamedTuple, Generic[Decoded]):
    """Rows by whether they could be decoded: what was decoded, and the ids of the others."""

    decoded: list[Decoded]
    left_out: list[Any]


class Decoder:
    """Decodes rows, and logs each that it cannot decode once."""

    def __init__(self, names: AppNames) -> None:
        self.names = names
        self._named: set[tuple[str, object]] = set()

    @property
    def left_out(self) -> int:
        """How many rows could not be decoded so far, or lack their reading; counted up to a limit."""
        return len(self._named)

    def decode(
        self, rows: Iterable[Row[Any]], decode: Callable[[Row[Any], AppNames], Decoded], *, of: str
    ) -> list[Decoded]:
        """Those of the rows, which have an `id`, for which `decode` does not fail; `of` is their table."""
        return self.sort(rows, decode, of=of).decoded

    def sort(
        self, rows: Iterable[Row[Any]], decode: Callable[[Row[Any], AppNames], Decoded], *, of: str
    ) -> Sorted[Decoded]:
        """As `decode`, with the ids of the rows that are left out."""
        decoded, left_out = [], []
        for row in rows:
            try:
                decoded.append(self._decode(row, decode, of=of))
            except _FLAWS as flaw:
                self._name(of, row.id, f"{flaw}" or type(flaw).__name__)
                left_out.append(row.id)
        return Sorted(decoded, left_out)

    def _decode(self, row: Row[Any], decode: Callable[[Row[Any], AppNames], Decoded], *, of: str) -> Decoded:
        for name, value in zip(row._fields, row, strict=True):
            if isinstance(value, UnreadableReading):
                self._name(of, row.id, f"{name} is no reading: {value.value}")
            elif isinstance(value, (Unreadable, bytes)):
                raise ValueError(f"{name} is out of range or of another type: {value!r}")  # noqa: TRY004  # of a row, not an argument
        return decode(row, self.names)

    def _name(self, table: str, row_id: object, flaw: str) -> None:
        if (table, row_id) not in self._named and len(self._named) < NAMED_AT_MOST:
            self._named.add((table, row_id))
            log.warning("row.not_decoded", table=table, id=row_id, flaw=flaw)


def whole(value: object) -> int:
    """The value, where it is a whole number. Raises ValueError: SQLite keeps anything in a column of numbers."""
    if not isinstance(value, int):
        raise ValueError(f"{value!r:.40} is no whole number")  # noqa: TRY004  # as above
    return value
