"""The one connection of this process to Redis, and what its failures are called."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import ResponseError

from bot.finding import Finding

T = TypeVar("T")

# Seconds. A slow Redis is as good as none: a person waits for the answer.
ANSWERS_WITHIN = 0.5
CONNECTS_WITHIN = 0.5
# Behind the one connection the others queue, each for an answer at most.
WAITS_FOR_CONNECTION = 1.0


class RedisLost(Exception):
    """Redis did not answer, or not as it should; the text says how, without addresses and keys."""


class RedisLink:
    """Asks Redis over one connection, one question after the other."""

    def __init__(self, client: Redis, *, prefix: str) -> None:
        self.client = client
        self.prefix = prefix
        self.is_lost = False

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """What the question brings. Raises RedisLost."""
        try:
            answer = await question()
        except Exception as failure:  # whatever the driver raises: nobody above knows it
            self.is_lost = True
            raise RedisLost(_in_words(failure)) from failure
        self.is_lost = False
        return answer


@asynccontextmanager
async def open_redis(url: str, *, prefix: str) -> AsyncIterator[RedisLink]:
    """A link that connects when it is first used, and again whenever it has to. Raises ValueError for a wrong URL."""
    ours: dict[str, Any] = {
        "max_connections": 1,
        "timeout": WAITS_FOR_CONNECTION,
        "socket_timeout": ANSWERS_WITHIN,
        "socket_connect_timeout": CONNECTS_WITHIN,
        "decode_responses": False,
        # A connection that the other side closed while nobody used it is noticed at the next question. What timed out
        # is not asked again: it may have been done.
        "retry": Retry(NoBackoff(), 1, supported_errors=(NotConnected,)),
    }
    # Ours come last: no option of the URL makes it wait longer, or open more connections.
    pool = BlockingConnectionPool(**{**parse_url(url), **ours})
    client = Redis(connection_pool=pool)
    try:
        yield RedisLink(client, prefix=prefix)
    finally:
        await client.aclose()
        await pool.disconnect()


def _in_words(failure: BaseException) -> str:
    """Redis's own answers begin with what is the matter (NOAUTH, OOM, READONLY); the rest may quote what was asked."""
    if isinstance(failure, ResponseError):
        return str(failure).split(" ", 1)[0][:40]
    return type(failure).__name__


async def diagnose_redis(url: str, *, prefix: str) -> Finding:
    """One finding: whether Redis answers, and lets this user do what the pace and the answers need."""
    async with open_redis(url, prefix=prefix) as link:
        try:
            await link.ask(lambda: _try_all(link))
        except RedisLost as loss:
            return Finding("redis", is_well=False, said=f"It can not be used: {loss}.", advice=_ADVICE)
    return Finding("redis", is_well=True, said=f"It answers, and the keys {prefix}… may be used.")


_ADVICE = (
    "Check RECTASK_REDIS_URL (rediss:// where Redis wants TLS) and that it can be reached from here; a user of an ACL "
    "needs eval, evalsha, script|load, time, hash commands, get, set, pttl on the keys of the prefix. Without Redis "
    "each replica keeps to its own part of the limit."
)


async def _try_all(link: RedisLink) -> None:
    key = f"{link.prefix}check"
    await link.client.eval("redis.call('TIME'); return redis.call('HSET', KEYS[1], 'a', '1')", 1, key)
    await link.client.delete(key)
    await link.client.set(key, "1", px=1000)
    await link.client.pttl(key)
