"""Answers that this bot can recognise as its own: sealed with a key that follows from its own secret.

Redis is not trusted. Whoever can write there could otherwise invent an answer, and have the bot sign a link to any
object.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

_LABEL = b"rectask: answers that replicas share"
_TAG = hashlib.sha256().digest_size
_EXPIRY = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class NotOurs(ValueError):
    """Sealed by nobody, for another task, or with another key."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What was sealed, and until when it can be told."""

    content: bytes
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Seal:
    """Every replica has the same one, across restarts too, as long as they have the same secret."""

    key: bytes = field(repr=False)

    @classmethod
    def from_secret(cls, secret: str) -> "Seal":
        """HMAC as a key derivation function, with a fixed label (RFC 5869 expands in the same way)."""
        return cls(hmac.digest(secret.encode(), _LABEL, "sha256"))

    def name(self, about: bytes) -> str:
        """A name for the place, from which nobody without the secret can tell what it is about."""
        return hmac.digest(self.key, b"name\0" + about, "sha256").hex()

    def close(self, content: bytes, *, about: bytes, expires_at: datetime) -> bytes:
        """The content with its expiry and a tag over both and over what it is about."""
        expiry = ((expires_at - _EPOCH) // _MILLISECOND).to_bytes(_EXPIRY)
        return self._tag(expiry + content, about) + expiry + content

    def open(self, sealed: bytes, *, about: bytes) -> Opened:
        """Raises NotOurs."""
        tag, rest = sealed[:_TAG], sealed[_TAG:]
        if len(rest) < _EXPIRY or not hmac.compare_digest(tag, self._tag(rest, about)):
            raise NotOurs("the seal does not fit")
        expires_at = _EPOCH + int.from_bytes(rest[:_EXPIRY]) * _MILLISECOND
        return Opened(rest[_EXPIRY:], expires_at)

    def _tag(self, sealed: bytes, about: bytes) -> bytes:
        """What it is about is digested first, so that no byte of it can be taken for one of the content."""
        return hmac.digest(self.key, b"seal\0" + hashlib.sha256(about).digest() + sealed, "sha256")
