"""Volcengine's request signature (HMAC-SHA256, "V4") as an httpx.Auth.

Source: the vendor's "signature method" page and the signers of its Python SDKs, read November 2026; held against
vectors that those signers computed (tests/vectors/volcengine_v4_signatures.json).
"""

import hmac
import re
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote, unquote_to_bytes

import httpx

ALGORITHM = "HMAC-SHA256"
_SIGNED_WHERE_PRESENT = ("content-type",)
_LIKE_A_SIGNATURE = re.compile(r"\b[0-9a-fA-F]{64}\b")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key pair, or temporary credentials with a session token."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


def escape(text: str | bytes) -> str:
    """Percent-escape by RFC 3986: only A-Z a-z 0-9 - _ . ~ stay, everything else is escaped as UTF-8."""
    return quote(text, safe="-_.~")


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    """The query in the one form that is signed: escaped, and sorted by the escaped bytes of names, then values."""
    return "&".join(f"{name}={value}" for name, value in sorted((escape(n), escape(v)) for n, v in pairs))


def _canonical_form_of(query: str) -> str:
    """The canonical form of a query that is on its way; a "+" is a plus there, a space is "%20"."""
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return "&".join(
        f"{name}={value}"
        for name, value in sorted((escape(unquote_to_bytes(n)), escape(unquote_to_bytes(v))) for n, _, v in pairs)
    )


class SignatureAuth(httpx.Auth):
    """Signs each request at the moment it is sent, with the clock's time and the host that goes over the wire.

    The signing key changes once a day (UTC) and is kept until then.
    """

    requires_request_body = True

    def __init__(self, credentials: Credentials, *, region: str, service: str, clock: Callable[[], datetime]) -> None:
        self._credentials = credentials
        self._region = region
        self._service = service
        self._clock = clock
        self._key_of_day: tuple[str, bytes] = ("", b"")

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        self.sign(request)
        yield request

    def sign(self, request: httpx.Request) -> None:
        """Add X-Date, X-Content-Sha256, X-Security-Token (temporary credentials only) and Authorization."""
        body_hash = sha256(request.content).hexdigest()
        x_date = self._clock().astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        added = {"x-content-sha256": body_hash, "x-date": x_date}
        if self._credentials.session_token:
            added["x-security-token"] = self._credentials.session_token
        request.headers.update(added)

        signed = _headers_to_sign(request) | added
        names = ";".join(sorted(signed))
        header_lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        canonical_request = "\n".join((request.method, path, _canonical_form_of(query), header_lines, names, body_hash))
        scope = f"{x_date[:8]}/{self._region}/{self._service}/request"
        to_sign = "\n".join((ALGORITHM, x_date, scope, sha256(canonical_request.encode()).hexdigest()))
        signature = hmac.digest(self._signing_key(x_date[:8]), to_sign.encode(), "sha256").hex()
        request.headers["authorization"] = (
            f"{ALGORITHM} Credential={self._credentials.access_key}/{scope}, "
            f"SignedHeaders={names}, Signature={signature}"
        )

    def conceal(self, text: str) -> str:
        """The text without keys, tokens and signatures: what the gateway says of a request may quote them."""
        held = (self._credentials.access_key, self._credentials.secret_key, self._credentials.session_token)
        for secret in held:
            text = text.replace(secret, "[secret]") if secret else text
        return _LIKE_A_SIGNATURE.sub("[signature]", text)

    def _signing_key(self, day: str) -> bytes:
        if self._key_of_day[0] != day:
            # The secret key is used as it is: no prefix, and not decoded, though it looks like base64.
            key = self._credentials.secret_key.encode()
            for step in (day, self._region, self._service, "request"):
                key = hmac.digest(key, step.encode(), "sha256")
            self._key_of_day = (day, key)
        return self._key_of_day[1]


def _headers_to_sign(request: httpx.Request) -> dict[str, str]:
    host = request.headers["host"].removesuffix(_DEFAULT_PORTS.get(request.url.scheme, ""))
    present = {name: request.headers[name] for name in _SIGNED_WHERE_PRESENT if name in request.headers}
    return {"host": host, **present}
