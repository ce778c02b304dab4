"""The one connection of this process to Redis, and what its failures are called."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ClusterDownError, MovedError, RedisError
from redis.exceptions import ConnectionError as NotConnected

T = TypeVar("T")

# Seconds. A slow Redis is as good as none: a person waits for the answer.
ANSWERS_WITHIN = 0.5
CONNECTS_WITHIN = 0.5
# Behind the one connection the others queue, each for an answer at most.
WAITS_FOR_CONNECTION = 1.0
# The driver's limits hold for one read; what drips in bit by bit would never meet them.
_WITHIN = ANSWERS_WITHIN + CONNECTS_WITHIN + WAITS_FOR_CONNECTION
_TEXT_AT_MOST = 300
_CLUSTER = "Redis is a cluster, which Rectask does not support; it needs one server, or a primary with replicas"


class RedisLost(Exception):
    """Redis did not answer, or not as it should; the text says how, without secrets."""


class RedisMakesNoSense(RedisLost):
    """Redis answered with something that is no answer to the question."""


class RedisLink:
    """Asks Redis over one connection, one question after the other. `secrets` never stand in an error's text."""

    def __init__(self, client: Redis, *, prefix: str, secrets: frozenset[str] = frozenset()) -> None:
        self.client = client
        self.prefix = prefix
        self.is_lost = False
        self._secrets = secrets

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """What the question brings, which has to be checked there: ValidationError says that it makes no sense.

        Raises RedisLost.
        """
        try:
            async with asyncio.timeout(_WITHIN):
                answer = await question()
        except ValidationError as flaw:
            self.is_lost = True
            raise RedisMakesNoSense(_of_nonsense(flaw)) from None  # its text quotes what was there
        except Exception as failure:  # whatever the driver raises: nobody above knows it
            self.is_lost = True
            raise RedisLost(self._in_words(failure)) from failure
        self.is_lost = False
        return answer

    def _in_words(self, failure: Exception) -> str:
        """Redis's own word for it (NOAUTH, OOM, READONLY), or the error's name, and what it says."""
        if isinstance(failure, MovedError | ClusterDownError):
            return f"{_CLUSTER} ({failure.status_code})"
        kind = getattr(failure, "status_code", None) or type(failure).__name__
        said = str(failure) if isinstance(failure, RedisError | OSError) else ""
        for secret in self._secrets:
            said = said.replace(secret, "***")
        return f"{kind}: {said[:_TEXT_AT_MOST]}" if said else str(kind)


def _of_nonsense(flaw: ValidationError) -> str:
    parts = sorted({f"{'.'.join(map(str, each['loc'])) or 'answer'}: {each['type']}" for each in flaw.errors()})
    return f"What Redis returned makes no sense ({', '.join(parts)[:_TEXT_AT_MOST]})"


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
        yield RedisLink(client, prefix=prefix, secrets=_secrets_in(url))
    finally:
        await client.aclose()
        await pool.disconnect()


def _secrets_in(url: str) -> frozenset[str]:
    """The URL and its password, as they are written there and as they are meant."""
    password = urlsplit(url).password or ""
    return frozenset({url, password, unquote(password)} - {""})
