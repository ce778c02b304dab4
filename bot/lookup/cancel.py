"""Ending tasks for certain."""

import asyncio
from typing import Any

_CANCELLED_AGAIN_AFTER = 0.2


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel until all are over.

    Once is not enough: asyncio.wait_for of Python 3.11 drops a cancellation that comes just when what it waits for is
    done (python/cpython#86296), and Redis's driver waits so; a loop was seen to go on for ever after it.
    """
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=_CANCELLED_AGAIN_AFTER)
