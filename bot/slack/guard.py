"""What stands in front of Bolt at the HTTP door: time and signature, and nothing of the body in the log.

Bolt's own check answers 500 with a traceback for a timestamp that is no number and a signature that is not ASCII, and
logs the whole body of what is badly signed (measured). So this one is in its place. The headers are looked at before
the body is read, so that only who could be Slack gets to send one.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.admission import Refused

_MAY_DIFFER_BY = 300
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Signed:
    """What a request says of who sent it, and when."""

    timestamp: str
    signature: str


def read_signature(headers: Mapping[str, str], *, now: Callable[[], float]) -> Signed:
    """By the headers alone. Raises Refused."""
    timestamp = headers.get("X-Slack-Request-Timestamp", "")
    signature = headers.get("X-Slack-Signature", "")
    if not (_TIMESTAMP.fullmatch(timestamp) and _SIGNATURE.fullmatch(signature)):
        raise Refused(400, "unsigned")
    if abs(now() - int(timestamp)) > _MAY_DIFFER_BY:
        raise Refused(401, "stale")
    return Signed(timestamp, signature)


def check_signature(signed: Signed, body: bytes, *, secret: str) -> None:
    """Whether the body is what Slack has signed. Raises Refused."""
    base = b"v0:" + signed.timestamp.encode() + b":" + body
    expected = "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signed.signature):
        raise Refused(401, "forged")
