"""What stands in front of Bolt at the HTTP door: size, time and signature, and nothing of the body in the log.

Bolt's own check answers 500 with a traceback for a timestamp that is no number and a signature that is not ASCII, and
logs the whole body of what is badly signed (measured). So this one is in its place.
"""

import re
from collections.abc import Callable, Mapping

from slack_sdk.signature import SignatureVerifier

BODY_AT_MOST = 1024 * 1024
_MAY_DIFFER_BY = 300
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


def refusal_of(
    headers: Mapping[str, str], body: bytes, *, verifier: SignatureVerifier, now: Callable[[], float]
) -> int | None:
    """None for a request that Slack has signed within five minutes; else the HTTP status to refuse it with."""
    timestamp = headers.get("X-Slack-Request-Timestamp", "")
    signature = headers.get("X-Slack-Signature", "")
    if not (_TIMESTAMP.fullmatch(timestamp) and _SIGNATURE.fullmatch(signature)):
        return 400
    if abs(now() - int(timestamp)) > _MAY_DIFFER_BY:
        return 401
    try:
        is_signed = verifier.is_valid(body=body, timestamp=timestamp, signature=signature)
    except UnicodeDecodeError:
        return 400
    return None if is_signed else 401
