"""What can go wrong between this machine and Volcengine, in words."""

import errno
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import httpx
from aiohttp.http_exceptions import ContentLengthError, HttpProcessingError

from bot.recording.reading import TaskUnavailable
from bot.runtime.certificates import reason_and_advice
from bot.runtime.proxy import ProxyFailed
from bot.volcengine.api.service import Peer
from bot.volcengine.api.transport import Timeouts

# Everything that httpx, and aiohttp below it, raise when a request or its answer does not get through whole.
TRANSPORT_FAILURES = (httpx.RequestError, aiohttp.ClientError, HttpProcessingError, OSError)

# What stands in the chain of causes where no byte of the request was sent.
_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)


@dataclass(frozen=True, slots=True)
class FailureWords:
    """The reason for everybody, without hosts; then what happened, what it means, what to do, for who runs Rectask."""

    reason: str
    happened: str
    meaning: str
    advice: str


_NOT_ASKED = "{name} was not asked, so {consequence}."
_CHECK_NETWORK = "Check the network and firewall between this machine and {host}, then try again."
_CHECK_ENDPOINT = "Check {endpoint_setting} and this machine's name resolution, then try again."
_BROKE_OFF = "{name} was asked and its answer did not arrive, so {consequence}."
_TRY_AGAIN = "Try again in a minute; if it stays, look for a proxy or firewall on the way to {host}."

_PROXY_REASON = "The proxy on the way to {name} failed"
_PROXY_FAILED = "The proxy {proxy} {proxy_said}"
_CHECK_PROXY = "Check the proxy's address in HTTPS_PROXY, and the proxy itself, then try again."
# What is to be done, by what the proxy answered to CONNECT.
_PROXY_ADVICE: dict[int | None, str] = {
    407: "Put the user name and password for the proxy into HTTPS_PROXY (http://user:password@host:port).",
    403: "Ask whoever runs the proxy to allow {host}, or name {host} in NO_PROXY.",
    502: "The proxy cannot reach {host}: check its network and name resolution, or name {host} in NO_PROXY.",
    503: "The proxy cannot reach {host}: check its network and name resolution, or name {host} in NO_PROXY.",
    504: "The proxy cannot reach {host}: check its network and name resolution, or name {host} in NO_PROXY.",
}
_OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE})
_NO_DESCRIPTORS = FailureWords(
    "Rectask has no connections left",
    "This machine has no file descriptors left for another connection.",
    _NOT_ASKED,
    "Raise the limit on open files (ulimit -n, LimitNOFILE of systemd), then restart Rectask.",
)
_OTHERWISE = FailureWords("{name}'s answer broke off", "The answer from {host} broke off.", _BROKE_OFF, _TRY_AGAIN)

# Whichever row fits anything in the chain of causes first; so the special come before the general.
_BY_CAUSE: tuple[tuple[tuple[type[BaseException], ...], FailureWords], ...] = (
    (
        (aiohttp.ClientConnectorDNSError,),
        FailureWords(
            "The address of {name} can't be resolved",
            "The name {host} cannot be resolved.",
            _NOT_ASKED,
            _CHECK_ENDPOINT,
        ),
    ),
    (
        (ssl.SSLError, aiohttp.ClientSSLError),
        FailureWords(
            "There is no secure connection to {name}",
            "No secure connection to {host}: {tls_reason}.",
            _NOT_ASKED,
            "{tls_advice}",
        ),
    ),
    (
        (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
        FailureWords(
            "{name} can't be reached",
            "{host} did not take the connection within {connect:g} s.",
            _NOT_ASKED,
            _CHECK_NETWORK,
        ),
    ),
    (
        (aiohttp.ClientConnectorError,),
        FailureWords("{name} can't be reached", "The connection to {host} was refused.", _NOT_ASKED, _CHECK_NETWORK),
    ),
    (
        (TimeoutError, httpx.TimeoutException),
        FailureWords(
            "{name} isn't responding",
            "{host} did not answer in time (it had {attempt:g} s at the most).",
            _BROKE_OFF,
            _TRY_AGAIN,
        ),
    ),
    ((ContentLengthError,), _OTHERWISE),
    (
        (aiohttp.ClientResponseError, HttpProcessingError, httpx.DecodingError),
        FailureWords(
            "{name}'s answer can't be read", "What came from {host} is not valid HTTP.", _BROKE_OFF, _TRY_AGAIN
        ),
    ),
    (
        (ConnectionResetError,),
        FailureWords("The connection to {name} broke off", "{host} reset the connection.", _BROKE_OFF, _TRY_AGAIN),
    ),
    (
        (aiohttp.ServerDisconnectedError,),
        FailureWords(
            "The connection to {name} broke off",
            "{host} closed the connection without an answer.",
            _BROKE_OFF,
            _TRY_AGAIN,
        ),
    ),
)


def of_transport(failure: BaseException, *, peer: Peer, endpoint: str, patience: Timeouts) -> FailureWords:
    """The words for a failed attempt, by what is at the bottom of it."""
    chain = tuple(_causes(failure))
    words = _words_for(chain)
    waited = {"connect": patience.connect, "attempt": patience.attempt}
    tls = dict(zip(("tls_reason", "tls_advice"), reason_and_advice(failure), strict=True))
    at_proxy = next((cause for cause in chain if isinstance(cause, ProxyFailed)), None)
    proxy = {} if at_proxy is None else {"proxy": at_proxy.proxy, "proxy_said": at_proxy.said}
    named = {**peer.words, "host": urlsplit(endpoint).netloc, **waited, **tls, **proxy}
    return FailureWords(
        *(text.format_map(named) for text in (words.reason, words.happened, words.meaning, words.advice))
    )


def _words_for(chain: tuple[BaseException, ...]) -> FailureWords:
    if any(isinstance(cause, OSError) and cause.errno in _OUT_OF_DESCRIPTORS for cause in chain):
        return _NO_DESCRIPTORS
    for cause in chain:
        if isinstance(cause, ProxyFailed):
            return FailureWords(
                _PROXY_REASON, _PROXY_FAILED, _NOT_ASKED, _PROXY_ADVICE.get(cause.status_code, _CHECK_PROXY)
            )
    found = (words for types, words in _BY_CAUSE if any(isinstance(cause, types) for cause in chain))
    return next(found, _OTHERWISE)


def was_never_sent(failure: BaseException) -> bool:
    """Whether it is certain that the server has not seen the request and will not."""
    return any(isinstance(cause, _NEVER_SENT) for cause in _causes(failure))


def _causes(failure: BaseException | None) -> Iterator[BaseException]:
    while failure is not None:
        yield failure
        failure = failure.__cause__


def turn_never_came(seconds: float, *, peer: Peer) -> TaskUnavailable:
    """The time for a whole question was over before one request could be sent."""
    return TaskUnavailable(
        f"{peer.name} could not be asked within {seconds:g} s.",
        meaning="More requests are waiting than Volcengine allows in that time.",
        advice="Try again in a minute.",
        reason="Too many requests are waiting",
    )


def makes_no_sense(flaw: str, *, peer: Peer, request_id: str | None, log_id: str | None) -> TaskUnavailable:
    """An answer with HTTP 200 in which nothing of the documented form is to be found."""
    return TaskUnavailable(
        f"{peer.name}'s answer cannot be understood: {flaw}.",
        meaning=f"It does not come from {peer.name}, or {peer.name} answers in a form that is not documented.",
        advice=f"Check {peer.endpoint_setting} and what stands between; if it stays, report it (with the request id, "
        "if there is one).",
        reason=f"{peer.name}'s answer can't be read",
        request_id=request_id,
        log_id=log_id,
    )
