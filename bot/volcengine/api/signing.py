"""Volcengine's request signature (HMAC-SHA256, "V4") as an httpx.Auth.

Source: the vendor's "signature method" page and the signers of its Python SDKs, read November 2026; held against
vectors that those signers computed (tests/vectors/volcengine_v4_signatures.json).
"""

import hmac
import json
import re
from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote, unquote_to_bytes

import httpx

ALGORITHM = "HMAC-SHA256"
_UNRESERVED = re.compile("[A-Za-z0-9._~-]*")
# Pairs of name and value in which all that must be escaped is, and nothing else (the bytes of A-Z a-z 0-9 - . _ ~).
_ESCAPED = "(?:[A-Za-z0-9._~-]++|%(?!2[DE]|3[0-9]|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])[0-9A-F]{2})"
_CANONICAL = re.compile(f"{_ESCAPED}+={_ESCAPED}*(?:&{_ESCAPED}+={_ESCAPED}*)*")
_LIKE_A_SIGNATURE = r"\b[0-9a-fA-F]{64}\b"
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key pair, or temporary credentials with a session token."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


def escape(text: str | bytes) -> str:
    """Percent-escape by RFC 3986: only A-Z a-z 0-9 - _ . ~ stay, everything else is escaped as UTF-8."""
    if isinstance(text, str) and _UNRESERVED.fullmatch(text):
        return text
    return quote(text, safe="-_.~")


def canonical_query(pairs: Iterable[tuple[str | bytes, str | bytes]]) -> str:
    """The query in the one form that is signed: escaped, and sorted by the escaped bytes of names, then values."""
    return "&".join([f"{name}={value}" for name, value in sorted([(escape(n), escape(v)) for n, v in pairs])])


def _canonical_form_of(query: str) -> str:
    """The canonical form of a query that is on its way; a "+" is a plus there, a space is "%20"."""
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    if _CANONICAL.fullmatch(query):
        in_order = sorted(pairs)
        return query if in_order == pairs else "&".join(["".join(pair) for pair in in_order])
    return canonical_query((unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in pairs)


class Signer:
    """Signs requests of one service in one region; knows nothing of how they are sent.

    The signing key changes once a day (UTC) and is kept until then.
    """

    def __init__(self, credentials: Credentials, *, region: str, service: str, clock: Callable[[], datetime]) -> None:
        self._credentials = credentials
        self._scope = f"{region}/{service}/request"
        self._clock = clock
        self._day = ""
        self._keyed_for_day = hmac.new(b"", digestmod="sha256")
        self._held = [
            held
            for held in (credentials.access_key, credentials.secret_key, credentials.session_token)
            if held is not None
        ]
        secrets = "|".join(map(re.escape, filter(None, self._held)))
        self._telltale = re.compile(f"{secrets}|(?P<signature>{_LIKE_A_SIGNATURE})")

    def sign(
        self, *, method: str, path: str, query: str, host: str, body: bytes = b"", content_type: str | None = None
    ) -> dict[str, str]:
        """The headers to add: x-date, x-content-sha256, x-security-token (temporary credentials only), authorization.

        `path` and `query` are as they go over the wire, `host` too, without a default port.
        """
        # 2026-11-22T16:00:00+00:00, cut to 20261122T160000Z.
        now = self._clock().astimezone(UTC).isoformat(timespec="seconds")
        x_date = now.replace("-", "").replace(":", "")[:15] + "Z"
        added = {"x-content-sha256": sha256(body).hexdigest(), "x-date": x_date}
        if self._credentials.session_token:
            added["x-security-token"] = self._credentials.session_token
        # Sorted by name already: content-type and host come before those that are added.
        signed = (
            {"host": host, **added} if content_type is None else {"content-type": content_type, "host": host, **added}
        )
        names = ";".join(signed)
        lines = "".join([f"{name}:{value}\n" for name, value in signed.items()])
        canonical = f"{method}\n{path}\n{_canonical_form_of(query)}\n{lines}\n{names}\n{added['x-content-sha256']}"
        scope = f"{x_date[:8]}/{self._scope}"
        to_sign = f"{ALGORITHM}\n{x_date}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        added["authorization"] = (
            f"{ALGORITHM} Credential={self._credentials.access_key}/{scope}, "
            f"SignedHeaders={names}, Signature={self._hmac_of(to_sign, day=x_date[:8])}"
        )
        return added

    def _hmac_of(self, text: str, *, day: str) -> str:
        if self._day != day:
            # The secret key is used as it is: no prefix, and not decoded, though it looks like base64.
            key = self._credentials.secret_key.encode()
            for step in (day, *self._scope.split("/")):
                key = hmac.digest(key, step.encode(), "sha256")
            self._keyed_for_day, self._day = hmac.new(key, digestmod="sha256"), day
        signing = self._keyed_for_day.copy()
        signing.update(text.encode())
        return signing.hexdigest()

    def redact(self, text: str) -> str:
        """The text without keys, tokens and signatures: what the gateway says of a request may quote them."""
        if not self._telltale.search(text):
            return text
        return self._telltale.sub(lambda found: "[signature]" if found["signature"] else "[secret]", text)

    def redact_in(self, answer: str, *, authorization: str) -> str:
        """A good answer without what the request was signed with. Other hashes stay: names of files have some.

        Keys and tokens that are written with JSON's escapes are found too, for whoever reads the answer undoes those.
        """
        signature = authorization.rpartition("Signature=")[2]
        telltale = re.compile("|".join(map(re.escape, filter(None, (*self._held, signature)))))
        plain = _unescaped(answer)
        return telltale.sub("[secret]", plain) if telltale.search(plain) else answer


def _unescaped(answer: str) -> str:
    """The same JSON with nothing escaped that need not be; as it is where it cannot be read."""
    if "\\" not in answer:
        return answer
    try:
        return json.dumps(json.loads(answer), ensure_ascii=False)
    except (ValueError, RecursionError):
        return answer


class SignatureAuth(httpx.Auth):
    """Signs each request at the moment it is sent, as it is going to be sent."""

    requires_request_body = True

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        self._sign(request)
        yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """As auth_flow, without the generator that httpx puts around that one."""
        await request.aread()
        self._sign(request)
        yield request

    def _sign(self, request: httpx.Request) -> None:
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        own = {name.lower(): value.decode("ascii") for name, value in request.headers.raw}
        added = self._signer.sign(
            method=request.method,
            path=path,
            query=query,
            host=own[b"host"].removesuffix(_DEFAULT_PORTS.get(request.url.scheme, "")),
            body=request.content,
            content_type=own.get(b"content-type"),
        )
        for name, value in added.items():
            request.headers[name] = value
