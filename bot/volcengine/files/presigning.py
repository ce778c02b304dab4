"""Signed addresses of object stores: one scheme in two dialects, TOS's own (TOS4) and S3's (AWS Signature Version 4).

Sources: the vendor's page of signatures in the URL and its package tos 2.9.3; AWS's page "Authenticating Requests:
Using Query Parameters", read November 2026. Held against vectors of the one (tests/vectors/tos_presigned_urls*.json),
and against botocore for the other.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import quote

from bot.volcengine.api.signing import Credentials, canonical_query, escape


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between the two: names, and where the token stands in the address."""

    prefix: str
    algorithm: str
    service: str
    scope_ends: str
    key_prefix: str
    is_token_last: bool


@dataclass(frozen=True, slots=True)
class ObjectAddress:
    """Where an object lies: `origin` is scheme and host as they go over the wire, `path` is escaped."""

    origin: str
    path: str

    @property
    def url(self) -> str:
        return self.origin + self.path

    @property
    def host(self) -> str:
        return self.origin.partition("://")[2]


def escape_key(key: str) -> str:
    """An object key for a path: "/" and "~" stay, and nothing is normalised away, whatever it looks like."""
    return quote(key, safe="/-_.~")


def presign(
    address: ObjectAddress,
    dialect: Dialect,
    *,
    credentials: Credentials,
    region: str,
    at: datetime,
    expires: timedelta,
    query: Sequence[tuple[str, str]] = (),
    method: str = "GET",
) -> str:
    """The address with `query` and a signature that is good from `at` on for `expires`, in whole seconds."""
    moment = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    steps = (moment[:8], region, dialect.service, dialect.scope_ends)
    scope = "/".join(steps)
    named = {
        "Algorithm": dialect.algorithm,
        "Credential": f"{credentials.access_key}/{scope}",
        "Date": moment,
        "Expires": str(int(expires.total_seconds())),
        **_token_and_headers(dialect, credentials.session_token),
    }
    pairs = [*query, *((dialect.prefix + name, value) for name, value in named.items())]
    canonical = f"{method}\n{address.path}\n{canonical_query(pairs)}\nhost:{address.host}\n\nhost\nUNSIGNED-PAYLOAD"
    to_sign = f"{dialect.algorithm}\n{moment}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    key = (dialect.key_prefix + credentials.secret_key).encode()
    for step in steps:
        key = hmac.digest(key, step.encode(), "sha256")
    pairs.append((f"{dialect.prefix}Signature", hmac.new(key, to_sign.encode(), sha256).hexdigest()))
    return f"{address.url}?" + "&".join(f"{escape(name)}={escape(value)}" for name, value in pairs)


def _token_and_headers(dialect: Dialect, token: str | None) -> dict[str, str]:
    """In the order in which the dialect's own tools write them."""
    parts = ({"Security-Token": token} if token else {}, {"SignedHeaders": "host"})
    first, second = reversed(parts) if dialect.is_token_last else parts
    return {**first, **second}
