"""Whether a SQLite database is still the file that was opened: connections go on working with one that was deleted."""

import os
from pathlib import Path

import structlog

from bot.notices.store import DatabaseUnavailable

log = structlog.get_logger()


class SameFile:
    """Knows a file by its device and inode, as soon as it is told that the file is there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: tuple[int, int] | None = None
        self._is_there = True

    def remember(self) -> None:
        """This is the file from now on."""
        self._known = self._look()

    def check(self) -> None:
        """Raise DatabaseUnavailable where another file, or none, has the path; each change is logged once."""
        if self._known is None:
            return
        found = self._look()
        self._note(is_there=found == self._known)
        if found is None:
            raise DatabaseUnavailable(f"The database file {self._path} was deleted while Rectask was running.")
        if not self._is_there:
            raise DatabaseUnavailable(f"The database file {self._path} was replaced while Rectask was running.")

    def _look(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self._path)  # noqa: PTH116  # on the way of every transaction
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _note(self, *, is_there: bool) -> None:
        if is_there == self._is_there:
            return
        self._is_there = is_there
        if is_there:
            log.info("store_file.returned", path=str(self._path))
        else:
            log.error("store_file.lost", path=str(self._path), advice="Put it back, or restart Rectask.")
