"""The forms of settings: each takes a value and gives it in its proper form, or raises ValueError with what is wrong.

No message holds the value: it may be a key that was pasted into the wrong line.
"""

import ipaddress
import os
import re
import ssl
import string
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from bot.lookup.redis.url import check_redis_url

# What containers listen on: every address that they have.
ANY_HOST = "0.0.0.0"  # noqa: S104
_APP_ID_LENGTH = 24
_APP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_REDIS_PREFIX = re.compile(r"[A-Za-z0-9_.:{}-]{1,64}")
# Python's own white space, and what editors and web pages put beside it.
_BLANKS = string.whitespace + "\u00a0\u2007\u202f\u3000\u200b\ufeff"
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’"}
_HOST_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
REGION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")


def bare(value: str) -> str:
    """Without the white space and the quotes around it, which `docker --env-file` and Secrets leave there."""
    value = value.strip(_BLANKS)
    while len(value) > 1 and _QUOTES.get(value[0]) == value[-1]:
        value = value[1:-1].strip(_BLANKS)
    return value


def is_half_quoted(value: str) -> bool:
    """Whether a quotation mark stands at one end only."""
    return bool(value) and (value[0] in _QUOTES) != (value[-1] in _QUOTES.values())


def host(value: str) -> str:
    """An address of this machine to listen on, or a name that stands for one."""
    given = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    try:
        return str(ipaddress.ip_address(given))
    except ValueError:
        pass
    if not _HOST_NAME.fullmatch(given):
        raise ValueError("it is an address or a name of this machine without a port, which RECTASK_PORT has")
    return given


def app_id(value: str) -> str:
    if len(value) != _APP_ID_LENGTH or not (value.isascii() and value.isalnum()):
        raise ValueError(f"an AppId has {_APP_ID_LENGTH} letters and digits, this has {len(value)} characters")
    return value


def apps(value: object) -> object:
    """`prod=661e…,staging=661f…` as pairs, in their order."""
    if not isinstance(value, str):
        return value
    return tuple(_app(part, f"entry {place}") for place, part in enumerate(value.split(","), start=1))


def _app(part: str, place: str) -> tuple[str, str]:
    # The value is not quoted in what is said of it: it may be a key that was pasted into the wrong line.
    name, equals, found = (piece.strip() for piece in part.partition("="))
    if not equals:
        raise ValueError(f"{place} is not of the form name=AppId")
    if not _APP_NAME.fullmatch(name):
        raise ValueError(f"the name in {place} has more than letters, digits, - and _, or more than 32 of them")
    return name, app_id(found)


def distinct(apps: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    names = [name for name, _ in apps]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"the name {twice} is there twice")
    return apps


def endpoint(value: str) -> str:
    scheme, host = _address(value)
    if urlsplit(value).path not in {"", "/"}:
        raise ValueError("it has more than a scheme, a host and a port")
    return f"{scheme}://{host}"


def _address(value: str) -> tuple[str, str]:
    """The scheme, and the host with its port, of an address that is good for requests."""
    if not value.isascii() or not value.isprintable() or set(value) & set(" ?#@\\"):
        raise ValueError("it has a character that no such address has")
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("it is not an address of the form https://host")
    try:
        parts.hostname.encode("idna")
    except UnicodeError:
        raise ValueError("its host cannot be one") from None
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError("without https it may only be on this machine (127.0.0.1)")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return parts.scheme, host if parts.port is None else f"{host}:{parts.port}"


def region(value: str) -> str:
    if not REGION.fullmatch(value):
        raise ValueError("a region has small letters and digits, with - between them")
    return value


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def key(value: SecretStr) -> SecretStr:
    if not all("!" <= c <= "~" for c in value.get_secret_value()):
        raise ValueError("it has a space or a character that no key has; it may have been copied with too much")
    return value


def bot_token(value: SecretStr) -> SecretStr:
    return _prefixed(value, "xoxb-", "a bot token")


def app_token(value: SecretStr) -> SecretStr:
    return _prefixed(value, "xapp-", "an app-level token")


def _prefixed(value: SecretStr, prefix: str, what: str) -> SecretStr:
    if not value.get_secret_value().startswith(prefix):
        raise ValueError(f"{what} begins with {prefix}")
    return value


def slack_api_url(value: str) -> str:
    scheme, host = _address(value)
    return f"{scheme}://{host}{urlsplit(value).path.rstrip('/')}/"


def certificates(value: str) -> str:
    try:
        ssl.create_default_context(cafile=value)
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        raise ValueError("there is no file of certificates (PEM) at this path") from None
    return value


def audit(value: str) -> str:
    """`stdout`, also as people write it elsewhere, or the path of a file that can be written to."""
    if value == "-" or value.lower() == "stdout":
        return "stdout"
    if not _is_writable(Path(value)):
        raise ValueError("it is stdout, or the path of a file in a folder that is there and may be written to")
    return value


def _is_writable(path: Path) -> bool:
    """Whether there can be a file; a name that is too long for one is quoted by what Python raises."""
    try:
        place = path if path.exists() else path.absolute().parent
        return not path.is_dir() and place.exists() and os.access(place, os.W_OK)
    except (OSError, ValueError):
        return False


def redis_url(value: SecretStr) -> SecretStr:
    check_redis_url(value.get_secret_value())
    return value


def redis_prefix(value: str) -> str:
    if not _REDIS_PREFIX.fullmatch(value):
        raise ValueError("a prefix has at most 64 letters, digits and the signs _ . : { } -")
    return value
