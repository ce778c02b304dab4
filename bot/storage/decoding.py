"""Rows decoded one by one, so that what a newer release has written into one of them does not stop the others."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import structlog
from sqlalchemy import Row

from bot.storage.naming import AppNames

log = structlog.get_logger()

Decoded = TypeVar("Decoded")
# So many rows are remembered as logged; it is told of no more than these.
NAMED_AT_MOST = 1000


class Decoder:
    """Decodes rows, and logs each that it can not decode once."""

    def __init__(self, names: AppNames) -> None:
        self.names = names
        self._named: set[tuple[str, int]] = set()

    def decode(
        self, rows: Iterable[Row[Any]], decode: Callable[[Row[Any], AppNames], Decoded], *, of: str
    ) -> list[Decoded]:
        """Those of the rows, which have an `id`, for which `decode` does not raise ValueError; `of` is their table."""
        decoded = []
        for row in rows:
            try:
                decoded.append(decode(row, self.names))
            except ValueError as flaw:
                self._name(of, row.id, flaw)
        return decoded

    def _name(self, table: str, row_id: int, flaw: ValueError) -> None:
        if (table, row_id) not in self._named and len(self._named) < NAMED_AT_MOST:
            self._named.add((table, row_id))
            log.warning("row.not_decoded", table=table, id=row_id, flaw=str(flaw))
