"""Where answers may be sent: the address for them comes in the payload, and is not taken on trust."""

from collections.abc import MutableMapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import structlog

log = structlog.get_logger()

_PORTS = {"https": 443, "http": 80}
_HOOKS = "https://hooks.slack.com"


def drop_foreign_url(body: MutableMapping[str, Any], *, api_url: str) -> None:
    """Empty a `response_url` that does not lead to Slack, so that no card is sent there."""
    url = body.get("response_url")
    if url is not None and not leads_to_slack(str(url), api_url=api_url):
        log.warning("response_url.refused")
        body["response_url"] = ""


def leads_to_slack(url: str, *, api_url: str) -> bool:
    """To hooks.slack.com, or to the host of the Web API that is configured."""
    return _origin_of(url) in _slacks(api_url)


@cache
def _slacks(api_url: str) -> frozenset[tuple[str, str, int]]:
    return frozenset(origin for origin in (_origin_of(_HOOKS), _origin_of(api_url)) if origin is not None)


def _origin_of(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None for what is not clearly an address of these three."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    is_clear = url.isascii() and url.isprintable() and not set(url) & set(" \\") and "@" not in parts.netloc
    if not is_clear or parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme]


class RedirectRefused(aiohttp.ClientError):
    """Slack's API and its hooks never lead elsewhere; whoever answers so is not Slack."""


def not_redirected() -> aiohttp.TraceConfig:
    """For a session that follows no redirect; slack_sdk's clients would, with the card and all."""
    tracing = aiohttp.TraceConfig()
    tracing.on_request_redirect.append(_refuse)
    return tracing


async def _refuse(*_: object) -> None:
    raise RedirectRefused("a redirect, which is not followed")
