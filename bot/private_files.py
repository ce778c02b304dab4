"""Files that nobody but this process's own user may read."""

import os
from pathlib import Path

_OURS_ALONE = 0o600


def make_private(path: Path) -> None:
    """Make an empty file where there is none; one that is there stays as it is."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), _OURS_ALONE))


def opened_private(path: str, flags: int) -> int:
    """An opener for `open`, whose new files are private."""
    return os.open(path, flags, _OURS_ALONE)
