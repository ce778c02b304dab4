"""What stands in front of Bolt: one row for each thing that must not get in."""

import time

import pytest
from slack_sdk.signature import SignatureVerifier

from bot.slack.guard import refusal_of

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
NOW = 1_795_000_000.0
BODY = b"command=%2Frectask&text=Room1+Task1"


def headers(body: bytes = BODY, *, timestamp: str | None = None, signature: str | None = None) -> dict[str, str]:
    at = str(int(NOW)) if timestamp is None else timestamp
    signed = SignatureVerifier(SECRET).generate_signature(timestamp=at, body=body) or ""
    return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": signed if signature is None else signature}


@pytest.mark.parametrize(
    ("given", "body", "status_code"),
    [
        (headers(), BODY, None),
        (headers(timestamp=str(int(NOW) - 299)), BODY, None),
        (headers(timestamp=str(int(NOW) - 301)), BODY, 401),
        (headers(timestamp=str(int(NOW) + 301)), BODY, 401),
        (headers(timestamp="soon"), BODY, 400),
        (headers(timestamp=""), BODY, 400),
        (headers(timestamp="9" * 30), BODY, 400),
        (headers(timestamp="१२३"), BODY, 400),
        (headers(signature="v0=" + "0" * 64), BODY, 401),
        (headers(signature="v0=" + "é" * 64), BODY, 400),
        (headers(signature=""), BODY, 400),
        (headers(), BODY + b"x", 401),
        ({}, BODY, 400),
        (headers(), b"\xff\xfe", 400),
    ],
)
def test_who_gets_in(given: dict[str, str], body: bytes, status_code: int | None) -> None:
    assert refusal_of(given, body, verifier=_at_now(), now=lambda: NOW) == status_code


def _at_now() -> SignatureVerifier:
    class Clock:
        def now(self) -> float:
            return NOW

    return SignatureVerifier(SECRET, clock=Clock())  # type: ignore[arg-type]


def test_the_clock_of_the_verifier_is_real_unless_told() -> None:
    at = str(int(time.time()))
    assert refusal_of(headers(timestamp=at), BODY, verifier=SignatureVerifier(SECRET), now=time.time) is None
