"""What stands in front of Bolt: one row for each thing that must not get in."""

import pytest
from slack_sdk.signature import SignatureVerifier

from bot.slack.connection.admission import Refused
from bot.slack.connection.http_endpoint import check_signature, read_signature

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
NOW = 1_795_000_000.0
BODY = b"command=%2Frectask&text=Room1+Task1"


def headers(body: bytes = BODY, *, timestamp: str | None = None, signature: str | None = None) -> dict[str, str]:
    at = str(int(NOW)) if timestamp is None else timestamp
    signed = SignatureVerifier(SECRET).generate_signature(timestamp=at, body=body) or ""
    return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": signed if signature is None else signature}


@pytest.mark.parametrize(
    "given", [headers(), headers(timestamp=str(int(NOW) - 299)), headers(timestamp=str(int(NOW) + 299))]
)
def test_what_slack_signed_within_five_minutes_gets_in(given: dict[str, str]) -> None:
    check_signature(read_signature(given, now=lambda: NOW), BODY, secret=SECRET)


@pytest.mark.parametrize(
    ("given", "status", "reason"),
    [
        (headers(timestamp=str(int(NOW) - 301)), 401, "stale"),
        (headers(timestamp=str(int(NOW) + 301)), 401, "stale"),
        (headers(timestamp="soon"), 400, "unsigned"),
        (headers(timestamp=""), 400, "unsigned"),
        (headers(timestamp="9" * 30), 400, "unsigned"),
        (headers(timestamp="१२३"), 400, "unsigned"),
        (headers(signature="v0=" + "é" * 64), 400, "unsigned"),
        (headers(signature=""), 400, "unsigned"),
        ({}, 400, "unsigned"),
    ],
)
def test_headers_alone_tell_who_does_not_get_in(given: dict[str, str], status: int, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        read_signature(given, now=lambda: NOW)
    assert (refused.value.status, refused.value.reason) == (status, reason)


@pytest.mark.parametrize(
    ("given", "body"),
    [(headers(signature="v0=" + "0" * 64), BODY), (headers(), BODY + b"x"), (headers(), b"\xff\xfe")],
)
def test_a_body_that_was_not_signed_does_not_get_in(given: dict[str, str], body: bytes) -> None:
    signed = read_signature(given, now=lambda: NOW)
    with pytest.raises(Refused) as refused:
        check_signature(signed, body, secret=SECRET)
    assert (refused.value.status, refused.value.reason) == (401, "forged")
