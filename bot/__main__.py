"""`python -m bot` is `rectask`."""

import os
import signal
import sys
from types import FrameType


def main() -> int:
    """Run what was typed, and return the exit code."""
    if sys.argv[1:2] == ["serve"]:
        # From the first moment on: importing all of it takes a second. What serves sets handlers of its own.
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, _end)
    from bot.app.cli import main as run  # noqa: PLC0415  # see above

    return run()


def _end(_number: int, _frame: FrameType | None) -> None:
    """Nothing has begun that would have to be finished."""
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
