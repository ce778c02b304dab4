"""The proxy that the environment asks for: which one it is, whether it can be used, and what it said when it failed."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit
from urllib.request import (  # type: ignore[attr-defined]  # typeshed lacks proxy_bypass_environment
    getproxies,
    proxy_bypass,
    proxy_bypass_environment,
)

import aiohttp

_SCHEMES = ("http", "https")
_EXAMPLE = "http://proxy.example.com:3128"
_QUOTES_AND_BLANKS = "\"'“”‘’ \t\r\n"


class ProxyFailed(Exception):
    """A request ended at the proxy; `proxy` is its host and port, `said` completes "The proxy … "."""

    def __init__(self, proxy: str, said: str, *, status_code: int | None = None) -> None:
        super().__init__(f"The proxy {proxy} {said}")
        self.proxy = proxy
        self.said = said
        self.status_code = status_code


def proxy_for(url: str) -> str | None:
    """The proxy that the environment asks for (HTTPS_PROXY and the like, but for NO_PROXY), or None.

    slack_sdk reads the same variables by itself, for all that goes to Slack.
    """
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def place_of(proxy: str) -> str:
    """Host and port of a proxy's address, without the user name and password that may be in it."""
    return urlsplit(proxy).netloc.rpartition("@")[2]


def failure_at_proxy(failure: BaseException, proxy: str | None) -> ProxyFailed | None:
    """What went wrong at the proxy; None where the failure is not the proxy's, or there is none."""
    if proxy is None:
        return None
    if isinstance(failure, aiohttp.ClientHttpProxyError):
        said = f"answered {failure.status} {failure.message}".rstrip()
        return ProxyFailed(place_of(proxy), f"{said}.", status_code=failure.status)
    # Behind a proxy, the client resolves and connects to the proxy alone; TLS is the target's again.
    if isinstance(failure, aiohttp.ClientConnectorDNSError):
        return ProxyFailed(place_of(proxy), "cannot be resolved.")
    if isinstance(failure, aiohttp.ClientProxyConnectionError):
        return ProxyFailed(place_of(proxy), f"cannot be reached: {failure.strerror or failure.os_error}.")
    if isinstance(failure, aiohttp.ConnectionTimeoutError):
        return ProxyFailed(place_of(proxy), "did not accept the connection in time.")
    return None


def unusable_proxies(environ: Mapping[str, str], *, rtc: str, slack: str | None) -> Iterator[tuple[str, str, str]]:
    """The variables that name a proxy which cannot be used, each with what is wrong and an example.

    Looked at are those that are used for these two addresses; `slack` is None where Slack is not reached.
    """
    names = {_variable_for_rtc(rtc, environ), _variable_for_slack(environ) if slack is not None else None}
    for name in sorted(name for name in names if name is not None):
        if (problem := _problem_of(environ[name])) is not None:
            yield name, problem, _EXAMPLE


def _variable_for_rtc(url: str, environ: Mapping[str, str]) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:  # it is malformed, which has a line of its own
        return None
    no_proxy = environ.get("no_proxy") or environ.get("NO_PROXY", "")
    if proxy_bypass_environment(parts.hostname or "", {"no": no_proxy}):
        return None
    return _first(environ, *(f"{scheme}_proxy" for scheme in (parts.scheme, "all")))


def _variable_for_slack(environ: Mapping[str, str]) -> str | None:
    """As slack_sdk chooses, which knows neither ALL_PROXY nor NO_PROXY."""
    return _first(environ, "https_proxy", "http_proxy")


def _first(environ: Mapping[str, str], *names: str) -> str | None:
    return next((case for name in names for case in (name, name.upper()) if environ.get(case)), None)


def _problem_of(proxy: str) -> str | None:
    if proxy.strip(_QUOTES_AND_BLANKS) != proxy:
        return "is wrong: it has quotation marks or spaces around it, which programs take for a part of the address"
    if "://" not in proxy:
        return "is wrong: it does not begin with http://"
    if (scheme := proxy.partition("://")[0].lower()) not in _SCHEMES:
        return f"is wrong: Rectask cannot use a {scheme} proxy, only one that begins with http:// or https://"
    try:
        has_place = bool(urlsplit(proxy).hostname) and urlsplit(proxy).port != 0
    except ValueError:
        has_place = False
    return None if has_place else "is wrong: it is not an address of the form http://host:port"
