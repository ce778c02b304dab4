"""Files that nobody but this process's own user may read."""

import contextlib
import os
from pathlib import Path

_OURS_ALONE = 0o600


def make_private(path: Path) -> None:
    """Make an empty file where there is none; one that is there stays as it is.

    That one is not even opened: closing it would take every lock that this process's SQLite holds on it (SQLite's "How
    To Corrupt", 2.2), and the next process that closes the database would delete the log that this one writes to.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
    with contextlib.suppress(FileExistsError):
        # What a link points to need not be there yet, and O_EXCL does not follow it.
        os.close(os.open(path.resolve(), flags, _OURS_ALONE))


def opened_private(path: str, flags: int) -> int:
    """An opener for `open`, whose new files are private."""
    return os.open(path, flags, _OURS_ALONE)
