"""Patience at the start: what is out of reach is tried again."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from bot.notices.store import DatabaseUnavailable, DatabaseUnusable
from bot.slack.connection.auth import UNREACHABLE

log = structlog.get_logger()

TRY_AGAIN_AFTER = 5.0

Sleep = Callable[[float], Awaitable[None]]
T = TypeVar("T")


async def until_reached(attempt: Callable[[], Awaitable[T]], *, of: str, sleep: Sleep) -> T:
    """What the attempt brings, made again and again until it succeeds. What will never succeed is raised."""
    is_lost = False
    while True:
        try:
            return await attempt()
        except DatabaseUnusable:
            raise
        except (*UNREACHABLE, DatabaseUnavailable) as failure:
            if not is_lost:
                log.warning("start.delayed", of=of, error=_in_words(failure))
            is_lost = True
            await sleep(TRY_AGAIN_AFTER)


def _in_words(failure: BaseException) -> str:
    """The store's words are for people; what others say may hold addresses and more."""
    return str(failure) if isinstance(failure, DatabaseUnavailable) else type(failure).__name__
