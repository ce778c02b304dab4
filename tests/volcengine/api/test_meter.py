"""What is counted of requests has labels from a closed set, whatever is answered."""

import pytest

from bot.volcengine.api.meter import CODES, code_of
from bot.volcengine.api.wire import WireError


@pytest.mark.parametrize(
    ("error", "status_code", "code"),
    [
        (WireError(Code="AccessDenied.RecordNotEnabled"), 403, "AccessDenied.RecordNotEnabled"),
        (WireError(Code="AccessDenied.OfTomorrow"), 403, "AccessDenied"),
        (WireError(Code="OfTomorrow", CodeN=100018), 429, "FlowLimitExceeded"),
        (WireError(Code="OfTomorrow"), 429, "429"),
        (WireError(Code="OfTomorrow"), 200, "other"),
        (WireError(), 504, "504"),
        (WireError(), 418, "other"),
        (WireError(), 200, "ok"),
    ],
)
def test_a_code(error: WireError, status_code: int, code: str) -> None:
    assert code_of(error, status_code, flaw=None) == code
    assert code in CODES


def test_what_can_not_be_read() -> None:
    assert code_of(WireError(), 200, flaw="it is no JSON") == "unreadable"
