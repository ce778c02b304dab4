"""Connection URLs of Redis as people have them: what is wrong with one, in words without the password."""

import importlib.util
from urllib.parse import urlsplit

_SCHEMES = {"redis": "//host", "rediss": "//host, over TLS", "unix": "/// and a path"}


def check_redis_url(url: str) -> None:
    """Raise ValueError, in words for a person, unless the URL leads to a Redis that could be there."""
    if importlib.util.find_spec("redis") is None:
        raise ValueError("for Redis a driver is needed: pip install 'rectask[redis]'")
    try:
        parts = urlsplit(url)
        has_place = bool(parts.hostname and parts.port != 0) or (parts.scheme == "unix" and parts.path)
    except ValueError:
        raise ValueError(_OF_SIGNS) from None
    if parts.scheme not in _SCHEMES:
        raise ValueError("it is not a connection URL, redis://…, rediss://… (over TLS) or unix:///path")
    if not has_place:
        raise ValueError("it names no host (redis://host:6379/0), and no socket (unix:///path)")
    if "@" in parts.path or "@" in parts.query or parts.netloc.count("@") > 1:
        raise ValueError(_OF_SIGNS)
    _check_options(url)


_OF_SIGNS = "signs in a user's name or password are written as %40 for @, %2F for /, %3F for ?, %23 for #, %3A for :"


def _check_options(url: str) -> None:
    """The driver itself takes them, one by one."""
    from redis.asyncio import ConnectionPool  # noqa: PLC0415  # loaded where Redis is used

    try:
        ConnectionPool.from_url(url).make_connection()  # type: ignore[no-untyped-call]  # the driver's
    except (TypeError, ValueError):
        # Its words quote what it could not read, which may be the password.
        raise ValueError(
            "what stands after the host is not understood: a number for the database, known options"
        ) from None
