"""The proxy that the environment asks for."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


def proxy_for(url: str) -> str | None:
    """The proxy that the environment asks for (HTTPS_PROXY and the like, but for NO_PROXY), or None.

    slack_sdk reads the same variables by itself, for all that goes to Slack.
    """
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")
